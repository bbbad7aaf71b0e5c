#include "archive/lean.hpp"

#include "archive/checksum.hpp"
#include "archive/chunker.hpp"
#include "archive/units_for_tests.hpp"
#include "archive/uplinked.hpp"
#include "container/mp4_event.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>

namespace millrace::archive {
namespace {

constexpr std::uint64_t file = 41;

/// Two seconds of a camera as an edge has them: its live units, and the records of its chunks.
struct Recorded {
    explicit Recorded(media::Codec codec = media::Codec::h264) {
        TestCamera camera;
        camera.video = flv::samples::track(codec);
        camera.picture_size = codec == media::Codec::h264 ? 2'000 : 0;
        Chunker chunker;
        for (int picture = 0; picture < 50; ++picture) {
            for (const media::AccessUnitRef& unit : camera.next({1'800'000'000'000'000 + picture * 40'000})) {
                units.emplace(std::pair{unit->track, unit->dts}, unit);
                chunker.take(unit);
            }
        }
        chunker.finish();
        std::uint64_t number = 0;
        while (const std::optional<CutChunk> made = chunker.next()) {
            const RecordHead head{
                .track = made->track.id,
                .flags = static_cast<std::uint8_t>(made->begins ? RecordHead::begins_fragment : 0),
                .body_size = static_cast<std::uint32_t>(made->chunk.bytes.size()),
                .body_sum = checksum(made->chunk.bytes.span()),
                .number = ++number,
                .fragment = made->cut->number,
                .dts = made->chunk.dts,
                .duration = made->chunk.duration,
                .timescale = static_cast<std::uint32_t>(made->track.config->timescale)};
            const std::vector<std::byte> bytes = head_bytes(head, file);
            records.insert(records.end(), bytes.begin(), bytes.end());
            records.insert(records.end(), made->chunk.bytes.begin(), made->chunk.bytes.end());
            if (!made->begins) {
                add_results(head, number);
            }
        }
    }
    /// What was said of the pictures, behind a chunk: two results and KLV.
    void add_results(RecordHead head, std::uint64_t number) {
        std::vector<std::byte> chunk;
        for (std::uint32_t n = 0; n < 3; ++n) {
            media::TimedMessage message{
                .body = Bytes::copy(as_bytes(std::string_view{fmt::format(R"({{"n":"{:0200}"}})", n)})),
                .capture = {1'800'000'000'000'000 + head.dts},
                .pts = head.dts + n};
            message.kind = n == 2 ? media::TimedMessage::Kind::klv : message.kind;
            mp4::write_event_head(chunk, message, static_cast<std::uint32_t>(3 * number + n));
            chunk.insert(chunk.end(), message.body.begin(), message.body.end());
            const std::uint64_t key = media::key_of(message);
            message.pts = 0;   // where it stands on another node's timeline
            messages.emplace(key, message);
        }
        add_results(head, chunk);
    }
    void add_results(RecordHead head, const std::vector<std::byte>& chunk) {
        head.track = results_track;
        head.flags = 0;
        head.duration = 0;
        head.body_size = static_cast<std::uint32_t>(chunk.size());
        head.body_sum = checksum(chunk);
        const std::vector<std::byte> bytes = head_bytes(head, file);
        records.insert(records.end(), bytes.begin(), bytes.end());
        records.insert(records.end(), chunk.begin(), chunk.end());
    }
    Result<Bytes> fill(ByteSpan lean) const { return fill(lean, records.size()); }
    Result<Bytes> fill(ByteSpan lean, std::size_t size) const {
        const auto look = [](const auto& all, const auto& key) {
            const auto found = all.find(key);
            return found == all.end() ? std::nullopt : std::optional{found->second};
        };
        return fill_records(
            lean, file, size,
            {.unit = [&](media::TrackId track,
                         std::int64_t dts) { return look(units, std::pair{track, dts}).value_or(nullptr); },
             .message = [&](std::uint64_t key) { return look(messages, key); }});
    }

    std::map<std::uint64_t, media::TimedMessage> messages;
    std::map<std::pair<media::TrackId, std::int64_t>, media::AccessUnitRef> units;
    std::vector<std::byte> records;
};

TEST(LeanRecords, with_the_units_that_went_live_they_are_what_they_were) {
    for (const media::Codec codec : {media::Codec::h264, media::Codec::h265, media::Codec::av1}) {
        const Recorded recorded{codec};
        const Bytes lean = lean_records(recorded.records, file);
        ASSERT_FALSE(lean.empty());
        const Result<Bytes> filled = recorded.fill(lean);
        ASSERT_TRUE(filled) << filled.error().what;
        EXPECT_EQ(*filled, Bytes::copy(recorded.records)) << name(codec);
    }
}

TEST(LeanRecords, most_of_a_fragment_are_its_samples) {
    const Recorded recorded;
    EXPECT_LT(lean_records(recorded.records, file).size() * 10, recorded.records.size());
}

TEST(LeanRecords, a_unit_that_did_not_come_or_came_otherwise_is_said) {
    Recorded recorded;
    const Bytes lean = lean_records(recorded.records, file);
    const auto [key, unit] = *recorded.units.begin();
    recorded.units.erase(key);
    EXPECT_EQ(recorded.fill(lean).error().code, Errc::not_found);
    media::AccessUnit longer = *unit;
    longer.payload = Bytes{std::vector<std::byte>(unit->payload.size() + 1)};
    recorded.units[key] = std::make_shared<const media::AccessUnit>(longer);
    EXPECT_EQ(recorded.fill(lean).error().code, Errc::not_found);
}

TEST(LeanRecords, results_that_went_live_are_named_and_others_go_whole) {
    Recorded recorded;
    const Bytes lean = lean_records(recorded.records, file);
    EXPECT_EQ(as_text(lean).find(R"({"n":)"), std::string_view::npos);
    // As another program writes them: not made again by their names.
    std::vector<std::byte> others;
    const media::TimedMessage message{.body = Bytes::copy(R"({"of":"others"})"), .capture = {1}};
    for (const std::uint32_t id : {7U, 9U}) {
        mp4::write_event_head(others, message, id);
        others.insert(others.end(), message.body.begin(), message.body.end());
    }
    recorded.add_results({.timescale = 90'000}, others);
    const Bytes with_others = lean_records(recorded.records, file);
    EXPECT_NE(as_text(with_others).find(R"({"of":)"), std::string_view::npos);
    const Result<Bytes> filled = recorded.fill(with_others);
    ASSERT_TRUE(filled) << filled.error().what;
    EXPECT_EQ(*filled, Bytes::copy(recorded.records));
}

TEST(LeanRecords, a_result_that_did_not_come_is_waited_for) {
    Recorded recorded;
    const Bytes lean = lean_records(recorded.records, file);
    recorded.messages.erase(recorded.messages.begin());
    EXPECT_EQ(recorded.fill(lean).error().code, Errc::would_block);
}

TEST(LeanRecords, case_104_what_is_cut_changed_or_too_long_is_an_error) {
    const Recorded recorded;
    const Bytes lean = lean_records(recorded.records, file);
    for (std::size_t size = 0; size < lean.size(); size += 7) {
        EXPECT_FALSE(recorded.fill(lean.span().first(size))) << size;
    }
    EXPECT_FALSE(recorded.fill(lean, recorded.records.size() - 1));
    EXPECT_FALSE(recorded.fill(lean, recorded.records.size() + 1));
    // Whatever one byte is: an error, or bytes that a hash can tell.
    for (std::size_t at = 0; at < lean.size(); at += 3) {
        std::vector<std::byte> changed{lean.begin(), lean.end()};
        changed[at] ^= std::byte{0x55};
        const Result<Bytes> filled = recorded.fill(changed);
        EXPECT_TRUE(!filled || filled->size() == recorded.records.size()) << at;
    }
    std::vector<std::byte> broken = recorded.records;
    broken.back() ^= std::byte{1};
    EXPECT_TRUE(lean_records(broken, file).empty());
}

}   // namespace
}   // namespace millrace::archive
