#include "container/flv_programme.hpp"
#include "container/mp4_init.hpp"
#include "container/ts_elementary.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace millrace::session {

namespace {

struct Row {
    std::string_view name;
    media::Codec codec;
};
constexpr std::array rows{
    Row{"H.264", media::Codec::h264}, Row{"H.265", media::Codec::h265}, Row{"AV1", media::Codec::av1},
    Row{"AAC", media::Codec::aac},    Row{"Opus", media::Codec::opus},  Row{"MP3", media::Codec::mp3},
};

media::Track track_of(media::Codec codec) {
    media::TrackConfig config{.codec = codec, .timescale = 48'000, .sample_rate = 48'000, .channels = 2};
    if (codec == media::Codec::aac) {
        config.extra = Bytes::copy(std::string_view{"\x11\x90"});   // AAC LC, 48 kHz, stereo
    } else if (codec == media::Codec::opus) {
        using namespace std::string_view_literals;
        config.extra = Bytes::copy("OpusHead\x01\x02\x38\x01\x80\xBB\x00\x00\x00\x00\x00"sv);
    }
    return {.kind = media::kind_of(codec), .config = std::make_shared<const media::TrackConfig>(config)};
}

/// The line of the guide's table for one codec, as the code has it.
std::string line_of(const Row& row) {
    const auto word = [](bool carried) { return carried ? "yes" : "no"; };
    const media::Track track = track_of(row.codec);
    return fmt::format("| {} | {} | {} | {} | {} | {} |", row.name, word(flv::carries(track)),
                       word(ts::carries(track)), word(mp4::carries(track)), word(mp4::carries(track)),
                       word(ts::carries(track)));
}

/// The guide lies above wherever the tests are run from.
std::string guide() {
    for (auto folder = std::filesystem::current_path(); folder != folder.root_path();
         folder = folder.parent_path()) {
        std::ifstream file{folder / "docs/guide/formats.md"};
        if (file) {
            std::ostringstream text;
            text << file.rdbuf();
            return text.str();
        }
    }
    return {};
}

}   // namespace

TEST(Formats, the_guide_says_which_format_carries_which_codec) {
    const std::string text = guide();
    ASSERT_FALSE(text.empty()) << "docs/guide/formats.md is not above the working folder";
    for (const Row& row : rows) {
        EXPECT_NE(text.find(line_of(row)), std::string::npos) << line_of(row);
    }
}

}   // namespace millrace::session
