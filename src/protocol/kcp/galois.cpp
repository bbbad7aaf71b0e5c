#include "protocol/kcp/galois.hpp"

#include <array>

#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace millrace::kcp {

namespace {

constexpr unsigned reduction = 0x11d;

struct Logarithms {
    std::array<std::uint8_t, 512> power{};   // of 2; twice around, so that sums need no wrap
    std::array<std::uint8_t, 256> exponent{};
};
constexpr Logarithms logarithms = [] {
    Logarithms made;
    unsigned value = 1;
    for (unsigned i = 0; i < 255; ++i) {
        made.power[i] = made.power[i + 255] = static_cast<std::uint8_t>(value);
        made.exponent[value] = static_cast<std::uint8_t>(i);
        value <<= 1U;
        value ^= value > 255 ? reduction : 0;
    }
    return made;
}();

/// A product is the sum of those of the two halves of a byte: two tables of 16.
struct HalfProducts {
    alignas(16) std::array<std::uint8_t, 16> low;
    alignas(16) std::array<std::uint8_t, 16> high;
};
HalfProducts products_of(std::uint8_t factor) {
    HalfProducts products;
    for (unsigned i = 0; i < 16; ++i) {
        products.low[i] = multiply(factor, static_cast<std::uint8_t>(i));
        products.high[i] = multiply(factor, static_cast<std::uint8_t>(i << 4U));
    }
    return products;
}

void add_scaled_plain(std::byte* into, ByteSpan from, const HalfProducts& products) {
    for (std::size_t i = 0; i < from.size(); ++i) {
        const auto value = static_cast<std::uint8_t>(from[i]);
        into[i] ^= static_cast<std::byte>(products.low[value & 15U] ^ products.high[value >> 4U]);
    }
}

#ifdef __x86_64__
/// Sixteen bytes at a time; gives how many it did.
__attribute__((target("ssse3"))) std::size_t add_scaled_wide(std::byte* into, ByteSpan from,
                                                             const HalfProducts& products) {
    const __m128i low = _mm_load_si128(reinterpret_cast<const __m128i*>(products.low.data()));
    const __m128i high = _mm_load_si128(reinterpret_cast<const __m128i*>(products.high.data()));
    const __m128i mask = _mm_set1_epi8(15);
    std::size_t done = 0;
    for (; done + 16 <= from.size(); done += 16) {
        const __m128i value = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from.data() + done));
        const __m128i upper = _mm_and_si128(_mm_srli_epi64(value, 4), mask);
        const __m128i product =
            _mm_xor_si128(_mm_shuffle_epi8(low, _mm_and_si128(value, mask)), _mm_shuffle_epi8(high, upper));
        auto* place = reinterpret_cast<__m128i*>(into + done);
        _mm_storeu_si128(place, _mm_xor_si128(_mm_loadu_si128(place), product));
    }
    return done;
}
#endif

}   // namespace

std::uint8_t multiply(std::uint8_t a, std::uint8_t b) {
    if (a == 0 || b == 0) {
        return 0;
    }
    return logarithms.power[logarithms.exponent[a] + logarithms.exponent[b]];
}

std::uint8_t inverse(std::uint8_t a) {
    return logarithms.power[255 - logarithms.exponent[a]];
}

void add_scaled(std::span<std::byte> into, ByteSpan from, std::uint8_t factor) {
    if (factor == 0) {
        return;
    }
    const HalfProducts products = products_of(factor);
    std::size_t done = 0;
#ifdef __x86_64__
    static const bool wide = __builtin_cpu_supports("ssse3");
    if (wide) {
        done = add_scaled_wide(into.data(), from, products);
    }
#endif
    add_scaled_plain(into.data() + done, from.subspan(done), products);
}

}   // namespace millrace::kcp
