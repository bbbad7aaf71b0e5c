#pragma once

#include "protocol/link/dtls.hpp"

#include <deque>
#include <vector>

namespace millrace::link {

/// One end of a link where UDP does not get through: TLS over a stream of bytes that somebody else carries,
/// and inside frames with their length, for keep-alive and a word at the end. TCP resends and keeps the
/// order; there is neither KCP nor parity. After each call that changes something, drain `next_output` as far
/// as the stream takes it; call `advance` at `deadline`. One owner, one thread.
///
/// It holds what OpenSSL holds (about 40 KB), messages up to `unread_max` and one frame over, and what was
/// given to be sent.
class TlsAssociation {
public:
    static constexpr Duration handshake_max = 10s;
    /// Nothing came for so long, though we read: the peer is gone. It says something each `speak_after`.
    static constexpr Duration dead_after = 2'800ms;
    static constexpr Duration speak_after = 500ms;
    static constexpr std::size_t message_max = 16U << 10U;
    static constexpr std::size_t unread_max = 256U << 10U;
    static constexpr std::size_t reason_max = 100;

    enum class Role : std::uint8_t { client, server };

    TlsAssociation(Role role, Tls tls, Instant now);

    /// Bytes of the stream, if `wants_more`.
    void receive(ByteSpan bytes, Instant now);
    /// The stream is at its end, or broke.
    void lose(Error why) { end(why.code, why.what); }
    void advance(Instant now);
    Instant deadline() const;
    std::vector<std::byte> next_output();

    /// At most `message_max` bytes. Errc::refused before it is open and after its end.
    Result<> send(ByteSpan message);
    std::optional<std::vector<std::byte>> next_message(Instant now);
    /// Whether it takes what comes; otherwise the stream is to be left unread.
    bool wants_more() const { return !ending_ && unread_ < unread_max; }
    void close(std::string_view reason);

    bool is_open() const { return tls_.is_open() && !ending_; }
    const std::optional<Error>& ending() const { return ending_; }
    std::string psk_identity() const { return tls_.psk_identity(); }
    /// Of a ping, with what waited before it; zero: none came back yet.
    Duration round_trip() const { return round_trip_; }
    Duration round_trip_min() const { return round_trip_min_; }

private:
    enum class Word : std::uint8_t { data = 1, ping, pong, close };
    static constexpr std::size_t stamp_size = 8;

    void take_frames(Instant now);
    void hear(Word word, ByteSpan body, Instant now);
    void say(Word word, ByteSpan body);
    void end(Errc code, std::string_view why);

    Tls tls_;
    Instant began_at_;
    Instant heard_at_;
    Instant spoke_at_;
    std::vector<std::byte> input_;   // the beginning of a frame
    std::deque<std::vector<std::byte>> messages_;
    std::size_t unread_ = 0;              // bytes of them
    std::optional<std::uint64_t> pong_;   // that is owed: the newest alone
    std::optional<std::uint64_t> ping_;   // that is due
    Duration round_trip_{};
    Duration round_trip_min_{};
    std::optional<Error> ending_;
};

}   // namespace millrace::link
