#pragma once

#include "container/flv_muxer.hpp"
#include "container/mp4_muxer.hpp"
#include "container/ts_samples.hpp"
#include "hub/stream_for_tests.hpp"
#include "session/http_pull.hpp"
#include "session/played_server_for_tests.hpp"
#include "session/rtmp_pull.hpp"
#include "session/udp_pull.hpp"
#include "session/ws_pull.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

/// What the tests of pulls share: a worker with sources, servers that the test plays, and media for them.
namespace millrace::session::toys {

inline constexpr std::array pull_kinds{SourceKind{"http", http_pull, true},
                                       SourceKind{"rtmp", rtmp_pull, true}, SourceKind{"udp", udp_pull, true},
                                       SourceKind{"ws", ws_pull, true}};

class AnyoneMay final : public hub::Admission {
public:
    void decide(hub::Petition /*petition*/, Reply<hub::Admitted> reply) override {
        reply.give(hub::Admitted{});
    }
};

class NoChildren final : public Spawner {
public:
    void spawn(Executor& /*owner*/, SpawnWish /*wish*/, Reply<std::unique_ptr<Child>> reply) override {
        reply.give(fail(Errc::not_found, "no child is needed for this"));
    }
};

/// A stream live/cam with a source elsewhere.
class PullTest : public testing::Test {
protected:
    ~PullTest() override { world_.time.stop(); }

    void start(std::string source, std::vector<std::string> others = {}) {
        SourceRule rule{.stream = "live/cam", .source = std::move(source), .others = std::move(others)};
        executor_.run([&] { sources_.start(std::move(rule)); });
        world_.time.settle();
    }
    void stop() {
        executor_.run([this] { sources_.stop("live/cam"); });
        world_.time.settle();
    }
    PlayedServer& server() { return connector_.servers.back(); }
    void say(std::string_view text) {
        server().say(text);
        world_.time.settle();
    }
    void say(ByteSpan bytes) { say(as_text(bytes)); }
    void close() {
        server().connection->close();
        world_.time.settle();
    }
    std::string state() {
        const std::vector<hub::StreamReport> reports = world_.reports();
        return reports.empty() ? "none" : std::string{name(reports.front().state)};
    }
    hub::StreamReport report() { return world_.reports().at(0); }
    /// Until somebody is asked once more.
    void wait_for_next_try() {
        const int asked = connector_.asked;
        while (connector_.asked == asked) {
            world_.time.run_for(1s);
        }
    }

    hub::toys::World world_;
    VirtualExecutor& executor_ = world_.time.add_executor();
    VirtualExecutor& far_side_ = world_.time.add_executor();
    AnyoneMay admission_;
    SeededRandom random_{3};
    Desk desk_{executor_, world_.directory, admission_, random_};
    NoChildren spawner_;
    PlayedConnector connector_{far_side_};
    Sources sources_{desk_, {spawner_, connector_, pull_kinds}};
};

/// An answer with a body of known length, or with an endless one that this begins.
inline std::string answer(std::string_view type, ByteSpan body) {
    return fmt::format("HTTP/1.1 200 OK\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n{}", type,
                       body.size(), as_text(body));
}
inline std::string endless(std::string_view type) {
    return fmt::format("HTTP/1.1 200 OK\r\nContent-Type: {}\r\n\r\n", type);
}

/// H.264 pictures with a key frame every fourth, and AAC.
inline std::vector<media::Track> tracks() {
    return {flv::samples::track(media::Codec::h264), flv::samples::track(media::Codec::aac)};
}

/// A form's bytes of so much film: what a newcomer gets, and the units.
template <class Muxer>
std::vector<std::byte> muxed(Muxer muxer, std::int64_t start_ms, std::int64_t length_ms, bool lead = true) {
    const std::vector<media::Track> all = tracks();
    BlockLog configured;
    muxer.configure(all, configured, {});
    std::vector<std::byte> out;
    if (lead) {
        ts::samples::append(out, muxer.lead(all));
        ts::samples::append(out, muxer.resume());
    }
    for (const media::AccessUnit& unit : ts::samples::film(all, start_ms, length_ms)) {
        BlockLog log;
        muxer.write(unit, log, {});
        ts::samples::append(out, flv::samples::bytes_of(log));
    }
    return out;
}
inline std::vector<std::byte> flv_film(std::int64_t start_ms, std::int64_t length_ms, bool lead = true) {
    return muxed(flv::Muxer{}, start_ms, length_ms, lead);
}
inline std::vector<std::byte> mp4_film(std::int64_t start_ms, std::int64_t length_ms, bool lead = true) {
    return muxed(mp4::Muxer{}, start_ms, length_ms, lead);
}
inline std::vector<std::byte> ts_film(std::int64_t start_ms, std::int64_t length_ms) {
    const std::vector<media::Track> all = tracks();
    return ts::samples::mux(all, ts::samples::film(all, start_ms, length_ms));
}

/// How many of each kind a stream has got.
inline std::uint64_t units_of(const hub::StreamReport& report, media::Kind kind) {
    for (const hub::TrackReport& track : report.tracks) {
        if (track.track.kind == kind) {
            return track.units;
        }
    }
    return 0;
}

/// Times in ms of the lines that LineMuxer writes: "v 40 jump".
inline std::vector<std::int64_t> times_of(const std::string& lines, char kind) {
    std::vector<std::int64_t> times;
    for (std::size_t at = 0; at < lines.size(); at = lines.find('\n', at) + 1) {
        if (lines[at] == kind && lines[at + 1] == ' ') {
            times.push_back(std::stoll(lines.substr(at + 2)));
        }
    }
    return times;
}

/// Whether a picture of those lines is marked as behind a jump. (The film's sound is: its frames overlap.)
inline bool pictures_jump(const std::string& lines) {
    for (std::size_t at = 0; at < lines.size(); at = lines.find('\n', at) + 1) {
        if (lines[at] == 'v' && lines.substr(at, lines.find('\n', at) - at).ends_with("jump")) {
            return true;
        }
    }
    return false;
}

}   // namespace millrace::session::toys
