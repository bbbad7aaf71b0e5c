#include "net/picture_memory.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>

namespace millrace::net {

TEST(PictureMemory, shows_what_the_child_draws_and_stays_as_large_as_it_is) {
    Result<PictureMemory> made = PictureMemory::make();
    ASSERT_TRUE(made);
    const PictureMemory memory{std::move(*made)};
    const std::array drawn{std::byte{1}, std::byte{2}, std::byte{3}};
    const auto place = static_cast<off_t>(2 * picture_ring::slot_size);
    ASSERT_EQ(::pwrite(memory.descriptor(), drawn.data(), drawn.size(), place), 3);
    EXPECT_TRUE(std::ranges::equal(memory.slot(2).first(3), drawn));
    EXPECT_EQ(memory.slot(1)[0], std::byte{0});
    EXPECT_EQ(memory.slot(3).size(), picture_ring::slot_size);
    EXPECT_NE(::ftruncate(memory.descriptor(), 4096), 0) << "a page that goes would be a crash here";
    EXPECT_NE(::ftruncate(memory.descriptor(), 2 * static_cast<off_t>(picture_ring::size)), 0);
}

}   // namespace millrace::net
