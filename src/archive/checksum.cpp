#include "archive/checksum.hpp"

#include <bit>

namespace millrace::archive {

namespace {

constexpr std::uint32_t polynomial = 0x82F63B78;
constexpr std::size_t step = 8;
using Tables = std::array<std::array<std::uint32_t, 256>, step>;

consteval Tables make_tables() {
    Tables tables{};
    for (std::uint32_t value = 0; value < 256; ++value) {
        std::uint32_t rest = value;
        for (int bit = 0; bit < 8; ++bit) {
            rest = (rest >> 1U) ^ ((rest & 1U) != 0 ? polynomial : 0U);
        }
        tables[0][value] = rest;
    }
    for (std::size_t at = 1; at < step; ++at) {
        for (std::size_t value = 0; value < 256; ++value) {
            const std::uint32_t before = tables[at - 1][value];
            tables[at][value] = (before >> 8U) ^ tables[0][before & 0xFFU];
        }
    }
    return tables;
}

constexpr Tables tables = make_tables();

std::uint32_t by_tables(ByteSpan bytes, std::uint32_t sum) {
    static_assert(std::endian::native == std::endian::little, "eight bytes are read at once");
    while (bytes.size() >= step) {
        std::uint64_t eight = 0;
        std::memcpy(&eight, bytes.data(), step);
        eight ^= sum;
        sum = 0;
        for (std::size_t at = 0; at < step; ++at) {
            sum ^= tables[step - 1 - at][(eight >> (8 * at)) & 0xFFU];
        }
        bytes = bytes.subspan(step);
    }
    for (const std::byte byte : bytes) {
        sum = (sum >> 8U) ^ tables[0][(sum ^ std::to_integer<std::uint32_t>(byte)) & 0xFFU];
    }
    return sum;
}

#if defined(__x86_64__)
/// The processor's own instruction for this polynomial.
__attribute__((target("sse4.2"))) std::uint32_t by_processor(ByteSpan bytes, std::uint32_t sum) {
    std::uint64_t wide = sum;
    while (bytes.size() >= step) {
        std::uint64_t eight = 0;
        std::memcpy(&eight, bytes.data(), step);
        wide = __builtin_ia32_crc32di(wide, eight);
        bytes = bytes.subspan(step);
    }
    return by_tables(bytes, static_cast<std::uint32_t>(wide));
}
#endif

}   // namespace

std::uint32_t checksum(ByteSpan bytes, std::uint32_t before) {
#if defined(__x86_64__)
    static const bool has_own = __builtin_cpu_supports("sse4.2");
    if (has_own) {
        return ~by_processor(bytes, ~before);
    }
#endif
    return ~by_tables(bytes, ~before);
}

}   // namespace millrace::archive
