#pragma once

#include "base/random.hpp"
#include "protocol/rtsp/server.hpp"

#include <fmt/format.h>

#include <string>
#include <vector>

namespace millrace::rtsp {

/// Speaks to a Server as tests want it, byte by byte if they like, and remembers the answers.
struct RawClient {
    SeededRandom random{3};
    Instant now;
    Server server{random, now};
    MessageReader reader{MessageReader::Side::client};
    std::vector<Response> answers;
    std::vector<Server::Event> events;
    Result<> last;
    unsigned cseq = 0;
    std::string session;
    std::size_t piece = 4'096;

    void send(std::string_view bytes) {
        while (!bytes.empty() && last) {
            const std::string_view part = bytes.substr(0, piece);
            bytes.remove_prefix(part.size());
            last = server.receive(as_bytes(part), now);
        }
        listen();
    }
    void listen() {
        while (std::optional<Server::Event> event = server.next_event()) {
            events.push_back(std::move(*event));
        }
        const std::vector<std::byte> output = server.next_output();
        ByteSpan input = output;
        while (!input.empty()) {
            Result<std::optional<Element>> element = reader.next(input);
            if (!element || !*element) {
                return;
            }
            if (auto* response = std::get_if<Response>(&**element)) {
                answers.push_back(std::move(*response));
            }
        }
    }
    /// The status of the answer; 0 where there is none yet.
    unsigned ask(std::string_view method, std::string_view target, std::string_view fields = {},
                 std::string_view body = {}) {
        const std::size_t before = answers.size();
        std::string text = fmt::format("{} {} RTSP/1.0\r\nCSeq: {}\r\n{}", method, target, ++cseq, fields);
        text += session.empty() ? "" : fmt::format("Session: {}\r\n", session);
        text += body.empty() ? "" : fmt::format("Content-Length: {}\r\n", body.size());
        send(text + "\r\n" + std::string{body});
        return answers.size() == before ? 0 : answer().status;
    }
    const Response& answer() const { return answers.back(); }
    std::string_view header(std::string_view name) const { return find_header(answer().headers, name); }
    void keep_session() {
        const std::string_view value = header("Session");
        session = value.substr(0, value.find(';'));
    }
    template <class E>
    std::vector<E> events_of() const {
        std::vector<E> some;
        for (const Server::Event& event : events) {
            if (const auto* one = std::get_if<E>(&event)) {
                some.push_back(*one);
            }
        }
        return some;
    }

    static constexpr std::string_view url = "rtsp://h/live/cam";
    static sdp::Description two_tracks() {
        const auto read = sdp::read(
            "m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\na=control:trackID=0\n"
            "m=audio 0 RTP/AVP 97\na=rtpmap:97 opus/48000/2\na=control:trackID=1\n");
        return *read;
    }
    void describe() {
        ask("DESCRIBE", url);
        server.offer(two_tracks());
        listen();
    }
    void reach_playing() {
        describe();
        for (const unsigned track : {0U, 1U}) {
            ask("SETUP", fmt::format("{}/trackID={}", url, track),
                fmt::format("Transport: RTP/AVP/TCP;unicast;interleaved={}-{}\r\n", track * 2,
                            track * 2 + 1));
            keep_session();
        }
        ask("PLAY", url, "Range: npt=0.000-\r\n");
        const std::vector<Server::TrackStart> starts{{0, 7, 90}, {1, 8, 91}};
        server.start_play(starts);
        listen();
    }
    /// A player of a recording, which has said PLAY once.
    void reach_playing_recording() {
        ask("DESCRIBE", url);
        server.offer_recording(two_tracks());
        listen();
        ask("SETUP", fmt::format("{}/trackID=0", url), "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n");
        keep_session();
        ask("PLAY", url, "Range: npt=2-\r\n");
        const std::vector<Server::TrackStart> starts{{0, 7, 90}};
        server.start_play(starts, Server::Played{.range = {Range::Unit::npt, 1'500'000, 9'000'000}});
        listen();
    }
    void announce() {
        ask("ANNOUNCE", url, "Content-Type: application/sdp\r\n",
            "v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:streamid=0\r\n"
            "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 opus/48000/2\r\na=control:streamid=1\r\n");
        server.accept_publish();
        listen();
    }
    void reach_recording() {
        announce();
        for (const unsigned track : {0U, 1U}) {
            ask("SETUP", fmt::format("{}/streamid={}", url, track),
                fmt::format("Transport: RTP/AVP/TCP;unicast;interleaved={}-{};mode=record\r\n", track * 2,
                            track * 2 + 1));
            keep_session();
        }
        ask("RECORD", url);
    }
};

}   // namespace millrace::rtsp
