#include "archive/pins.hpp"

#include "base/virtual_folder.hpp"

#include <gtest/gtest.h>

namespace millrace::archive {
namespace {

Pin pin(std::int64_t from, std::int64_t to, std::string stream = "live/cam") {
    return {std::move(stream), {{from}, {to}}};
}
using AllPins = std::vector<Pin>;

std::vector<Pin> loaded(VirtualFolder& folder) {
    Pins pins{folder};
    EXPECT_TRUE(pins.load());
    EXPECT_FALSE(pins.unknown());
    return pins.all();
}

TEST(Pins, are_there_again_as_they_were_left) {
    VirtualFolder folder;
    Pins pins{folder};
    ASSERT_TRUE(pins.load());
    EXPECT_TRUE(pins.all().empty());
    ASSERT_TRUE(pins.add(pin(10, 20)));
    ASSERT_TRUE(pins.add(pin(10, 20))) << "once more is no more";
    ASSERT_TRUE(pins.add(pin(-5, 7, "a/b/c")));
    ASSERT_TRUE(pins.add(pin(30, 40)));
    ASSERT_TRUE(pins.remove(pin(30, 40)));
    EXPECT_EQ(pins.remove(pin(30, 40)).error().code, Errc::not_found);
    EXPECT_EQ(loaded(folder), (AllPins{pin(10, 20), pin(-5, 7, "a/b/c")}));
    EXPECT_TRUE(pins.hold("live/cam", {{19}, {50}}));
    EXPECT_FALSE(pins.hold("live/cam", {{20}, {50}}));
    EXPECT_FALSE(pins.hold("live/other", {{10}, {20}}));
}

TEST(Pins, are_so_many_and_no_more) {
    VirtualFolder folder;
    Pins pins{folder};
    for (std::size_t at = 0; at < Pins::count_max; ++at) {
        ASSERT_TRUE(pins.add(pin(static_cast<std::int64_t>(at), 5000)));
    }
    EXPECT_EQ(pins.add(pin(-1, 5000)).error().code, Errc::exhausted);
    EXPECT_EQ(loaded(folder).size(), Pins::count_max);
}

TEST(Pins, case_93_survive_a_changed_byte_anywhere_and_say_when_both_files_are_changed) {
    VirtualFolder folder;
    {
        Pins pins{folder};
        ASSERT_TRUE(pins.add(pin(10, 20)));
        ASSERT_TRUE(pins.add(pin(30, 40)));
    }
    const AllPins both{pin(10, 20), pin(30, 40)};
    for (const std::string name : {"pins-a", "pins-b"}) {
        for (std::size_t at = 0; at < folder.bytes(name).size(); ++at) {
            folder.bytes(name)[at] ^= std::byte{0x10};
            EXPECT_EQ(loaded(folder), both) << name << " " << at;
            folder.bytes(name)[at] ^= std::byte{0x10};
        }
    }
    folder.bytes("pins-a")[20] ^= std::byte{1};
    folder.bytes("pins-b")[20] ^= std::byte{1};
    Pins pins{folder};
    ASSERT_TRUE(pins.load());
    EXPECT_TRUE(pins.unknown());
    EXPECT_EQ(pins.damaged(), 2U);
    EXPECT_TRUE(pins.hold("live/other", {{0}, {1}})) << "what is not known may be pinned";
    ASSERT_TRUE(pins.add(pin(50, 60)));
    EXPECT_EQ(loaded(folder), AllPins{pin(50, 60)});
}

TEST(Pins, case_f4_keep_what_was_said_to_be_kept_when_the_power_goes_at_any_call) {
    for (std::uint64_t seed = 1; seed <= 400; ++seed) {
        VirtualFolder folder;
        SeededRandom chance{seed};
        AllPins said;
        for (int life = 0; life < 3; ++life) {
            Pins pins{folder};
            ASSERT_TRUE(pins.load()) << seed;
            ASSERT_FALSE(pins.unknown()) << seed;
            ASSERT_GE(pins.all().size(), said.size()) << seed;
            EXPECT_TRUE(std::equal(said.begin(), said.end(), pins.all().begin())) << seed;
            said = pins.all();
            folder.dies_at = folder.calls + chance.below(24);
            while (pins.add(pin(static_cast<std::int64_t>(said.size()), 5000))) {
                said = pins.all();
            }
            folder.cut_power(chance);
        }
    }
}

TEST(Pins, refuse_what_is_cut_at_any_byte_or_says_more_than_it_has) {
    const std::vector<std::byte> whole = pins_bytes({pin(10, 20), pin(1, 2, "b")}, 7);
    const auto read = read_pins(whole);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->version, 7U);
    EXPECT_EQ(read->pins, (AllPins{pin(10, 20), pin(1, 2, "b")}));
    for (std::size_t size = 0; size < whole.size(); ++size) {
        EXPECT_FALSE(read_pins(ByteSpan{whole}.first(size))) << size;
    }
    std::vector<std::byte> longer = whole;
    longer.push_back(std::byte{0});
    EXPECT_FALSE(read_pins(longer));
}

}   // namespace
}   // namespace millrace::archive
