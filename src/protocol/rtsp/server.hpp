#pragma once

#include "base/fifo.hpp"
#include "base/hops.hpp"
#include "base/random.hpp"
#include "base/time.hpp"
#include "protocol/machine.hpp"
#include "protocol/rtsp/message.hpp"
#include "protocol/rtsp/range.hpp"
#include "protocol/rtsp/stream_address.hpp"
#include "protocol/rtsp/transport.hpp"
#include "protocol/sdp/description.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace millrace::rtsp {

/// From the first byte of a connection to its first whole request.
constexpr Duration opening_time_max = 10s;
/// A session of which nothing is heard for so long ends; said in the Session header.
constexpr Duration session_timeout = 60s;
/// Requests that wait while the owner decides about one.
constexpr std::size_t requests_waiting_max = 16;
/// Requests of one connection that may be refused (401 among them) before it is closed.
constexpr unsigned refusals_max = 16;

/// A track that was set up, and how its packets travel.
struct SetupTrack {
    unsigned track = 0;   ///< its place among the media lines
    Transport transport;
};

/// The server's end of one connection: one player or one publisher at a time. Decisions are its owner's:
/// after PlayRequested call offer() or refuse(), after PublishRequested accept_publish() or refuse(), after
/// PortsWanted grant_ports() or refuse(), after PlayStarted start_play() or refuse(); at once or later.
/// Requests that come meanwhile wait. A session is known on its own connection only.
class Server {
public:
    /// What a request brings to prove who asks: for Basic and Digest.
    struct Caller {
        std::string method;
        std::string url;   ///< as sent: what a Digest's uri must be
        std::string authorization;
        std::string user_agent;
        Hops hops{};   ///< of a node that relays; else empty
    };
    /// DESCRIBE, or a SETUP without one before.
    struct PlayRequested {
        StreamAddress address;
        Caller caller;
    };
    struct PublishRequested {
        StreamAddress address;
        Caller caller;
        sdp::Description description;
    };
    /// A SETUP for UDP: packets may go to the connection's peer, at these ports; or for multicast.
    struct PortsWanted {
        unsigned track = 0;
        Ports client;
        bool record = false;
        bool group = false;   ///< by multicast: `client` says nothing
    };
    /// PLAY; of a recording also while it is played, to go on elsewhere or faster.
    struct PlayStarted {
        std::vector<SetupTrack> tracks;
        std::optional<Range> range{};   ///< of a recording alone; nothing: it said none
        std::optional<Scale> scale{};   ///< likewise
    };
    struct RecordStarted {
        std::vector<SetupTrack> tracks;
    };
    struct Packet {
        unsigned track = 0;
        bool control = false;   ///< RTCP
        Bytes payload;
    };
    struct Paused {};
    /// TEARDOWN: the session is gone, the connection stays.
    struct Ended {};
    using Event = std::variant<PlayRequested, PublishRequested, PortsWanted, PlayStarted, RecordStarted,
                               Packet, Paused, Ended>;

    /// What RTP-Info says: the first packet that this player gets of a track.
    struct TrackStart {
        unsigned track = 0;
        std::uint16_t sequence = 0;
        std::uint32_t timestamp = 0;
    };
    /// What of a recording is played now, and how fast.
    struct Played {
        Range range;
        Scale scale = real_time;
    };
    struct Granted {
        Ports server;
        std::optional<std::uint32_t> ssrc{};   ///< of what is played, where it is known by then
        std::string group{};                   ///< by multicast: its address, and how far it goes
        std::uint8_t hops = 0;
    };
    struct Refusal {
        Status status = not_found;
        std::string_view reason;               ///< in words, instead of the protocol's; empty = those
        std::vector<std::string> challenges;   ///< WWW-Authenticate of a 401
    };
    struct Counters {
        std::uint64_t frames_ignored = 0;     ///< on channels that nobody set up, or before RECORD
        std::uint64_t sessions_refused = 0;   ///< requests that named another session than this connection's
    };

    Server(Random& random, Instant now) : random_{random}, deadline_{now + opening_time_max} {}

    /// Players may ask for multicast; before the first bytes.
    void allow_multicast() { multicast_ = true; }
    Result<> receive(ByteSpan bytes, Instant now);
    Result<> advance(Instant now);
    Instant deadline() const { return pending_ ? Instant::never() : deadline_; }
    std::optional<Event> next_event();
    std::vector<std::byte> next_output();

    /// These do nothing where nothing of the kind is waited for.
    /// `hops` are the nodes that the stream came through, where a node asked.
    void offer(sdp::Description description, Hops hops = {});
    /// The same of what was recorded: PLAY has a Range and a Scale, and may come again.
    void offer_recording(sdp::Description description);
    void accept_publish();
    void grant_ports(const Granted& granted);
    /// The response is then in next_output(); interleaved frames may follow it.
    /// `played` where a recording is.
    void start_play(std::span<const TrackStart> starts, const std::optional<Played>& played = {});
    void refuse(const Refusal& refusal);
    /// Packets of the session came (over UDP): it lives.
    void keep_alive(Instant now);
    /// Nothing will follow: TEARDOWN is not a server's word, so the connection is closed by its owner.
    bool playing() const { return state_ == State::playing; }
    bool recording() const { return state_ == State::recording; }
    const std::vector<SetupTrack>& tracks() const { return setups_; }
    const Counters& counters() const { return counters_; }

private:
    enum class State : std::uint8_t {
        idle,        // nothing is known of what the peer wants
        offered,     // a description was given, or is for this path
        announced,   // a publication was accepted
        playing,
        recording,
        closed,
    };

    Result<> process_waiting();
    Result<> process(Request request);
    bool known_session(const Request& request);
    void on_options(const Request& request);
    void on_describe(Request request);
    void on_announce(Request request);
    void on_setup(Request request);
    void set_up(const Request& request, unsigned track, bool record);
    void finish_setup(const Request& request, SetupTrack setup);
    bool take_channels(Transport& transport, unsigned track) const;
    std::optional<unsigned> announced_track(const std::string& url) const;
    std::optional<unsigned> next_without_control() const;
    void on_play(Request request);
    void on_play_recording(Request request);
    void on_record(const Request& request);
    void on_pause(const Request& request);
    void on_teardown(const Request& request);
    void on_parameter(const Request& request);
    void take_frame(Frame frame, Instant now);

    void answer(const Request& request, Response response);
    void answer(const Request& request, Status status) {
        answer(request, Response{.status = status, .headers = {}});
    }
    void describe(sdp::Description description, bool recorded);
    void answer_description(const Request& request);
    void refuse_state(const Request& request);
    void ask(Request request, Event event);
    void touch(Instant now);
    void forget_session();

    Random& random_;
    MessageReader reader_{MessageReader::Side::server};
    State state_ = State::idle;
    std::string session_;                    // empty = none
    std::optional<StreamAddress> address_;   // of offer or publication
    sdp::Description description_;
    Hops hops_;   // of what is offered
    std::vector<SetupTrack> setups_;
    std::deque<Request> waiting_;
    std::optional<Request> pending_;   // the owner decides about it
    std::optional<SetupTrack> pending_setup_;
    Instant now_;
    Instant deadline_;
    unsigned refusals_ = 0;
    bool multicast_ = false;
    bool recorded_ = false;   // what is offered
    bool greeted_ = false;    // a whole request came
    Counters counters_;
    Fifo<Event> events_;
    std::string output_;
};

static_assert(ProtocolMachine<Server>);

}   // namespace millrace::rtsp
