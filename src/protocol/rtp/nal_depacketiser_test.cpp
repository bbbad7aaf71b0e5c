#include "media/test_bytes.hpp"
#include "protocol/rtp/decode_times.hpp"
#include "protocol/rtp/depacketiser.hpp"
#include "protocol/rtp/samples_for_tests.hpp"

#include <gtest/gtest.h>

namespace millrace::rtp {
namespace {

using media::from_hex;

constexpr std::string_view sps = "6742c00ad902c4ec0440000003004000000783c48992";
constexpr std::string_view pps = "68cb83cb20";
constexpr std::string_view idr = "65888415f1088ac181087e";
constexpr std::string_view slice = "419a3833f8da9309fe2b";

/// Gives payloads in hex to a depacketiser; a time step starts with '+', a marker is '!' at the end, a loss
/// before it '~' in front.
struct Feeder {
    explicit Feeder(Encoding encoding, std::string parameters = {})
        : made{depacketiser_of({.encoding = encoding, .parameters = std::move(parameters)})} {}

    std::size_t feed(std::initializer_list<std::string> payloads) {
        for (std::string text : payloads) {
            Piece piece;
            if (text.front() == '+') {
                time += 3'600;
                text.erase(0, 1);
            }
            piece.after_loss = text.front() == '~';
            text.erase(0, piece.after_loss ? 1 : 0);
            piece.marker = !text.empty() && text.back() == '!';
            text.erase(text.size() - (piece.marker ? 1 : 0));
            const Bytes bytes = from_hex(text);
            piece.payload = bytes;
            piece.timestamp = time;
            (*made)->take(piece);
        }
        std::size_t before = units.size();
        while (std::optional<media::AccessUnit> unit = (*made)->next()) {
            units.push_back(std::move(*unit));
        }
        return units.size() - before;
    }
    const DepacketiserCounters& counters() const { return (*made)->counters(); }

    Result<std::unique_ptr<Depacketiser>> made;
    std::vector<media::AccessUnit> units;
    std::int64_t time = 90'000;
};

std::string s(std::string_view text) {
    return std::string{text};
}
std::string stap() {
    return "78 0016" + s(sps) + "0005" + s(pps);
}

TEST(H264Depacketiser, reads_single_units_aggregates_and_fragments) {
    Feeder feeder{Encoding::h264};
    EXPECT_EQ(feeder.feed({s(sps), s(pps), s(idr) + "!"}), 1U);
    EXPECT_EQ(feeder.feed({"+" + stap(), s(idr) + "!"}), 1U);
    EXPECT_EQ(feeder.feed({"+7c85 888415", "7c05 f1088a", "7c45 c181087e!"}), 1U);
    EXPECT_EQ(feeder.feed({"+" + s(slice) + "!"}), 1U);
    ASSERT_EQ(feeder.units.size(), 4U);
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(feeder.units[i].payload, feeder.units[0].payload);
        EXPECT_TRUE(feeder.units[i].key);
        EXPECT_EQ(feeder.units[i].pts, 90'000 + static_cast<std::int64_t>(i) * 3'600);
    }
    EXPECT_FALSE(feeder.units[3].key);
    EXPECT_EQ(feeder.units[0].config->width, 176U);
}

TEST(H264Depacketiser, takes_what_odd_cameras_send) {
    struct Row {
        const char* what;
        std::vector<std::string> payloads;
        std::size_t units;
    };
    const Row rows[] = {
        {"no markers: the next time ends a picture", {stap(), s(idr), "+" + s(slice), "+" + s(slice)}, 2},
        {"a marker behind each NAL unit",
         {s(sps) + "!", s(pps) + "!", s(idr) + "!", "+" + s(slice) + "!"},
         2},
        {"parameter sets with a time of their own", {s(sps), s(pps) + "!", "+" + s(idr) + "!"}, 1},
        {"a start code in front", {stap(), "00000001" + s(idr) + "!"}, 1},
        {"all of it as one byte stream",
         {"00000001" + s(sps) + "00000001" + s(pps) + "000001" + s(idr) + "!"},
         1},
        {"start codes between, none in front", {s(sps) + "00000001" + s(pps) + "00000001" + s(idr) + "!"}, 1},
        {"a fragment that is the whole", {stap(), "7cc5 888415f1088ac181087e!"}, 1},
        {"two pictures of one time", {stap(), s(idr), stap(), s(idr) + "!"}, 2},
        {"an aggregate with decoding order", {"79 0001 0016" + s(sps) + "0005" + s(pps), s(idr) + "!"}, 1},
        {"an empty payload", {stap(), s(idr), "!"}, 0},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.what);
        Feeder feeder{Encoding::h264};
        std::size_t given = 0;
        for (const std::string& payload : row.payloads) {
            given += feeder.feed({payload});
        }
        EXPECT_EQ(given, row.units);
    }
}

TEST(H264Depacketiser, waits_until_pictures_end_by_time_where_markers_stand_behind_slices) {
    Feeder feeder{Encoding::h264};
    const std::string later = "6508c415f1088ac181087e";   // first_mb_in_slice is not 0
    feeder.feed({stap(), s(idr) + "!", later + "!"});
    EXPECT_EQ(feeder.feed({"+" + stap(), s(idr) + "!", later + "!"}), 0U);
    EXPECT_TRUE((*feeder.made)->waiting());
    feeder.feed({"+" + s(slice) + "!"});
    ASSERT_GE(feeder.units.size(), 2U);
    EXPECT_GT(feeder.units.back().payload.size(), feeder.units.front().payload.size());
}

TEST(H264Depacketiser, takes_parameter_sets_before_every_slice_as_of_one_picture) {
    const std::string later_idr = "6508c415f1088ac181087e";   // first_mb_in_slice is not 0
    Feeder feeder{Encoding::h264};
    EXPECT_EQ(feeder.feed({s(sps), s(pps), s(idr), s(sps), s(pps), later_idr + "!", "+" + s(slice) + "!"}),
              2U);
    EXPECT_EQ(feeder.units[0].payload.size(), 2 * (4 + 11U));
    EXPECT_TRUE(feeder.units[0].key);
    EXPECT_EQ(feeder.counters().units_broken, 0U);
    // In the same way two pictures may come, which no marker parts.
    EXPECT_EQ(feeder.feed({"+" + s(sps), s(pps), s(idr), s(sps), s(pps), s(idr) + "!"}), 2U);
    EXPECT_EQ(feeder.units[3].payload.size(), 4 + 11U);
}

TEST(H264Depacketiser, hands_on_no_picture_whose_first_slice_was_sent_before_it_heard) {
    Feeder feeder{Encoding::h264, "sprop-parameter-sets=Z0LACtkCxOwEQAAAAwBAAAAHg8SJkg==,aMuDyyA="};
    const std::string later = "6508c415f1088ac181087e";   // first_mb_in_slice is not 0
    EXPECT_EQ(feeder.feed({later + "!"}), 0U);
    EXPECT_EQ(feeder.feed({"+" + s(slice) + "!"}), 0U);
    EXPECT_EQ(feeder.feed({"+" + s(idr), later + "!"}), 1U);
}

TEST(H264Depacketiser, case_23_drops_pictures_whose_fragments_do_not_fit) {
    const std::vector<std::vector<std::string>> rows = {
        {"+7c05 888415!"},                             // no start
        {"+7c85 888415!"},                             // no end
        {"+7c85 888415", "7c85 888415", "7c45 aa!"},   // start twice
        {"+7c85 888415", s(idr) + "!"},                // another unit in between
        {"+7c45 888415!"},                             // end without start
        {"+7c!"},
        {"+7c85!"},   // cut
    };
    for (const auto& row : rows) {
        Feeder feeder{Encoding::h264};
        EXPECT_EQ(feeder.feed({stap(), s(idr) + "!"}), 1U);
        for (const std::string& payload : row) {
            EXPECT_EQ(feeder.feed({payload}), 0U);
        }
        EXPECT_EQ(feeder.feed({"+" + s(slice) + "!"}), 0U) << "no picture before a key frame";
        EXPECT_EQ(feeder.counters().units_broken, 1U);
        EXPECT_EQ(feeder.counters().units_skipped, 1U);
        EXPECT_EQ(feeder.feed({"+" + s(idr) + "!"}), 1U);
    }
}

TEST(H264Depacketiser, case_23_bounds_a_fragment_that_never_ends) {
    Feeder feeder{Encoding::h264};
    feeder.feed({stap(), s(idr) + "!"});
    std::vector<std::byte> part(1'300, std::byte{0x95});
    part[0] = std::byte{0x7C};
    for (std::size_t i = 0; i < 100'000; ++i) {
        part[1] = std::byte{static_cast<unsigned char>(i == 0 ? 0x85 : 0x05)};
        (*feeder.made)->take({.timestamp = 100'000, .payload = part});
    }
    feeder.time = 100'000;
    EXPECT_EQ(feeder.feed({"7c45 aa!"}), 0U);
    EXPECT_EQ(feeder.counters().units_broken, 1U);
    EXPECT_EQ(feeder.counters().payloads_refused, 1U);
    EXPECT_EQ(feeder.feed({"+" + s(idr) + "!"}), 1U);
}

TEST(H264Depacketiser, case_24_drops_aggregates_that_do_not_fit) {
    for (const char* payload :
         {"+78 ffff 41!", "+78 0000!", "+78 00!", "+79 00!", "+7a 0001 00 0001 41!", "+00!"}) {
        Feeder feeder{Encoding::h264};
        feeder.feed({stap(), s(idr) + "!"});
        EXPECT_EQ(feeder.feed({payload}), 0U) << payload;
        EXPECT_EQ(feeder.counters().payloads_refused, 1U) << payload;
    }
}

TEST(H264Depacketiser, case_32_waits_for_a_key_frame_that_never_comes) {
    Feeder feeder{Encoding::h264};
    feeder.feed({stap()});
    for (int i = 0; i < 1'000; ++i) {
        EXPECT_EQ(feeder.feed({"+" + s(slice) + "!"}), 0U);
    }
    EXPECT_TRUE((*feeder.made)->waiting());
    EXPECT_NE((*feeder.made)->config(), nullptr);
}

TEST(H264Depacketiser, takes_parameter_sets_from_the_description_and_lives_without_good_ones) {
    Feeder said{Encoding::h264, "sprop-parameter-sets=Z0LACtkCxOwEQAAAAwBAAAAHg8SJkg==,aMuDyyA="};
    EXPECT_EQ(said.feed({s(idr) + "!"}), 1U);
    for (const char* bad :
         {"sprop-parameter-sets=", "sprop-parameter-sets=!!!,", "sprop-parameter-sets=AAAA"}) {
        Feeder feeder{Encoding::h264, bad};
        ASSERT_TRUE(feeder.made);
        EXPECT_EQ(feeder.feed({s(idr) + "!"}), 0U);
        EXPECT_EQ(feeder.feed({"+" + stap(), s(idr) + "!"}), 1U);
    }
}

TEST(H265Depacketiser, reads_aggregates_fragments_and_decoding_order) {
    const std::string sets = "0018" + s(flv::samples::h265_vps) + "0028" + s(flv::samples::h265_sps) +
                             "0007" + s(flv::samples::h265_pps);
    Feeder feeder{Encoding::h265};
    EXPECT_EQ(feeder.feed({"6001" + sets, "2801af1d80f701b2f5afb33c!"}), 1U);
    EXPECT_EQ(feeder.feed({"+6201 94 af1d80f7", "6201 14 01b2f5", "6201 54 afb33c!"}), 1U);
    ASSERT_EQ(feeder.units.size(), 2U);
    EXPECT_EQ(feeder.units[0].payload, feeder.units[1].payload);
    const std::string ordered = "6001 0005 0018" + s(flv::samples::h265_vps) + "00 0028" +
                                s(flv::samples::h265_sps) + "00 0007" + s(flv::samples::h265_pps);
    Feeder with_order{Encoding::h265, "sprop-max-don-diff=1"};
    EXPECT_EQ(with_order.feed({ordered, "2801 0006 af1d80f701b2f5afb33c!"}), 1U);
    EXPECT_EQ(with_order.feed({"+6201 94 0007 af1d80f7", "6201 54 01b2f5afb33c!"}), 1U);
    EXPECT_EQ(with_order.units[0].payload, feeder.units[0].payload);
    EXPECT_EQ(with_order.units[1].payload, feeder.units[0].payload);
}

TEST(H265Depacketiser, case_24_drops_what_does_not_fit) {
    for (const char* payload : {"+6001 ffff 4001!", "+6001 0001 40!", "+64010000 00!", "+62 01!", "+6201 94!",
                                "+28!", "+6201 14 aabb!"}) {
        Feeder feeder{Encoding::h265};
        EXPECT_EQ(feeder.feed({payload}), 0U);
        EXPECT_EQ(feeder.counters().payloads_refused, 1U) << payload;
    }
}

TEST(DecodeTimes, never_pass_the_times_of_showing_and_go_on) {
    struct Row {
        std::size_t depth;
        std::vector<std::int64_t> shown;
    };
    const Row rows[] = {{0, {0, 3'600, 7'200, 10'800}},
                        {2, {0, 14'400, 7'200, 3'600, 10'800, 28'800, 21'600, 18'000, 25'200}},
                        {1, {0, 7'200, 3'600, 14'400, 10'800}}};
    for (const Row& row : rows) {
        DecodeTimes times;
        std::int64_t last = -100'000;
        for (const std::int64_t pts : row.shown) {
            const std::int64_t dts = times.next(pts, row.depth, 3'600);
            EXPECT_LE(dts, pts);
            EXPECT_GT(dts, last);
            last = dts;
        }
    }
    DecodeTimes undeclared;
    std::int64_t steps_back = 0;
    std::int64_t last = 0;
    for (const std::int64_t pts : {0, 10'800, 3'600, 7'200, 21'600, 14'400, 18'000, 32'400, 25'200}) {
        const std::int64_t dts = undeclared.next(pts, 0, 3'600);
        EXPECT_LE(dts, pts);
        steps_back += dts < last ? 1 : 0;
        last = dts;
    }
    EXPECT_LE(steps_back, 2);
}

}   // namespace
}   // namespace millrace::rtp
