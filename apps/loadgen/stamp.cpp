#include "apps/loadgen/stamp.hpp"

#include "base/byte_writer.hpp"

#include <charconv>
#include <cstring>

namespace millrace::loadgen {

namespace {

constexpr std::string_view identifier = "millrace:loadgen";   // in the place of the UUID: 16 bytes of our own
constexpr std::size_t number_size = 16;

// An SEI NAL unit (ITU-T H.264 §7.3.2.3) with one user_data_unregistered message (§D.1.6). The numbers are
// letters, so that no emulation prevention is needed.
//
//   | 06 | 05 | size 40 | identifier 16 | sequence 16 | sent, ns 16 | digest 16 | 80 |
constexpr std::size_t message_size = 4 * number_size;
constexpr std::size_t nal_size = 3 + message_size + 1;
constexpr std::size_t message_at = 3;

}   // namespace

std::uint64_t digest(ByteSpan bytes) {
    constexpr std::uint64_t prime = 0x100'0000'01B3;
    std::uint64_t hash = 0xCBF2'9CE4'8422'2325;
    while (!bytes.empty()) {
        std::uint64_t word = 0;
        const std::size_t count = std::min(bytes.size(), sizeof word);
        std::memcpy(&word, bytes.data(), count);
        hash = (hash ^ word) * prime;
        hash ^= hash >> 29U;
        bytes = bytes.subspan(count);
    }
    return hash;
}

std::string hexadecimal(std::uint64_t number) {
    return fmt::format("{:016x}", number);
}

std::optional<std::uint64_t> read_hexadecimal(ByteSpan bytes) {
    if (bytes.size() < number_size) {
        return std::nullopt;
    }
    const std::string_view text = as_text(bytes.first(number_size));
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, 16);
    return error == std::errc{} && end == text.data() + text.size() ? std::optional{number} : std::nullopt;
}

std::vector<std::byte> stamp_nal(const Stamp& stamp) {
    std::vector<std::byte> nal;
    ByteWriter writer{nal};
    writer.u8(6);
    writer.u8(5);
    writer.u8(message_size);
    writer.text(identifier);
    writer.text(hexadecimal(stamp.sequence));
    writer.text(hexadecimal(static_cast<std::uint64_t>(stamp.sent.nanoseconds())));
    writer.text(hexadecimal(stamp.digest));
    writer.u8(0x80);
    return nal;
}

std::optional<Stamp> read_stamp(ByteSpan nal) {
    if (nal.size() != nal_size || as_text(nal.subspan(message_at, identifier.size())) != identifier) {
        return std::nullopt;
    }
    const auto number = [nal](std::size_t place) {
        return read_hexadecimal(nal.subspan(message_at + place * number_size));
    };
    const auto sequence = number(1);
    const auto sent = number(2);
    const auto hash = number(3);
    if (!sequence || !sent || !hash) {
        return std::nullopt;
    }
    return Stamp{*sequence, Instant::from_nanoseconds(static_cast<std::int64_t>(*sent)), *hash};
}

}   // namespace millrace::loadgen
