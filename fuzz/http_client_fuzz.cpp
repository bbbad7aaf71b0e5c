#include "base/url.hpp"
#include "container/multipart_reader.hpp"
#include "protocol/http/client_machine.hpp"

#include <cstdlib>

// The first byte of an input says how the rest, a server's answer, is cut. However it is cut, the same answer
// must come out; a multipart body goes through its reader on the way.
namespace {

using namespace millrace;

struct Outcome {
    std::string events;
    bool going = true;
};

class Client {
public:
    explicit Client(std::size_t piece) : piece_{piece} {
        const http::ClientRequest request{.url = *parse_url("http://h/")};
        if (!machine_.ask(request, Instant{})) {
            std::abort();
        }
    }

    Outcome hear(ByteSpan wire) {
        while (outcome_.going && !wire.empty()) {
            const ByteSpan part = wire.first(std::min(piece_, wire.size()));
            wire = wire.subspan(part.size());
            outcome_.going = machine_.receive(part, Instant{}).has_value();
            take_events();
        }
        if (outcome_.going) {
            outcome_.going = machine_.close().has_value();
            take_events();
        }
        return std::move(outcome_);
    }

private:
    void take_events() {
        while (const auto event = machine_.next_event()) {
            if (const auto* head = std::get_if<http::ResponseHead>(&*event)) {
                take(*head);
            } else if (const auto* body = std::get_if<http::BodyPart>(&*event)) {
                outcome_.events += as_text(body->bytes);
                take(body->bytes);
            } else {
                outcome_.events += "\nend\n";
            }
        }
    }
    void take(const http::ResponseHead& head) {
        outcome_.events += std::to_string(head.status) + '\n';
        for (const web::Header& header : head.headers) {
            outcome_.events += header.name + ':' + header.value + '\n';
        }
        (void)resolve_url(*parse_url("http://u:p@h/a"), head.header("Location").value_or(""));
        const auto content = multipart::read_content_type(head.header("Content-Type").value_or(""));
        if (auto reader = multipart::Reader::make(content.boundary)) {
            reader_.emplace(std::move(*reader));
        }
    }
    void take(ByteSpan body) {
        if (!reader_) {
            return;
        }
        const bool going = reader_->receive(body).has_value();
        while (const auto part = reader_->next()) {
            if (part->body.size() > multipart::Reader::body_max) {
                std::abort();
            }
            parts_ += "\npart " + part->type + std::string{as_text(part->body)};
        }
        if (!going) {
            reader_.reset();
        }
    }

    std::size_t piece_;
    http::ClientMachine machine_;
    std::optional<multipart::Reader> reader_;
    std::string parts_;
    Outcome outcome_;
};

}   // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const ByteSpan wire = std::as_bytes(std::span{data, size}.subspan(1));
    const Outcome cut = Client{data[0] == 0 ? size : std::size_t{data[0]}}.hear(wire);
    const Outcome single = Client{1}.hear(wire);
    if (cut.going != single.going || (cut.going && cut.events != single.events)) {
        std::abort();
    }
    return 0;
}
