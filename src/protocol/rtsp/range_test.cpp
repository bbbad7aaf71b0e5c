#include "protocol/rtsp/range.hpp"

#include <gtest/gtest.h>

#include <array>

namespace millrace::rtsp {
namespace {

using Unit = Range::Unit;

TEST(RtspRange, reads_what_players_write) {
    struct Case {
        std::string_view text;
        Range range;
    };
    const std::array cases{
        Case{"npt=0.000-", {Unit::npt, 0, {}}},
        Case{"npt=now-", {Unit::npt, {}, {}}},
        Case{"npt=10.25-20", {Unit::npt, 10'250'000, 20'000'000}},
        Case{"npt=-5", {Unit::npt, {}, 5'000'000}},
        Case{"npt=1:02:03.5-", {Unit::npt, 3'723'500'000, {}}},
        Case{" npt = 7.1234567 - ;time=19970123T143720Z", {Unit::npt, 7'123'456, {}}},
        Case{"clock=20261120T140932Z-", {Unit::clock, 1'795'183'772'000'000, {}}},
        Case{"clock=20261120T140932.25Z-20261120T140933Z",
             {Unit::clock, 1'795'183'772'250'000, 1'795'183'773'000'000}},
    };
    for (const Case& one : cases) {
        const Result<Range> read = read_range(one.text);
        ASSERT_TRUE(read) << one.text << ": " << read.error().what;
        EXPECT_EQ(*read, one.range) << one.text;
        EXPECT_EQ(read_range(write(*read)).has_value(), true) << write(*read);
    }
    EXPECT_EQ(write(*read_range("npt=10.25-20")), "npt=10.250-20.000");
    EXPECT_EQ(write(*read_range("clock=20261120T140932.25Z-")), "clock=20261120T140932.250Z-");
    EXPECT_EQ(write(*read_range("npt=now-")), "npt=now-");
}

TEST(RtspRange, says_in_words_what_is_no_range) {
    for (const std::string_view text :
         {"smpte=10:07:00-10:07:33:05.01", "bytes=0-", "", "=", "=-", "beginning"}) {
        const Result<Range> read = read_range(text);
        ASSERT_FALSE(read) << text;
        EXPECT_EQ(read.error().code, Errc::unsupported) << text;
    }
    for (const std::string_view text : {"npt",
                                        "npt=",
                                        "npt=-",
                                        "npt=10",
                                        "npt=x-",
                                        "npt=10-x",
                                        "npt=20-10",
                                        "npt=10-10",
                                        "npt=1:2-",
                                        "npt=1:60:00-",
                                        "npt=1:00:60-",
                                        "npt=:00:00-",
                                        "npt=99999999999999999999-",
                                        "npt=9007199254740993-",
                                        "npt=1.-x",
                                        "npt=.-",
                                        "npt=--5",
                                        "npt=1e9-",
                                        "clock=20261120-",
                                        "clock=2026-11-20T14:09:32Z-",
                                        "clock=20261320T140932Z-",
                                        "clock=20261120T140932-",
                                        "clock=20261120T146032Z-",
                                        "npt=10-20-30",
                                        "npt=999999999:00:00-"}) {
        const Result<Range> read = read_range(text);
        ASSERT_FALSE(read) << text;
        EXPECT_EQ(read.error().code, Errc::malformed) << text;
        EXPECT_FALSE(read.error().what.empty());
    }
}

TEST(RtspRange, takes_the_nearest_scale_and_plays_forwards_only) {
    const std::array<std::pair<std::string_view, Scale>, 9> cases{{{"1", 1'000},
                                                                   {"1.0", 1'000},
                                                                   {"2", 2'000},
                                                                   {" +4.000 ", 4'000},
                                                                   {"0.5", 500},
                                                                   {"0.01", 250},
                                                                   {"3.5", 4'000},
                                                                   {"100", 32'000},
                                                                   {"0.25", 250}}};
    for (const auto& [text, scale] : cases) {
        const Result<Scale> read = read_scale(text);
        ASSERT_TRUE(read) << text;
        EXPECT_EQ(*read, scale) << text;
    }
    EXPECT_EQ(write_scale(250), "0.25");
    EXPECT_EQ(write_scale(16'000), "16");
    for (const std::string_view text : {"-1", "-0.5", "0", "0.0", "-0"}) {
        EXPECT_EQ(read_scale(text).error().code, Errc::unsupported) << text;
    }
    for (const std::string_view text : {"", "x", "1x", "--1", "1e3", "nan", "."}) {
        EXPECT_EQ(read_scale(text).error().code, Errc::malformed) << text;
    }
}

}   // namespace
}   // namespace millrace::rtsp
