#pragma once

#include "base/virtual_network.hpp"
#include "protocol/rtp/samples_for_tests.hpp"
#include "protocol/rtsp/digest_access.hpp"
#include "protocol/rtsp/server.hpp"
#include "protocol/rtsp/track_payloads.hpp"
#include "session/played_server_for_tests.hpp"
#include "session/rtsp_tunnel.hpp"

/// A camera elsewhere that speaks RTSP, led by a test.
namespace millrace::session::toys {

/// What kind of camera it is.
struct CameraNature {
    std::optional<media::Codec> video = media::Codec::h264;
    std::optional<media::Codec> audio;
    bool key_frames = true;
    bool grants_udp = false;
    std::string password{};   ///< of "me"; empty: anybody may look
    std::uint32_t first_timestamp = 1'000;
    bool says_starts = true;   ///< in RTP-Info
};

/// The camera's end of one connection, and its media. It does things when it is told to tend.
class PlayedCamera {
public:
    static constexpr std::uint16_t udp_port = 7'000;   ///< and the next; two more for each further track
    static constexpr std::int64_t group_ms = 160;

    /// On the newest connection that was made.
    PlayedCamera(PlayedConnector& connector, Executor& far_side, CameraNature nature)
        : connector_{connector},
          at_{connector.servers.size() - 1},
          far_side_{far_side},
          nature_{std::move(nature)},
          server{random_, far_side.now()} {
        std::vector<media::Track> tracks;
        for (const std::optional<media::Codec>& codec : {nature_.video, nature_.audio}) {
            if (codec) {
                tracks.push_back({.id = static_cast<media::TrackId>(tracks.size()),
                                  .kind = media::kind_of(*codec),
                                  .language = {},
                                  .config = rtp::samples::units(*codec, 100).front().config});
            }
        }
        offer_ = rtsp::offer_of(tracks, "camera");
        for (std::size_t i = 0; i < offer_.formats.size(); ++i) {
            senders_.push_back(std::make_unique<rtp::Sender>(
                offer_.formats[i], rtp::PacketNumbering{.payload_type = offer_.formats[i].payload_type,
                                                        .ssrc = static_cast<std::uint32_t>(50 + i),
                                                        .sequence = 65'530,
                                                        .timestamp = nature_.first_timestamp,
                                                        .channel = {}}));
        }
    }

    PlayedServer& far() { return connector_.servers.at(at_); }

    /// Hears what was asked, and answers it.
    void tend() {
        far().hear();
        const std::string asked = post ? heard_on_post() : std::exchange(far().heard, {});
        heard += asked;
        last = last ? server.receive(as_bytes(asked), far_side_.now()) : last;
        while (std::optional<rtsp::Server::Event> event = server.next_event()) {
            decide(*event);
        }
        const std::vector<std::byte> answer = server.next_output();
        if (!answer.empty() && !far().is_left()) {
            far().say(as_text(answer));
        }
    }
    bool playing() const { return server.playing(); }

    /// One key frame and three others, with the sound of their time, from `ms` of its clock on.
    void show(std::int64_t ms) {
        std::size_t track = 0;
        if (nature_.video) {
            std::vector<media::AccessUnit> units = rtp::samples::units(*nature_.video, 3'000);
            units.erase(units.begin(), units.begin() + (nature_.key_frames ? 0 : 1));
            for (media::AccessUnit& unit : units) {
                send(track, std::move(unit), ms);
            }
            ++track;
        }
        if (nature_.audio) {
            for (std::int64_t more = 0; more < group_ms; more += group_ms / 2) {
                for (media::AccessUnit& unit : rtp::samples::units(*nature_.audio, 100)) {
                    send(track, std::move(unit), ms + more);
                }
            }
        }
    }
    /// A packet on a track's channel or port.
    void send(unsigned track, bool control, ByteSpan packet) {
        for (const rtsp::SetupTrack& setup : server.tracks()) {
            if (setup.track != track) {
                continue;
            }
            if (const auto& channels = setup.transport.channels) {
                std::vector<std::byte> frame;
                ByteWriter writer{frame};
                rtp::write_interleaved_head(writer, control ? channels->rtcp : channels->rtp, packet.size());
                writer.bytes(packet);
                far().say(as_text(frame));
            } else if (const auto& ports = setup.transport.client_ports) {
                send_datagram(track, {our_host, control ? ports->rtcp : ports->rtp}, packet, control);
            }
        }
    }

    Result<> last;
    std::string heard;   ///< all that was asked
    /// The connection on which it is asked, in base64, where that is another: RTSP over HTTP.
    std::optional<std::size_t> post;
    /// Every so many datagrams one is lost; 0: none.
    unsigned loses_each = 0;
    /// Over what they go, and where they come from.
    VirtualNetwork* network = nullptr;
    std::string host = "192.0.2.9";
    std::vector<std::vector<std::byte>> heard_datagrams;

    /// What came to its ports.
    void hear_datagrams() {
        for (const std::unique_ptr<Datagrams>& socket : sockets_) {
            std::array<std::byte, 2'048> buffer;
            std::array into{Received{.buffer = buffer, .from = {}}};
            while (socket->receive(into)) {
                heard_datagrams.emplace_back(into[0].bytes().begin(), into[0].bytes().end());
            }
        }
    }

private:
    const std::string our_host{"192.0.2.1"};

    std::string heard_on_post() {
        PlayedServer& speaks = connector_.servers.at(*post);
        speaks.hear();
        std::vector<std::byte> said;
        EXPECT_TRUE(base64_.decode(as_bytes(std::exchange(speaks.heard, {})), said));
        return std::string{as_text(said)};
    }

    bool allowed(const rtsp::Server::Caller& caller) const {
        const auto said = rtsp::read_credentials(caller.authorization);
        return nature_.password.empty() ||
               (said &&
                rtsp::proves(*said, rtsp::digest_secret(said->algorithm, "me", "cam", nature_.password),
                             caller.method));
    }
    void decide(const rtsp::Server::Event& event) {
        if (const auto* play = std::get_if<rtsp::Server::PlayRequested>(&event)) {
            if (allowed(play->caller)) {
                server.offer(offer_.description);
            } else {
                server.refuse({.status = rtsp::unauthorized,
                               .reason = {},
                               .challenges = {"Digest realm=\"cam\", nonce=\"abc\""}});
            }
        } else if (const auto* wanted = std::get_if<rtsp::Server::PortsWanted>(&event)) {
            if (nature_.grants_udp) {
                const auto first = static_cast<std::uint16_t>(udp_port + 2 * wanted->track);
                server.grant_ports({.server = {first, static_cast<std::uint16_t>(first + 1)}, .ssrc = 50});
            } else {
                server.refuse({.status = rtsp::unsupported_transport, .reason = {}, .challenges = {}});
            }
        } else if (std::holds_alternative<rtsp::Server::PlayStarted>(event)) {
            std::vector<rtsp::Server::TrackStart> starts;
            for (unsigned i = 0; i < senders_.size() && nature_.says_starts; ++i) {
                starts.push_back({i, senders_[i]->next_sequence(), nature_.first_timestamp});
            }
            server.start_play(starts);
        }
    }
    void send(std::size_t track, media::AccessUnit unit, std::int64_t ms) {
        const std::int64_t more = media::rescale(ms, 1'000, unit.config->timescale);
        unit.pts += more;
        unit.dts += more;
        rtp::Sender& sender = *senders_[track];
        sender.packets().clear();
        EXPECT_TRUE(sender.write(unit));
        for (std::size_t i = 0; i < sender.packets().count(); ++i) {
            send(static_cast<unsigned>(track), false, sender.packets().at(i));
        }
    }
    void send_datagram(unsigned track, const Endpoint& to, ByteSpan packet, bool control) {
        if (loses_each != 0 && ++sent_ % loses_each == 0) {
            return;
        }
        if (sockets_.empty()) {
            for (std::uint16_t i = 0; i < 2 * senders_.size(); ++i) {
                sockets_.push_back(
                    *network->open(far_side_, {host, static_cast<std::uint16_t>(udp_port + i)}));
            }
        }
        const std::array slices{packet};
        std::array batch{Datagram{.peer = *PeerAddress::parse(to), .slices = slices}};
        EXPECT_TRUE(sockets_[2 * track + (control ? 1 : 0)]->send(batch));
    }

    PlayedConnector& connector_;
    std::size_t at_;
    Executor& far_side_;
    CameraNature nature_;
    SeededRandom random_{4};
    rtsp::Offer offer_;
    std::vector<std::unique_ptr<rtp::Sender>> senders_;
    std::vector<std::unique_ptr<Datagrams>> sockets_;
    unsigned sent_ = 0;
    Base64Stream base64_;

public:
    rtsp::Server server;
};

}   // namespace millrace::session::toys
