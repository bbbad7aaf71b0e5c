#pragma once

#include "base/timer.hpp"
#include "protocol/rtsp/server.hpp"
#include "session/rtsp_access.hpp"
#include "session/rtsp_datagrams.hpp"
#include "session/rtsp_group_share.hpp"
#include "session/rtsp_play.hpp"
#include "session/rtsp_publisher.hpp"
#include "session/rtsp_rewind.hpp"

namespace millrace::session {

/// One connection of RTSP: the machine, and what has become of it so far. It drives like a machine, with the
/// reports that a publisher is sent beside the machine's answers. Owned by its coroutine, on the worker that
/// the connection came to.
class RtspTalk {
public:
    using Event = rtsp::Server::Event;

    RtspTalk(Desk& desk, std::unique_ptr<Connection> connection)
        : desk_{desk},
          access_{desk, *connection},
          player_{.connection = std::move(connection),
                  .machine = std::make_unique<rtsp::Server>(desk.random, desk.executor.now()),
                  .offer = {}},
          datagrams_{desk, *player_.connection, [this](unsigned track, bool control, ByteSpan packet) {
                         hear(track, control, packet);
                     }} {
        if (desk.multicast != nullptr) {
            player_.machine->allow_multicast();
        }
    }

    /// From its first bytes until it ends, or the fan-out has it.
    Task<> run(std::vector<std::byte> first);

    Result<> receive(ByteSpan bytes, Instant now) { return machine().receive(bytes, now); }
    Result<> advance(Instant now);
    Instant deadline() const;
    std::optional<Event> next_event() { return player_.machine->next_event(); }
    std::vector<std::byte> next_output();

private:
    rtsp::Server& machine() { return *player_.machine; }
    Connection& connection() { return *player_.connection; }
    bool handed_over() const { return player_.connection == nullptr; }

    void take(const rtsp::Server::Packet& packet);
    void hear(unsigned track, bool control, ByteSpan packet);
    void hand_on_heard();
    void send_reports(std::vector<std::byte>& interleaved);
    Result<rtsp::Server::Granted> ports_for(const rtsp::Server::PortsWanted& wanted);
    Task<Result<rtsp::Server::Granted>> group_for(unsigned track);
    void end_session();
    Task<> answer(Event event);
    Task<> answer(rtsp::Server::PlayRequested request);
    Task<Result<>> offer_live(const rtsp::Server::PlayRequested& request);
    Task<Result<>> offer_recording(const rtsp::Server::PlayRequested& request, RewindAddress wanted);
    Task<> answer(rtsp::Server::PublishRequested request);
    Task<> answer(rtsp::Server::PortsWanted wanted);
    Task<> answer(rtsp::Server::PlayStarted request);
    Task<Result<>> play(std::span<const rtsp::SetupTrack> tracks);
    Task<> play_recording(rtsp::Server::PlayStarted request);
    Result<> play_by_group();
    Task<Result<>> publish(rtsp::Server::PublishRequested request);
    Task<> hand_on();
    void end_publication(Error why);

    Desk& desk_;
    RtspAccess access_;
    RtspPlayer player_;
    std::optional<RtspPublisher> publisher_;
    bool recording_ = false;
    bool played_ = false;
    Alarm<RtspTalk, &RtspTalk::hand_on_heard> heard_{*this};
    RtspDatagrams datagrams_;                 // its sink uses the others
    std::unique_ptr<RtspGroupShare> group_;   // of the offered stream
    std::unique_ptr<RtspRewind> rewind_;      // where a recording is offered
};
static_assert(ProtocolMachine<RtspTalk>);

/// Says and counts that a peer came for nothing.
void tell_left(Desk& desk, const Endpoint& peer, const Error& why);

}   // namespace millrace::session
