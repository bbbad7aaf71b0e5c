#include "base/url.hpp"
#include "container/multipart_reader.hpp"

#include <cstdlib>

// The first byte of an input says how the rest is cut. Its first line is a Content-Type, what follows is the
// body. However it is cut, the same parts must come out. The whole is also taken for a URL.
namespace {

using namespace millrace;

std::string read(std::string_view boundary, ByteSpan wire, std::size_t piece) {
    auto reader = multipart::Reader::make(boundary);
    std::string outcome;
    bool going = reader.has_value();
    while (going && !wire.empty()) {
        const ByteSpan part = wire.first(std::min(piece, wire.size()));
        wire = wire.subspan(part.size());
        going = reader->receive(part).has_value();
        while (const auto one = reader->next()) {
            if (one->body.size() > multipart::Reader::body_max) {
                std::abort();
            }
            outcome += one->type + '\n' + std::string{as_text(one->body)} + '\n';
        }
    }
    return outcome + (going ? "going" : "stopped");
}

}   // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const ByteSpan rest = std::as_bytes(std::span{data, size}.subspan(1));
    const std::string_view text = as_text(rest);
    if (const auto url = parse_url(text); url && (url->host.empty() || url->port == 0)) {
        std::abort();
    }
    const std::size_t line = text.find('\n');
    if (line == std::string_view::npos) {
        return 0;
    }
    const std::string boundary = multipart::read_content_type(text.substr(0, line)).boundary;
    const ByteSpan body = rest.subspan(line + 1);
    if (read(boundary, body, data[0] == 0 ? size : std::size_t{data[0]}) != read(boundary, body, 1)) {
        std::abort();
    }
    return 0;
}
