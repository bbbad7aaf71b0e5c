#pragma once

#include "base/virtual_connection.hpp"
#include "hub/stream_for_tests.hpp"
#include "protocol/rtp/packetiser.hpp"
#include "protocol/rtp/samples_for_tests.hpp"
#include "protocol/rtsp/client.hpp"
#include "protocol/rtsp/track_payloads.hpp"
#include "session/rtsp_serve.hpp"
#include "session/watched_connection_for_tests.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// A server of RTSP on virtual time, and those who talk to it.
namespace millrace::session::toys {

/// Lets in whoever has the password, or anyone where there is none.
class Doorkeeper final : public hub::Admission {
public:
    void decide(hub::Petition petition, Reply<hub::Admitted> reply) override {
        petitions.push_back(petition);
        if (password.empty() || petition.authorization == password || petition.query == password) {
            reply.give(hub::Admitted{.identity = {.name = "user cam", .credential = 1}});
        } else {
            reply.give(fail(Errc::unauthenticated, "nobody has proved who asks"));
        }
    }
    std::string password;
    std::vector<hub::Petition> petitions;
};

struct RtspWorld {
    hub::toys::World world;
    VirtualExecutor& server = world.time.add_executor();
    VirtualExecutor& clients = world.time.add_executor();
    Doorkeeper admission;
    SeededRandom random{3};
    Desk desk{server, world.directory, admission, random};
    unsigned let_in = 0;

    RtspWorld() = default;
    RtspWorld(const RtspWorld&) = delete;
    RtspWorld& operator=(const RtspWorld&) = delete;
    ~RtspWorld() { world.time.stop(); }

    std::unique_ptr<Connection> connect(VirtualLink to_server = {.window = 1U << 20U},
                                        VirtualLink to_client = {.window = 1U << 20U}) {
        auto [ours, theirs] = virtual_connection(clients, server, to_server, to_client);
        server.run([&, connection = std::move(theirs)]() mutable {
            server.tasks().spawn(
                rtsp_serve(desk, std::make_unique<WatchedConnection>(std::move(connection), let_in)));
        });
        world.time.settle();
        return std::move(ours);
    }
    void run_for(Duration span) { world.time.run_for(span); }
};

/// Says to the server what a test wants, and hears what it answers.
struct RtspTalker {
    RtspWorld& scene;
    std::unique_ptr<Connection> connection = scene.connect();
    unsigned cseq = 0;
    bool closed = false;

    void send(std::string_view text) {
        const ByteSpan bytes = as_bytes(text);
        const Result<std::size_t> sent = connection->try_write(std::span{&bytes, 1});
        EXPECT_EQ(sent.value_or(0), text.size());
        scene.world.time.settle();
    }
    std::string hear() {
        std::string heard;
        std::array<std::byte, 16384> buffer;
        scene.world.time.settle();
        for (;;) {
            const Result<std::size_t> count = connection->try_read(buffer);
            if (!count) {
                closed = count.error().code == Errc::closed;
                return heard;
            }
            heard += as_text(std::span{buffer}.first(*count));
            scene.world.time.settle();
        }
    }
    std::string ask(std::string_view method, std::string_view url, std::string_view fields = {},
                    std::string_view body = {}) {
        hear();
        const std::string length =
            body.empty() ? std::string{} : fmt::format("Content-Length: {}\r\n", body.size());
        send(fmt::format("{} {} RTSP/1.0\r\nCSeq: {}\r\n{}{}\r\n{}", method, url, ++cseq, fields, length,
                         body));
        return hear();
    }
};

/// A player or publisher of our own: the client machine over a connection.
class RtspPeer {
public:
    /// With `udp_port` its packets go by UDP, from that even port on.
    RtspPeer(RtspWorld& scene, rtsp::ClientOptions options, std::uint16_t udp_port = 0)
        : scene_{scene},
          udp_port_{udp_port},
          connection_{scene.connect()},
          client_{std::move(options), scene.random, scene.world.time.now()} {
        talk();
    }

    /// Until nobody has anything to say.
    void talk() {
        for (int round = 0; round < 200; ++round) {
            const std::vector<std::byte> out = client_.next_output();
            const ByteSpan slice{out};
            if (!out.empty()) {
                EXPECT_EQ(connection_->try_write(std::span{&slice, 1}).value_or(0), out.size());
            }
            scene_.world.time.settle();
            const bool heard = listen();
            if (!heard && out.empty()) {
                return;
            }
        }
    }
    bool started() const { return client_.started(); }
    bool over() const { return over_; }
    rtsp::Client& client() { return client_; }
    const std::vector<rtsp::SetupTrack>& setups() const { return setups_; }
    const std::vector<rtsp::Server::TrackStart>& starts() const { return starts_; }
    std::vector<rtsp::Client::Packet> take_packets() { return std::exchange(packets_, {}); }
    const sdp::Description& description() const { return description_; }

    void send(ByteSpan bytes) {
        EXPECT_EQ(connection_->try_write(std::span{&bytes, 1}).value_or(0), bytes.size());
        scene_.world.time.settle();
    }

private:
    bool listen() {
        std::array<std::byte, 65536> buffer;
        const Result<std::size_t> count = connection_->try_read(buffer);
        if (!count) {
            over_ = over_ || count.error().code != Errc::would_block;
            return false;
        }
        const Result<> received = client_.receive(std::span{buffer}.first(*count), scene_.world.time.now());
        over_ = over_ || !received;
        while (std::optional<rtsp::Client::Event> event = client_.next_event()) {
            take(*event);
        }
        return received.has_value();
    }
    void take(rtsp::Client::Event& event) {
        if (auto* described = std::get_if<rtsp::Client::Described>(&event)) {
            description_ = described->description;
            choose();
        } else if (auto* started = std::get_if<rtsp::Client::Started>(&event)) {
            setups_ = started->tracks;
            starts_ = started->starts;
        } else if (auto* packet = std::get_if<rtsp::Client::Packet>(&event)) {
            packets_.push_back(std::move(*packet));
        }
    }
    void choose() {
        std::vector<rtsp::Client::Choice> choices;
        for (unsigned i = 0; i < description_.media.size(); ++i) {
            const auto rtp = static_cast<std::uint16_t>(udp_port_ + i * 2);
            const rtsp::Ports ports{rtp, static_cast<std::uint16_t>(rtp + 1)};
            choices.push_back({.track = i, .ports = udp_port_ == 0 ? std::nullopt : std::optional{ports}});
        }
        EXPECT_TRUE(client_.choose(choices, scene_.world.time.now()));
    }

    RtspWorld& scene_;
    std::uint16_t udp_port_;
    std::unique_ptr<Connection> connection_;
    rtsp::Client client_;
    sdp::Description description_;
    std::vector<rtsp::SetupTrack> setups_;
    std::vector<rtsp::Server::TrackStart> starts_;
    std::vector<rtsp::Client::Packet> packets_;
    bool over_ = false;
};

inline rtsp::ClientOptions plays(std::string url = "rtsp://h/live/cam") {
    return {.url = std::move(url), .user = {}, .password = {}, .announce = {}};
}

inline rtsp::ClientOptions publishes(const rtsp::Offer& offer, Hops hops = {}) {
    return {.url = "rtsp://h/live/cam",
            .user = {},
            .password = {},
            .announce = offer.description,
            .hops = std::move(hops)};
}

/// A publisher of these tracks.
class RtspCamera {
public:
    explicit RtspCamera(RtspWorld& scene,
                        std::vector<media::Codec> codecs = {media::Codec::h264, media::Codec::aac},
                        Hops hops = {})
        : tracks_{tracks_of(codecs)},
          offer_{rtsp::offer_of(tracks_, "")},
          peer_{scene, publishes(offer_, std::move(hops))} {
        for (const rtsp::SetupTrack& one : peer_.setups()) {
            senders_.push_back(std::make_unique<rtp::Sender>(
                offer_.formats[one.track],
                rtp::PacketNumbering{.payload_type = offer_.formats[one.track].payload_type,
                                     .ssrc = one.track + 1,
                                     .channel = one.transport.channels->rtp}));
        }
    }
    RtspPeer& peer() { return peer_; }
    /// A key frame and what follows it, of each track; what was sent, in order.
    std::vector<media::AccessUnit> send(std::int64_t at_ms) {
        std::vector<media::AccessUnit> sent;
        for (std::size_t i = 0; i < senders_.size(); ++i) {
            for (media::AccessUnit& unit : flv::samples::units(tracks_[i], at_ms)) {
                EXPECT_TRUE(senders_[i]->write(unit));
                peer_.send(senders_[i]->packets().bytes);
                senders_[i]->packets().clear();
                sent.push_back(std::move(unit));
            }
        }
        return sent;
    }

private:
    static std::vector<media::Track> tracks_of(const std::vector<media::Codec>& codecs) {
        std::vector<media::Track> tracks;
        for (const media::Codec codec : codecs) {
            tracks.push_back(flv::samples::track(codec));
        }
        return tracks;
    }

    std::vector<media::Track> tracks_;
    rtsp::Offer offer_;
    RtspPeer peer_;
    std::vector<std::unique_ptr<rtp::Sender>> senders_;
};

/// What a player made of its packets, by track.
inline std::vector<std::vector<Bytes>> units_of(RtspPeer& peer) {
    std::vector<rtp::Receiver> receivers;
    for (const sdp::Media& media : peer.description().media) {
        receivers.push_back(*rtp::Receiver::make(*rtsp::payload_of(media), {}));
    }
    std::vector<std::vector<Bytes>> units(receivers.size());
    for (const rtsp::Client::Packet& packet : peer.take_packets()) {
        if (!packet.control) {
            receivers[packet.track].receive(packet.payload, Instant{});
        }
        while (std::optional<media::AccessUnit> unit = receivers[packet.track].next()) {
            units[packet.track].push_back(unit->payload);
        }
    }
    return units;
}

}   // namespace millrace::session::toys
