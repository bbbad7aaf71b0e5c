#include "media/sei.hpp"

#include <algorithm>

namespace millrace::media {

namespace {

// H.264 §7.3.2.3.1: a run of 0xFF bytes, 255 each, then the last byte.
std::size_t read_sum(BitReader& reader) {
    std::size_t sum = 0;
    std::uint8_t byte = 0;
    do {
        byte = reader.u8();
        sum += byte;
    } while (byte == 0xFF && reader.ok());
    return sum;
}

}   // namespace

std::optional<BitReader> find_sei(ByteSpan nal_payload, std::uint32_t payload_type) {
    BitReader reader{nal_payload.first(std::min(nal_payload.size(), sei_bytes_max)), BitReader::Form::nal};
    for (unsigned message = 0; message < sei_messages_max && !reader.at_end(); ++message) {
        const std::size_t type = read_sum(reader);
        const std::size_t size = read_sum(reader);
        if (!reader.ok()) {
            return std::nullopt;
        }
        if (type == payload_type) {
            return reader;
        }
        reader.skip(size * 8);
    }
    return std::nullopt;
}

}   // namespace millrace::media
