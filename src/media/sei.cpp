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

/// Calls `wants` with each message's type and a reader at its payload, until it says true; that reader.
template <class Wants>
std::optional<BitReader> find_message(ByteSpan nal_payload, Wants wants) {
    BitReader reader{nal_payload.first(std::min(nal_payload.size(), sei_bytes_max)), BitReader::Form::nal};
    for (unsigned message = 0; message < sei_messages_max && !reader.at_end(); ++message) {
        const std::size_t type = read_sum(reader);
        const std::size_t size = read_sum(reader);
        if (!reader.ok()) {
            return std::nullopt;
        }
        if (std::optional<BitReader> found = wants(type, reader)) {
            return found;
        }
        reader.skip(size * 8);
    }
    return std::nullopt;
}

}   // namespace

std::optional<BitReader> find_sei(ByteSpan nal_payload, std::uint32_t payload_type) {
    return find_message(nal_payload, [payload_type](std::size_t type, const BitReader& reader) {
        return type == payload_type ? std::optional{reader} : std::nullopt;
    });
}

std::optional<BitReader> find_user_data(ByteSpan nal_payload, std::span<const std::uint8_t, 16> uuid) {
    return find_message(nal_payload, [uuid](std::size_t type, BitReader reader) -> std::optional<BitReader> {
        if (type != sei_user_data_unregistered) {
            return std::nullopt;
        }
        for (const std::uint8_t byte : uuid) {
            if (reader.u8() != byte) {
                return std::nullopt;
            }
        }
        return reader.ok() ? std::optional{reader} : std::nullopt;
    });
}

}   // namespace millrace::media
