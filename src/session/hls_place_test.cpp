#include "session/hls_place.hpp"

#include <gtest/gtest.h>

namespace millrace::session {
namespace {

/// A list of segments named by their numbers; '!' marks a discontinuity before one, '-' a gap.
hls::MediaPlaylist list_of(std::uint64_t first, std::string_view segments, bool ended = false) {
    hls::MediaPlaylist list{.target_duration = 2, .media_sequence = first, .ended = ended};
    bool discontinuity = false;
    for (const char c : segments) {
        if (c == '!') {
            discontinuity = true;
            continue;
        }
        list.segments.push_back({.uri = std::to_string(first++),
                                 .duration = 2s,
                                 .discontinuity = std::exchange(discontinuity, false),
                                 .gap = c == '-'});
    }
    return list;
}

/// "7 8/1": the addresses, with their clocks where those are not 0.
std::string text_of(const std::deque<DueSegment>& due) {
    std::string text;
    for (const DueSegment& one : due) {
        text += (text.empty() ? "" : " ") + one.segment.uri;
        text += one.clock == 0 ? "" : "/" + std::to_string(one.clock);
    }
    return text;
}

TEST(HlsPlace, begins_at_the_newest_segment_of_a_live_list_and_goes_on_with_what_is_new) {
    HlsPlace place;
    EXPECT_EQ(text_of(place.take(list_of(10, "sss"))), "12");
    EXPECT_EQ(text_of(place.take(list_of(10, "sss"))), "");
    EXPECT_EQ(text_of(place.take(list_of(11, "sss"))), "13");
    EXPECT_EQ(text_of(place.take(list_of(13, "sss"))), "14 15");
}

TEST(HlsPlace, a_list_of_before_that_a_cache_gave_brings_nothing) {
    HlsPlace place;
    EXPECT_EQ(text_of(place.take(list_of(10, "sss"))), "12");
    EXPECT_EQ(text_of(place.take(list_of(9, "sss"))), "");
    EXPECT_EQ(text_of(place.take(list_of(11, "sss"))), "13");
}

TEST(HlsPlace, a_reader_far_behind_goes_on_at_the_newest) {
    HlsPlace place;
    EXPECT_EQ(text_of(place.take(list_of(10, "sss"))), "12");
    EXPECT_EQ(text_of(place.take(list_of(20, "sss"))), "20 21 22");
    EXPECT_EQ(text_of(place.take(list_of(30, "ssss"))), "33");
}

TEST(HlsPlace, a_server_that_begins_anew_is_followed_on_another_clock) {
    HlsPlace place;
    EXPECT_EQ(text_of(place.take(list_of(1000, "sss"))), "1002");
    EXPECT_EQ(text_of(place.take(list_of(0, "ss"))), "1/281474976710656");
}

TEST(HlsPlace, gaps_are_left_out_and_discontinuities_are_other_clocks) {
    HlsPlace place;
    EXPECT_EQ(text_of(place.take(list_of(5, "s-"))), "5");
    EXPECT_EQ(text_of(place.take(list_of(5, "s-!s"))), "7/1");
    hls::MediaPlaylist later = list_of(7, "ss!s");
    later.discontinuity_sequence = 1;
    EXPECT_EQ(text_of(place.take(later)), "8/1 9/2");
}

TEST(HlsPlace, a_recording_is_read_from_its_first_segment) {
    HlsPlace place;
    EXPECT_EQ(text_of(place.take(list_of(0, "sssss", true))), "0 1 2 3 4");
    hls::MediaPlaylist said = list_of(40, "sssss", true);
    EXPECT_FALSE(is_recording(said)) << "a live stream that is over";
    said.type = hls::PlaylistType::vod;
    EXPECT_TRUE(is_recording(said));
    EXPECT_FALSE(is_recording(list_of(0, "ss")));
}

TEST(HlsPlace, numbers_at_their_end_do_no_harm) {
    HlsPlace place;
    EXPECT_EQ(place.take(list_of(UINT64_MAX - 1, "sss")).size(), 1U);
    EXPECT_LE(place.take(list_of(UINT64_MAX, "sss")).size(), 3U);
    EXPECT_LE(place.take(list_of(0, "sss")).size(), 3U);
}

}   // namespace
}   // namespace millrace::session
