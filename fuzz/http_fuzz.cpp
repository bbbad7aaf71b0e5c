#include "protocol/http/server_machine.hpp"

#include <cstdlib>

// The first byte of an input says how the rest is cut: 0 whole, else into pieces of that size at most 64.
// However it is cut, the same requests must come out, and every refusal must be an answer.
namespace {

using namespace millrace;

struct Outcome {
    std::string requests;
    bool refused = false;
};

Outcome feed(ByteSpan wire, std::size_t piece) {
    http::ServerMachine machine{Instant{}, WallTime{}};
    Outcome outcome;
    Instant now;
    while (!wire.empty() && !machine.finished()) {
        const ByteSpan part = wire.first(std::min(piece, wire.size()));
        wire = wire.subspan(part.size());
        now = now + 1us;
        auto going = machine.receive(part, now);
        while (auto event = machine.next_event()) {
            auto& request = std::get<web::Request>(*event);
            const bool sound = request.path == "*" || request.path.starts_with('/');
            if (!sound || request.path.find('\0') != std::string::npos) {
                std::abort();
            }
            outcome.requests +=
                request.method + ' ' + request.path + '?' + request.query + '\n' + request.body + '\n';
            (void)request.query_value("token");
            going = machine.respond(web::Response::problem(404, request.path), now);
        }
        const std::string output{as_text(machine.next_output())};
        if (!going) {
            outcome.refused = true;
            if (output.find("Connection: close\r\n") == std::string::npos || !machine.finished()) {
                std::abort();
            }
        }
    }
    (void)machine.advance(machine.deadline());
    return outcome;
}

}   // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const ByteSpan wire = std::as_bytes(std::span{data, size}.subspan(1));
    const Outcome cut = feed(wire, data[0] == 0 ? std::max<std::size_t>(wire.size(), 1) : 1 + data[0] % 64);
    const Outcome single = feed(wire, 1);
    if (cut.requests != single.requests || cut.refused != single.refused) {
        std::abort();
    }
    return 0;
}
