#pragma once

#include "base/bytes.hpp"
#include "base/fifo.hpp"
#include "base/hops.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "protocol/machine.hpp"
#include "protocol/rtmp/handshake.hpp"
#include "protocol/rtmp/link.hpp"
#include "protocol/rtmp/media_message.hpp"
#include "protocol/rtmp/stream_address.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace millrace::rtmp {

/// From the first byte to `publish` or `play`.
constexpr Duration setup_time_max = 10s;
/// A publisher that sends nothing at all for so long is gone.
constexpr Duration publisher_silence_max = 30s;
/// A player is asked for a sign of life so often; an answer is not insisted on.
constexpr Duration player_ping_interval = 30s;
/// From the end a client said to the end of the connection.
constexpr Duration farewell_time_max = 10s;

/// The server's end of one connection: one publisher or one player. Decisions are its owner's: after
/// PublishRequested call accept_publish() or refuse(), after PlayRequested accept_play() or refuse(), at once
/// or later; what a peer sends meanwhile is read, its media is dropped and counted.
class Server {
public:
    struct PublishRequested {
        std::string name;   ///< raw, see StreamAddress
        std::string query;
        std::string app;
        Hops hops{};   ///< of `connect`: the nodes that it comes through; else empty
    };
    struct PlayRequested {
        std::string name;
        std::string query;
        Hops hops{};   ///< the nodes that ask
    };
    using Media = rtmp::Media;
    /// The peer said that it ended (FCUnpublish, deleteStream, closeStream).
    struct PublishEnded {};
    struct PlayEnded {};
    struct Paused {
        bool paused = false;
    };
    using Event = std::variant<PublishRequested, PlayRequested, Media, PublishEnded, PlayEnded, Paused>;

    enum class Refusal : std::uint8_t { not_found, exists, denied, unsupported };

    struct Counters {
        std::uint64_t media_dropped = 0;      ///< came while nobody publishes here
        std::uint64_t commands_ignored = 0;   ///< unknown, or about a stream that is not there
    };

    Server(Random& random, Instant now)
        : handshake_{std::in_place, random}, now_{now}, deadline_{now + setup_time_max} {}

    Result<> receive(ByteSpan bytes, Instant now);
    Result<> advance(Instant now);
    Instant deadline() const { return deadline_; }
    std::optional<Event> next_event();
    std::vector<std::byte> next_output() { return link_.take_output(); }

    /// These do nothing if the peer took its request back meanwhile.
    void accept_publish();
    /// The chunk size is now that of rtmp::Muxer, and its bytes may follow what next_output() gives.
    /// `hops` are the nodes that the stream came through, where a node asked.
    void accept_play(const Hops& hops = {});
    /// Says why in the protocol's words; then send next_output() and close. `receive` refuses from here on.
    void refuse(Refusal reason, std::string_view text);
    void kick(std::string_view text);

    bool publishing() const { return state_ == State::publishing; }
    bool playing() const { return state_ == State::playing; }
    const Counters& counters() const { return counters_; }
    const Link::Counters& link_counters() const { return link_.counters(); }

private:
    friend std::unique_ptr<BackChannel> into_back_channel(Server&& server,
                                                          std::function<void(bool paused)> on_pause);

    enum class State : std::uint8_t {
        opening,          // no connect yet
        connected,        // no stream yet
        stream_created,   // neither publish nor play yet
        publish_asked,
        play_asked,
        publishing,
        playing,
        ended,    // the peer said so
        closed,   // we refused
    };

    Result<> receive_handshake(ByteSpan& bytes);
    Result<> receive_message(Message message);
    Result<> receive_media(Message message);
    Result<> receive_command(const Command& command, const Message& message);
    Result<> on_connect(const Command& command);
    Result<> on_create_stream(const Command& command);
    Result<> on_publish(const Command& command);
    Result<> on_play(const Command& command);
    Result<> on_unpublish(const Command& command);
    Result<> on_delete_stream(const Command& command);
    Result<> on_pause(const Command& command);
    Result<> on_courtesy(const Command& command);
    Result<> refuse_call(const Command& command, std::string_view description);
    bool ready_for_stream(const Command& command);
    void end_said();
    void send_connected(const Command& command);

    std::optional<ServerHandshake> handshake_;
    Link link_;
    State state_ = State::opening;
    Instant now_;   // as last told
    Instant deadline_;
    double request_ = 0;   // the transaction of publish or play
    std::string app_;
    std::string tc_url_;
    Hops hops_;
    Counters counters_;
    Fifo<Event> events_;
};

static_assert(ProtocolMachine<Server>);

}   // namespace millrace::rtmp
