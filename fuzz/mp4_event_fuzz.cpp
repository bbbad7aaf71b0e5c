#include "base/check.hpp"
#include "container/mp4_event.hpp"

#include <cstdint>

using namespace millrace;

/// Event message boxes: what is read is a result within its bounds, and is written and read again the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto read = mp4::read_events(std::as_bytes(std::span{data, size}));
    if (!read) {
        return 0;
    }
    std::vector<std::byte> out;
    for (const media::TimedMessage& message : *read) {
        check(message.body.size() <= media::TimedMessage::bytes_max, "a result has a bounded size");
        check(message.pts >= 0, "its time is one of the stream");
        mp4::write_event_head(out, message, 1);
        out.insert(out.end(), message.body.begin(), message.body.end());
        (void)media::is_of_class(as_text(message.body), "a");
    }
    const auto again = mp4::read_events(out);
    check(again && again->size() == read->size(), "what was written can be read");
    for (std::size_t at = 0; at < read->size(); ++at) {
        check((*again)[at].pts == (*read)[at].pts && (*again)[at].body == (*read)[at].body,
              "and is the same");
    }
    return 0;
}
