#include "media/jpeg.hpp"

#include <cstdint>

// A picture that passes has a size within the limits, and passes again when its padding is gone.

using namespace millrace;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteSpan bytes = std::as_bytes(std::span{data, size});
    const Result<media::jpeg::Facts> facts = media::jpeg::read(bytes);
    if (!facts) {
        return 0;
    }
    const bool sane = facts->size <= size && facts->width >= 1 && facts->width <= media::jpeg::side_max &&
                      facts->height >= 1 && facts->height <= media::jpeg::side_max;
    const Result<media::jpeg::Facts> again = media::jpeg::read(bytes.first(facts->size));
    if (!sane || !again || again->size != facts->size ||
        !media::jpeg::config_of(facts->width, facts->height)) {
        __builtin_trap();
    }
    return 0;
}
