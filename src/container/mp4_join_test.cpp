#include "container/mp4_join.hpp"

#include "container/mp4_chunk.hpp"
#include "container/mp4_samples.hpp"

#include <gtest/gtest.h>

namespace millrace::mp4 {
namespace {

using media::Codec;

/// A track of that codec; of another coding where `level` says so.
media::Track video(Codec codec, std::uint8_t level = 0) {
    media::Track track = samples::track(codec);
    if (level != 0) {
        media::TrackConfig config = *track.config;
        std::vector<std::byte> sps{config.sps.front().begin(), config.sps.front().end()};
        sps[3] = std::byte{level};
        config.sps.front() = Bytes{std::move(sps)};
        track.config = std::make_shared<const media::TrackConfig>(std::move(config));
    }
    return track;
}

Bytes init(std::vector<media::Track> tracks) {
    for (std::size_t at = 0; at < tracks.size(); ++at) {
        tracks[at].id = static_cast<media::TrackId>(at);
    }
    return init_segment(tracks, ParameterSets::in_entry);
}

/// The first chunk of a track's pictures from that time on.
Bytes chunk_of(const media::Track& track, std::int64_t begin) {
    return chunked(samples::segment(track, begin, 3'600, 4)).chunks.front().bytes;
}

std::size_t count(ByteSpan bytes, std::string_view text) {
    std::size_t found = 0;
    for (std::size_t at = as_text(bytes).find(text); at != std::string_view::npos;
         at = as_text(bytes).find(text, at + 1)) {
        ++found;
    }
    return found;
}

TEST(Mp4Join, one_coding_is_the_same_file_and_needs_no_sets) {
    JoinedMovie movie;
    const Bytes part = init({video(Codec::h264), samples::track(Codec::aac)});
    EXPECT_EQ(movie.add(part), 0U);
    EXPECT_EQ(movie.add(part), 0U);
    EXPECT_EQ(movie.init(0), part);
    EXPECT_EQ(movie.sets_size_max(), 0U);
    EXPECT_EQ(movie.place(0, 2)->track_number, 2U);
    EXPECT_TRUE(movie.place(0, 1)->sets.empty());
    EXPECT_FALSE(movie.place(0, 3));
}

TEST(Mp4Join, another_coding_of_a_codec_is_another_sample_entry_of_its_track) {
    JoinedMovie movie;
    EXPECT_EQ(movie.add(init({video(Codec::h264), samples::track(Codec::aac)})), 0U);
    EXPECT_EQ(movie.add(init({video(Codec::h264, 31), samples::track(Codec::aac)})), 1U);
    EXPECT_EQ(movie.add(init({video(Codec::h264), samples::track(Codec::aac)})), 0U) << "it is known";
    EXPECT_EQ(movie.place(0, 1)->entry, 1U);
    EXPECT_EQ(movie.place(1, 1)->entry, 2U);
    EXPECT_EQ(movie.place(1, 1)->track_number, 1U);
    EXPECT_EQ(movie.place(1, 2)->entry, 1U);
    const Bytes whole = movie.init(0);
    EXPECT_EQ(count(whole, "trak"), 2U);
    EXPECT_EQ(count(whole, "avc1"), 2U);
    EXPECT_EQ(movie.sets_size_max(), sets_in_band(*video(Codec::h264).config).size());
    EXPECT_GT(movie.sets_size_max(), 0U);
}

TEST(Mp4Join, another_codec_and_sound_of_another_coding_have_tracks_of_their_own) {
    JoinedMovie movie;
    EXPECT_EQ(movie.add(init({video(Codec::h264), samples::track(Codec::aac)})), 0U);
    EXPECT_EQ(movie.add(init({samples::track(Codec::opus), video(Codec::h265)})), 1U);
    EXPECT_EQ(movie.place(1, 1)->track_number, 3U);
    EXPECT_EQ(movie.place(1, 2)->track_number, 4U);
    EXPECT_EQ(movie.place(1, 1)->timescale, 48'000);
    EXPECT_EQ(count(movie.init(0), "trak"), 4U);
    EXPECT_EQ(movie.sets_size_max(), 0U) << "each is alone in its track";
}

TEST(Mp4Join, two_tracks_of_one_coding_stay_two) {
    JoinedMovie movie;
    EXPECT_EQ(movie.add(init({video(Codec::h264), video(Codec::h264)})), 0U);
    EXPECT_EQ(movie.place(0, 1)->track_number, 1U);
    EXPECT_EQ(movie.place(0, 2)->track_number, 2U);
}

TEST(Mp4Join, more_codings_than_a_file_holds_are_refused) {
    JoinedMovie movie;
    for (std::size_t at = 0; at < JoinedMovie::entries_max; ++at) {
        EXPECT_EQ(movie.add(init({video(Codec::h264, static_cast<std::uint8_t>(at + 1))})), at);
    }
    EXPECT_EQ(movie.add(init({video(Codec::h264, 200)})).error().code, Errc::exhausted);
    EXPECT_EQ(movie.add(init({video(Codec::h264, 1)})), 0U);
    EXPECT_EQ(movie.add(as_bytes("none")).error().code, Errc::malformed);
}

TEST(Mp4Join, a_moved_chunk_has_the_same_frames_later_and_its_sets_before_the_key_frame) {
    JoinedMovie movie;
    ASSERT_TRUE(movie.add(init({video(Codec::h264)})));
    ASSERT_TRUE(movie.add(init({samples::track(Codec::aac), video(Codec::h264, 31)})));
    media::Track second = video(Codec::h264, 31);
    second.id = 1;
    const Bytes chunk = chunk_of(second, 9'000);
    const auto place = movie.place(1, 2);
    ASSERT_TRUE(place);
    const Bytes head = movie.init(0);
    std::vector<std::byte> file{head.begin(), head.end()};
    const std::size_t before = file.size();
    ASSERT_TRUE(move_chunk(file, chunk, {*place, 1'000'000, 1'000}));
    EXPECT_EQ(file.size() - before, chunk.size() + moved_chunk_growth + place->sets.size());
    const samples::Read read = samples::read_file(file);
    EXPECT_EQ(read.error, "");
    const std::vector<media::AccessUnit> moved = read.units_of(0);
    const media::SegmentTrack sent = samples::segment(second, 9'000, 3'600, 4);
    ASSERT_EQ(moved.size(), sent.units.size());
    for (std::size_t at = 0; at < moved.size(); ++at) {
        EXPECT_EQ(moved[at].payload, sent.units[at]->payload) << at;
        EXPECT_EQ(moved[at].dts, sent.units[at]->dts + 1'000'000) << at;
    }
    EXPECT_TRUE(moved.front().config->same_coding(*second.config)) << "a player reads the sets in band";
}

TEST(Mp4Join, sets_without_room_stay_in_the_sample_entry) {
    JoinedMovie movie;
    ASSERT_TRUE(movie.add(init({video(Codec::h264)})));
    ASSERT_TRUE(movie.add(init({video(Codec::h264, 31)})));
    const Bytes chunk = chunk_of(video(Codec::h264, 31), 0);
    const auto place = movie.place(1, 1);
    ASSERT_TRUE(place);
    std::vector<std::byte> out;
    ASSERT_TRUE(move_chunk(out, chunk, {*place, 0, place->sets.size() - 1}));
    EXPECT_EQ(out.size(), chunk.size() + moved_chunk_growth);
}

TEST(Mp4Join, what_is_no_chunk_is_refused_wherever_it_is_cut) {
    const Bytes chunk = chunk_of(video(Codec::h264), 0);
    const ChunkPlace place{.timescale = 90'000};
    std::vector<std::byte> out;
    const std::size_t prft_and_moof = chunk.size() - 8 - samples::find(chunk, four_cc("mdat")).size();
    for (std::size_t size = 1; size < chunk.size(); ++size) {
        const std::size_t prft = 8 + samples::find(chunk, four_cc("prft")).size();
        if (size != prft_and_moof && size != prft) {
            EXPECT_FALSE(move_chunk(out, chunk.slice(0, size), {place})) << size;
        }
    }
    std::vector<std::byte> strange{chunk.begin(), chunk.end()};
    const auto tfhd =
        static_cast<std::size_t>(samples::find(strange, four_cc("tfhd")).data() - strange.data());
    strange[tfhd + 1] = std::byte{0};
    EXPECT_EQ(move_chunk(out, strange, {place}).error().code, Errc::malformed);
}

}   // namespace
}   // namespace millrace::mp4
