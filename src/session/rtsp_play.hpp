#pragma once

#include "base/task.hpp"
#include "protocol/rtsp/muxer.hpp"
#include "protocol/rtsp/server.hpp"
#include "session/desk.hpp"
#include "session/rtsp_datagrams.hpp"
#include "session/rtsp_offer.hpp"

namespace millrace::session {

/// Where each track of an offer begins for a viewer who comes now, for RTP-Info: the number of its first
/// packet, and the RTP time of the moment at which the stream begins for it. What the log does not hold yet
/// is left out.
struct RtspChannel {
    unsigned track = 0;   ///< its place in the offer
    std::uint8_t channel = 0;
    std::uint32_t clock_rate = 90'000;
};
std::vector<rtsp::Server::TrackStart> starts_of(const LogView& log, std::span<const RtspChannel> channels);

/// A seat at the log of these channels.
Task<Result<hub::Joined>> rtsp_join(Desk& desk, const RtspOffer& offer, Endpoint peer,
                                    std::span<const RtspChannel> channels);

/// A player that asked for PLAY.
struct RtspPlayer {
    std::unique_ptr<Connection> connection;
    std::unique_ptr<rtsp::Server> machine;
    RtspOffer offer;
};
/// Hands the player over to the fan-out; its place in the antechamber goes. On an error connection and
/// machine are as they were, and PLAY is still to be answered.
Task<Result<>> rtsp_play(Desk& desk, RtspPlayer& player, std::span<const rtsp::SetupTrack> tracks);
/// What a player by UDP has beside its connection; `ended` is told once where the stream ends.
struct RtspByDatagrams {
    RtspDatagrams& datagrams;
    std::move_only_function<void(Error)> ended;
};
/// The same where packets go by UDP: the player keeps connection and machine.
Task<Result<>> rtsp_play_datagrams(Desk& desk, RtspPlayer& player, std::span<const rtsp::SetupTrack> tracks,
                                   RtspByDatagrams by);

}   // namespace millrace::session
