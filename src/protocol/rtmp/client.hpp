#pragma once

#include "base/bytes.hpp"
#include "base/hops.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "protocol/machine.hpp"
#include "protocol/rtmp/handshake.hpp"
#include "protocol/rtmp/link.hpp"
#include "protocol/rtmp/media_message.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace millrace::rtmp {

/// From the first byte to Publish.Start or Play.Start.
constexpr Duration client_setup_time_max = 10s;

/// The status codes by which a server says that a stream is over.
bool is_end(std::string_view code);

/// The client's end of one connection, which publishes or plays one stream. Its first output is there at
/// once. After PublishStarted send media; after PlayStarted take it from the events.
class Client {
public:
    enum class Role : std::uint8_t { publish, play };
    struct Options {
        Role role = Role::play;
        std::string app;      ///< "live", with its query if it has one
        std::string tc_url;   ///< "rtmp://host:port/live"
        std::string key;      ///< "cam", with its query if it has one
        HandshakeKind handshake = HandshakeKind::simple;
        std::uint32_t chunk_size = 4'096;   ///< of what it sends, 1–16,777,215
        Hops hops{};                        ///< the nodes that ask, or that what is published came through
    };

    struct Connected {};
    struct PublishStarted {};
    struct PlayStarted {
        Hops hops{};   ///< the nodes that it came through, as the server says
    };
    using Media = rtmp::Media;
    struct Refused {
        std::string code;   ///< "NetStream.Publish.BadName" …
        std::string description;
    };
    /// The server says that the stream is over.
    struct Ended {};
    using Event = std::variant<Connected, PublishStarted, PlayStarted, Media, Refused, Ended>;

    Client(Random& random, Options options, Instant now);

    Result<> receive(ByteSpan bytes, Instant now);
    Result<> advance(Instant now);
    Instant deadline() const { return deadline_; }
    std::optional<Event> next_event();
    std::vector<std::byte> next_output() { return link_.take_output(); }

    /// Appends one tag to the output; data gets its "@setDataFrame". Only after PublishStarted.
    void send(const Media& media);
    /// Says the end: what a publisher or a player says before it closes.
    void end();

    /// The message stream on which it publishes or plays, as the server gave it. After createStream.
    std::uint32_t stream_id() const { return stream_id_; }
    HandshakeKind handshake_agreed() const { return agreed_; }
    const Link::Counters& link_counters() const { return link_.counters(); }

private:
    friend std::unique_ptr<BackChannel> into_back_channel(Client&& client);
    enum class State : std::uint8_t { shaking_hands, connecting, creating_stream, starting, started, over };

    Result<> receive_bytes(ByteSpan bytes, Instant now);
    Result<> receive_message(Message message);
    Result<> receive_command(const Command& command);
    void on_result(const Command& command);
    void on_status(const amf0::Value& status);
    void refused_with(const Command& command);
    void send_connect();
    void send_create_stream();
    void send_start();

    Options options_;
    std::optional<ClientHandshake> handshake_;
    HandshakeKind agreed_ = HandshakeKind::simple;
    Link link_;
    State state_ = State::shaking_hands;
    Instant deadline_;
    std::uint32_t stream_id_ = 0;   // as the server gave it
    std::deque<Event> events_;
};

static_assert(ProtocolMachine<Client>);

}   // namespace millrace::rtmp
