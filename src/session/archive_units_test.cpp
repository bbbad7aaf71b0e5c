#include "session/archive_units.hpp"

#include "archive/chunker.hpp"
#include "archive/units_for_tests.hpp"
#include "container/mp4_init.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace millrace::session {
namespace {

/// A second of a camera with sound as it was, and as it is recorded: one fragment.
struct Recorded {
    Recorded() {
        archive::TestCamera camera;
        const std::vector<media::Track> tracks{camera.video, camera.audio};
        init = mp4::init_segment(tracks, mp4::ParameterSets::in_entry);
        archive::Chunker chunker;
        for (int picture = 0; picture < archive::TestCamera::key_every; ++picture) {
            for (const media::AccessUnitRef& unit : camera.next({1'800'000'000'000'000})) {
                units.push_back(unit);
                chunker.take(unit);
            }
        }
        chunker.finish();
        std::vector<std::byte> bytes;
        while (const auto made = chunker.next()) {
            bytes.insert(bytes.end(), made->chunk.bytes.begin(), made->chunk.bytes.end());
        }
        chunks = Bytes{std::move(bytes)};
    }

    std::vector<media::AccessUnitRef> units;
    Bytes init;
    Bytes chunks;
};

std::vector<media::AccessUnit> of_kind(const std::vector<media::AccessUnit>& units, media::Kind kind) {
    std::vector<media::AccessUnit> found;
    std::ranges::copy_if(units, std::back_inserter(found),
                         [&](const media::AccessUnit& unit) { return unit.kind() == kind; });
    return found;
}

TEST(ArchiveUnits, are_those_that_were_recorded_in_the_order_of_their_times) {
    const Recorded recorded;
    ArchiveUnits reader;
    ASSERT_TRUE(reader.begin_file(recorded.init));
    EXPECT_EQ(reader.tracks().size(), 2U);
    const auto units = reader.read(recorded.chunks);
    ASSERT_TRUE(units);
    EXPECT_EQ(units->size(), recorded.units.size());
    for (const media::Kind kind : {media::Kind::video, media::Kind::audio}) {
        std::vector<media::AccessUnit> sent;
        for (const media::AccessUnitRef& unit : recorded.units) {
            sent.push_back(*unit);
        }
        sent = of_kind(sent, kind);
        const std::vector<media::AccessUnit> got = of_kind(*units, kind);
        ASSERT_EQ(got.size(), sent.size());
        for (std::size_t at = 0; at < got.size(); ++at) {
            EXPECT_EQ(got[at].payload, sent[at].payload) << at;
            EXPECT_EQ(got[at].dts, sent[at].dts) << at;
            EXPECT_EQ(got[at].pts, sent[at].pts) << at;
        }
    }
    EXPECT_TRUE(std::ranges::is_sorted(*units, {}, [](const media::AccessUnit& unit) {
        return static_cast<double>(unit.dts) / static_cast<double>(unit.config->timescale);
    }));
}

TEST(ArchiveUnits, of_the_next_file_with_the_same_coding_have_the_same_configuration) {
    const Recorded recorded;
    ArchiveUnits reader;
    ASSERT_TRUE(reader.begin_file(recorded.init));
    const media::ConfigRef before = reader.tracks().front().config;
    ASSERT_TRUE(reader.read(recorded.chunks));
    ASSERT_TRUE(reader.begin_file(recorded.init));
    EXPECT_EQ(reader.tracks().front().config, before);
}

TEST(ArchiveUnits, begin_with_the_key_picture_of_the_moment) {
    const Recorded recorded;
    const auto picture = key_picture(recorded.init, recorded.chunks);
    ASSERT_TRUE(picture);
    EXPECT_EQ((*picture)->payload, recorded.units.front()->payload);
    EXPECT_TRUE((*picture)->key);
    EXPECT_EQ(key_picture(recorded.init, {}).error().code, Errc::not_found);
}

}   // namespace
}   // namespace millrace::session
