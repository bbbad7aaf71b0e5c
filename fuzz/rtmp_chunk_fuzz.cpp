#include "base/check.hpp"
#include "protocol/rtmp/chunk_reader.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

// Bytes as chunks, once whole and once in pieces of the first byte's size: both must give the same messages
// and stay within the budgets.

namespace {

using namespace millrace;

struct Reading {
    std::vector<rtmp::Message> messages;
    bool ok = true;
};

Reading read(ByteSpan bytes, std::size_t piece) {
    Reading reading;
    rtmp::ChunkReader reader;
    while (reading.ok && !bytes.empty()) {
        ByteSpan part = bytes.first(std::min(piece, bytes.size()));
        bytes = bytes.subspan(part.size());
        while (true) {
            auto message = reader.next(part);
            check(reader.partial_bytes() <= rtmp::partial_bytes_max,
                  "unfinished messages keep to the budget");
            check(reader.chunk_streams() <= rtmp::chunk_streams_max, "the table keeps to its size");
            reading.ok = message.has_value();
            if (!message || !*message) {
                break;
            }
            reading.messages.push_back(**std::move(message));
        }
    }
    return reading;
}

}   // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const ByteSpan bytes = std::as_bytes(std::span{data, size}).subspan(1);
    const Reading whole = read(bytes, SIZE_MAX);
    const Reading pieces = read(bytes, 1U + data[0]);
    check(whole.ok == pieces.ok && whole.messages.size() == pieces.messages.size(), "cuts change nothing");
    for (std::size_t i = 0; i < whole.messages.size(); ++i) {
        const rtmp::Message& a = whole.messages[i];
        const rtmp::Message& b = pieces.messages[i];
        check(a.type == b.type && a.timestamp_ms == b.timestamp_ms && a.body == b.body,
              "cuts change nothing");
    }
    return 0;
}
