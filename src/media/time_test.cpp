#include "media/time.hpp"

#include <gtest/gtest.h>

namespace millrace::media {
namespace {

std::int64_t floor_in_128_bits(__int128 dividend, __int128 divisor) {
    return static_cast<std::int64_t>(dividend / divisor - (dividend % divisor < 0 ? 1 : 0));
}

TEST(Rescale, is_exact_at_every_size) {
    for (int bit = 0; bit < 44; ++bit) {
        for (const std::int64_t near : {-2, -1, 0, 1, 2}) {
            for (const std::int64_t sign : {-1, 1}) {
                for (const std::int64_t from : {1, 1000, 44'100, 90'000, 1'000'000, 10'000'000}) {
                    for (const std::int64_t to : {1, 1000, 48'000, 90'000, 1'000'000, 10'000'000}) {
                        const std::int64_t value = sign * ((std::int64_t{1} << bit) + near);
                        const __int128 product = static_cast<__int128>(value) * to;
                        ASSERT_EQ(rescale(value, from, to), floor_in_128_bits(product, from));
                        ASSERT_EQ(rescale_nearest(value, from, to),
                                  floor_in_128_bits(product * 2 + from, static_cast<__int128>(from) * 2));
                    }
                }
            }
        }
    }
}

}   // namespace
}   // namespace millrace::media
