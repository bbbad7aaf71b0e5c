#include "protocol/link/talk.hpp"

#include "base/byte_writer.hpp"
#include "container/flv_samples.hpp"
#include "container/ts_samples.hpp"
#include "protocol/link/muxer.hpp"

#include <gtest/gtest.h>

namespace millrace::link {
namespace {

constexpr Instant start = Instant::from_nanoseconds(1'000'000'000);

const Hello publish{.name = "live/cam", .query = "user=cam&pass=x"};

std::vector<std::byte> written(const Message& message) {
    std::vector<std::byte> out;
    EXPECT_TRUE(write(out, message));
    return out;
}

/// What both ends say is heard by the other.
void exchange(Talk& a, Talk& b) {
    for (auto said = a.next_output(); !said.empty(); said = a.next_output()) {
        EXPECT_TRUE(b.receive(said, start));
        const auto answer = b.next_output();
        EXPECT_TRUE(a.receive(answer, start));
    }
}

template <class T>
std::optional<T> next(Talk& talk) {
    const std::optional<Talk::Event> event = talk.next_event();
    const T* const got = event ? std::get_if<T>(&*event) : nullptr;
    return got == nullptr ? std::nullopt : std::optional{*got};
}

/// A host that has let a publisher in.
Talk open_host(Direction direction = Direction::publish) {
    Talk host{start};
    Talk caller{{.direction = direction, .name = "live/cam"}, start};
    exchange(caller, host);
    EXPECT_TRUE(next<Hello>(host));
    host.welcome({});
    host.next_output();
    return host;
}

std::vector<media::Track> film_tracks() {
    return {flv::samples::track(media::Codec::h264), flv::samples::track(media::Codec::aac)};
}

/// Film as a Muxer writes it; each unit was taken at another time.
struct Film {
    std::vector<media::AccessUnit> units;
    std::vector<std::byte> bytes;

    explicit Film(std::int64_t length_ms, bool with_end = true) {
        const std::vector<media::Track> tracks = film_tracks();
        Muxer muxer;
        BlockLog log;
        EXPECT_TRUE(muxer.configure(tracks, log, start));
        units = ts::samples::film(tracks, 0, length_ms);
        for (media::AccessUnit& unit : units) {
            unit.capture = {WallTime{1'790'000'000'000'000 + unit.dts_ms() * 1'000 + unit.track},
                            media::CaptureTime::Label::capture};
            muxer.write(unit, log, start);
        }
        if (with_end) {
            muxer.end(log, start);
        }
        bytes = flv::samples::bytes_of(log);
    }
};

TEST(Talk, greets_lets_in_and_refuses_in_words) {
    Talk host{start};
    Talk caller{publish, start};
    exchange(caller, host);
    const auto hello = next<Hello>(host);
    ASSERT_TRUE(hello);
    EXPECT_EQ(hello->name, "live/cam");
    EXPECT_EQ(hello->query, "user=cam&pass=x");
    EXPECT_EQ(hello->direction, Direction::publish);
    host.refuse(Errc::unauthenticated, "wrong password");
    exchange(host, caller);
    const auto refusal = next<Refusal>(caller);
    ASSERT_TRUE(refusal);
    EXPECT_EQ(refusal->code, Errc::unauthenticated);
    EXPECT_EQ(refusal->words, "wrong password");
}

TEST(Talk, units_come_as_they_were_with_their_capture_times_in_any_cut_of_bytes) {
    const Film film{1'000};
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{1'400}, film.bytes.size()}) {
        Talk host = open_host();
        std::vector<media::AccessUnit> got;
        bool ended = false;
        for (ByteSpan rest{film.bytes}; !rest.empty();) {
            const ByteSpan part = rest.first(std::min(piece, rest.size()));
            rest = rest.subspan(part.size());
            ASSERT_TRUE(host.receive(part, start));
            while (const auto event = host.next_event()) {
                if (const auto* const unit = std::get_if<media::AccessUnit>(&*event)) {
                    got.push_back(*unit);
                }
                ended = ended || std::holds_alternative<End>(*event);
            }
        }
        EXPECT_TRUE(ended);
        ASSERT_EQ(got.size(), film.units.size());
        for (std::size_t i = 0; i < got.size(); ++i) {
            EXPECT_TRUE(std::ranges::equal(got[i].payload.span(), film.units[i].payload.span()));
            EXPECT_EQ(got[i].dts, film.units[i].dts);
            EXPECT_EQ(got[i].key, film.units[i].key);
            EXPECT_EQ(got[i].capture.utc, film.units[i].capture.utc);
            EXPECT_EQ(got[i].capture.label, film.units[i].capture.label);
        }
        EXPECT_EQ(host.chunks().different, 0U);
        EXPECT_EQ(host.chunks().incomplete, 0U);
        EXPECT_GE(host.chunks().proven, 10U);   // of 200 ms, of two tracks
    }
}

TEST(Talk, a_chunk_that_came_out_otherwise_is_seen) {
    Film film{1'000};
    // The last byte of the first picture's payload: what is in front of it is found by its own bytes.
    const ByteSpan payload = film.units.front().payload.span();
    const auto at = std::ranges::search(film.bytes, payload);
    ASSERT_FALSE(at.empty());
    at.back() ^= std::byte{1};
    Talk host = open_host();
    ASSERT_TRUE(host.receive(film.bytes, start));
    EXPECT_EQ(host.chunks().different, 1U);
    EXPECT_GE(host.chunks().proven, 9U);
}

TEST(Talk, who_begins_or_skips_inside_a_chunk_proves_the_next_ones) {
    const std::vector<media::Track> tracks = film_tracks();
    const std::vector<media::AccessUnit> units = ts::samples::film(tracks, 0, 2'000);
    Talk host = open_host();
    ChunkProver prover;
    std::vector<std::byte> out;
    for (const media::Track& track : tracks) {
        ASSERT_TRUE(write(out, track));
    }
    for (std::size_t i = 0; i < units.size(); ++i) {
        const bool skipped = i < 3 || (i > 40 && i < 60);
        if (!skipped) {
            ASSERT_TRUE(write(out, units[i]));
        }
        if (const auto proof = prover.take(units[i]); proof && !skipped) {
            ASSERT_TRUE(write(out, *proof));
        }
    }
    ASSERT_TRUE(host.receive(out, start));
    EXPECT_EQ(host.chunks().different, 0U);
    EXPECT_GE(host.chunks().incomplete, 2U);
    EXPECT_GE(host.chunks().proven, 8U);
}

TEST(Talk, another_version_parts_in_words) {
    Hello future = publish;
    future.version = 7;
    Talk host{start};
    const Result<> heard = host.receive(written(future), start);
    ASSERT_FALSE(heard);
    EXPECT_EQ(heard.error().code, Errc::unsupported);
    Talk caller{publish, start};
    ASSERT_TRUE(caller.receive(host.next_output(), start));
    EXPECT_TRUE(next<Refusal>(caller)->words.contains("version"));
}

TEST(Talk, words_of_later_versions_are_passed_over) {
    Talk host = open_host();
    std::vector<std::byte> out;
    ByteWriter writer{out};
    writer.u32(5);
    writer.u8(200);
    writer.u32(1);
    ASSERT_TRUE(write(out, End{}));
    ASSERT_TRUE(host.receive(out, start));
    EXPECT_TRUE(next<End>(host));
}

TEST(Talk, row_0_28_results_come_beside_the_units_with_their_own_time) {
    Talk host = open_host();
    media::TimedMessage message = *media::read_message(R"({"capture":1800000000000000,"n":1})");
    message.capture = {1'800'000'000'000'123};
    ASSERT_TRUE(host.receive(written(message), start));
    const auto came = next<media::TimedMessage>(host);
    ASSERT_TRUE(came);
    EXPECT_EQ(came->body, message.body);
    EXPECT_EQ(came->capture, message.capture) << "the sender knows its picture";
    std::vector<std::byte> broken = written(message);
    broken.back() = std::byte{'{'};
    EXPECT_FALSE(host.receive(broken, start));
}

TEST(Talk, klv_comes_beside_the_units_as_it_is) {
    Talk host = open_host();
    const media::TimedMessage message{.kind = media::TimedMessage::Kind::klv,
                                      .body = Bytes::copy(std::string("\x06\x0E\0{", 4)),
                                      .capture = {1'800'000'000'000'123}};
    ASSERT_TRUE(host.receive(written(message), start));
    const auto came = next<media::TimedMessage>(host);
    ASSERT_TRUE(came);
    EXPECT_EQ(came->kind, message.kind);
    EXPECT_EQ(came->body, message.body);
    EXPECT_EQ(came->capture, message.capture);
}

TEST(Talk, what_applications_say_goes_to_who_sends_and_to_nobody_else) {
    const std::string most = R"({"a":")" + std::string(Note::bytes_max - 8, 'x') + R"("})";
    const std::vector<std::byte> note = written(Note{Bytes::copy(most)});
    Talk sender = open_host(Direction::play);
    ASSERT_TRUE(sender.receive(note, start));
    EXPECT_EQ(as_text(next<Note>(sender)->json), most);
    Talk receiver = open_host();
    EXPECT_FALSE(receiver.receive(note, start));
    Talk host{start};
    EXPECT_FALSE(host.receive(written(Note{Bytes::copy("{}")}), start)) << "before a word";
    std::vector<std::byte> out;
    EXPECT_FALSE(write(out, Note{Bytes::copy(most + " ")}));
    EXPECT_TRUE(out.empty());
    receiver = open_host();
    receiver.note(Bytes::copy("{}"));
    EXPECT_EQ(receiver.next_output(), written(Note{Bytes::copy("{}")}));
}

TEST(Talk, row_0_11_where_segments_begin_travels_with_the_units_and_what_is_not_whole_is_seen) {
    Film film{400, false};
    const media::Cut cut{.number = 1'700'000'007,
                         .discontinuity_sequence = 41'234,
                         .discontinuity = true,
                         .independent = false,
                         .time = -90,
                         .timescale = 48'000,
                         .utc = WallTime{1'790'000'000'000'001}};
    const std::vector<media::Track> tracks = film_tracks();
    std::vector<std::byte> whole;
    std::vector<std::byte> torn;
    Muxer muxer;
    for (std::size_t i = 0; i < film.units.size(); ++i) {
        BlockLog log;
        if (i == 0) {
            EXPECT_TRUE(muxer.configure(tracks, log, start));
        }
        media::AccessUnit unit = film.units[i];
        if (i % 6 == 0) {
            unit.cut = std::make_shared<const media::Cut>(cut);
        }
        muxer.write(unit, log, start);
        const auto bytes = flv::samples::bytes_of(log);
        whole.insert(whole.end(), bytes.begin(), bytes.end());
        if (i != 8) {
            torn.insert(torn.end(), bytes.begin(), bytes.end());
        }
    }
    const auto wholes = [](const std::vector<std::byte>& bytes) {
        Talk host = open_host();
        EXPECT_TRUE(host.receive(written(link::Run{"1700000000-0000abcd"}), start));
        EXPECT_TRUE(host.receive(bytes, start));
        EXPECT_EQ(next<link::Run>(host).value_or(link::Run{}).id, "1700000000-0000abcd");
        std::string seen;
        while (const std::optional<Talk::Event> event = host.next_event()) {
            if (const auto* const said = std::get_if<SegmentCut>(&*event)) {
                EXPECT_EQ(said->cut.number, 1'700'000'007U);
                EXPECT_EQ(said->cut.discontinuity_sequence, 41'234U);
                EXPECT_TRUE(said->cut.discontinuity && !said->cut.independent);
                EXPECT_EQ(said->cut.time, -90);
                EXPECT_EQ(said->cut.timescale, 48'000);
                EXPECT_EQ(said->cut.utc.microseconds, 1'790'000'000'000'001);
                seen += said->whole ? '+' : '-';
            }
        }
        return seen;
    };
    const std::string all = wholes(whole);
    ASSERT_GE(all.size(), 4U);
    EXPECT_EQ(all, "-" + std::string(all.size() - 1, '+')) << "nobody knows what was before the first";
    EXPECT_EQ(wholes(torn).substr(0, 4), "-+-+") << "a unit of the second segment is missing";
}

TEST(Talk, only_what_is_for_here_and_now_is_taken) {
    const Film film{100};
    const std::vector<std::byte> wish = written(Wish{.what = Wish::What::bitrate, .value = 5});
    {
        Talk host{start};
        EXPECT_FALSE(host.receive(film.bytes, start)) << "media before a word";
    }
    {
        Talk host{start};
        Talk caller{publish, start};
        exchange(caller, host);
        EXPECT_FALSE(host.receive(film.bytes, start)) << "media before it was let in";
    }
    {
        Talk host = open_host();
        EXPECT_FALSE(host.receive(wish, start)) << "a publisher receives nothing to wish for";
    }
    {
        Talk host = open_host(Direction::play);
        EXPECT_TRUE(host.receive(wish, start));
        EXPECT_EQ(next<Wish>(host)->value, 5U);
        EXPECT_FALSE(host.receive(film.bytes, start)) << "a player sends no media";
    }
    {
        Talk host = open_host();
        EXPECT_FALSE(host.receive(written(publish), start)) << "it has greeted already";
    }
}

TEST(Talk, nobody_makes_it_hold_much_before_being_let_in) {
    std::vector<std::byte> large;
    ByteWriter{large}.u32(greeting_bytes_max + 1);
    Talk host{start};
    EXPECT_EQ(host.receive(large, start).error().code, Errc::exhausted);
    std::vector<std::byte> none;
    EXPECT_FALSE(write(none, Hello{.name = std::string(name_size_max + 1, 'a')}));
    EXPECT_TRUE(none.empty());
}

TEST(Talk, each_end_waits_so_long_and_no_longer) {
    Talk host{start};
    EXPECT_EQ(host.deadline(), start + Talk::hello_max);
    EXPECT_EQ(host.advance(start + Talk::hello_max).error().code, Errc::timed_out);
    Talk caller{publish, start};
    EXPECT_EQ(caller.advance(start + Talk::answer_max).error().code, Errc::timed_out);
    Talk player{{.direction = Direction::play, .name = "live/cam"}, start};
    player.be_patient_for(10s);
    ASSERT_TRUE(player.receive(written(Welcome{}), start + 1s));
    EXPECT_EQ(player.deadline(), start + 11s);
    EXPECT_EQ(player.advance(start + 11s).error().code, Errc::timed_out);
}

TEST(Talk, case_37_what_is_cut_or_forged_at_any_byte_ends_it_or_waits) {
    const Film film{300};
    std::vector<std::byte> good = written(publish);
    const std::size_t greeting = good.size();
    good.insert(good.end(), film.bytes.begin(), film.bytes.end());
    std::size_t ended = 0;
    for (std::size_t at = 0; at < std::min<std::size_t>(good.size(), 1'500); ++at) {
        std::vector<std::byte> bad = good;
        bad[at] ^= std::byte{0xFF};
        Talk host{start};
        Result<> heard = host.receive(ByteSpan{bad}.first(greeting), start);
        if (heard && next<Hello>(host)) {
            host.welcome({});
            heard = host.receive(ByteSpan{bad}.subspan(greeting), start);
        }
        ended += heard ? 0 : 1;
        EXPECT_EQ(host.chunks().proven > 0 && at < greeting && !heard, false);
    }
    EXPECT_GT(ended, 40U);
}

TEST(Talk, hashes_that_nobody_could_have_made_are_incomplete_and_no_more) {
    const Film film{400, false};
    Talk host = open_host();
    ASSERT_TRUE(host.receive(film.bytes, start));
    const ChunkChecker::Counters before = host.chunks();
    constexpr std::int64_t far = INT64_MAX;
    const std::int64_t newest = film.units.back().dts;
    const std::array forged{ChunkProof{.track = 255, .units = 1},
                            ChunkProof{.track = 0, .units = 0, .dts = 0, .end = 9'000},
                            ChunkProof{.track = 0, .units = 65'535, .dts = newest, .end = far},
                            ChunkProof{.track = 1, .units = 1, .dts = newest, .end = far},
                            ChunkProof{.track = 1, .units = 1, .dts = -far - 1, .end = far}};
    for (const ChunkProof& proof : forged) {
        ASSERT_TRUE(host.receive(written(proof), start));
    }
    EXPECT_EQ(host.chunks().proven, before.proven);
    EXPECT_EQ(host.chunks().incomplete + host.chunks().different,
              before.incomplete + before.different + forged.size());
}

TEST(Talk, f16_units_whose_hashes_never_come_take_no_more_room_than_they_may) {
    const media::Track track = flv::samples::track(media::Codec::aac);
    ChunkChecker checker;
    media::AccessUnit unit = flv::samples::units(track, 0).front();
    unit.payload = Bytes{std::vector<std::byte>(1U << 20U)};
    const std::weak_ptr<const media::TrackConfig> config = unit.config;
    for (int i = 0; i < 200; ++i) {
        unit.dts += 1'024;
        checker.take(unit);
    }
    // What is kept holds the configuration too; one is the sample's own, one the unit's, one the track's.
    EXPECT_LE(config.use_count(), 3 + static_cast<long>(ChunkChecker::kept_bytes_max >> 20U) + 1);
}

}   // namespace
}   // namespace millrace::link
