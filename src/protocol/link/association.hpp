#pragma once

#include "protocol/kcp/conversation.hpp"
#include "protocol/kcp/parity_receiver.hpp"
#include "protocol/kcp/parity_sender.hpp"
#include "protocol/link/dtls.hpp"

#include <deque>

namespace millrace::link {

/// A datagram of the link and whom it goes to, or came from.
struct Letter {
    PeerAddress peer;
    std::vector<std::byte> bytes;
};

/// In front of every datagram, chosen by the client by chance, big-endian.
inline constexpr std::size_t id_size = 8;
/// Where in a datagram 32 bits of it stand, by which links are dealt out to workers.
inline constexpr std::uint32_t steering_at = 4;

/// KCP for what is inside a link: room for our own headers in 1,400 bytes.
kcp::Settings link_settings();

/// One end of a link: a DTLS association that knows its peer by a number instead of an address, and KCP with
/// parity inside. The contract is that of `protocol/machine.hpp` but for datagrams: after each call that
/// changes something, drain `next_output`; call `advance` at `deadline`. One owner, one thread.
///
/// It holds what OpenSSL holds (about 40 KB), KCP's window twice (1.4 MB) and what was given to be sent.
class Association {
public:
    static constexpr Duration handshake_max = 5s;
    /// Nothing that authenticates came for so long: the peer is gone. It says something each `speak_after`.
    static constexpr Duration dead_after = 2'800ms;
    static constexpr Duration speak_after = 200ms;
    /// A flight of the handshake is sent again after so long, then half as long again each time.
    static constexpr Duration flight_first = 250ms;
    static constexpr Duration flight_longest = 1s;
    static constexpr std::size_t handshake_datagrams_max = 200;   ///< of the peer
    static constexpr int challenges_max = 3;
    static constexpr Duration challenge_again = 250ms;
    static constexpr std::size_t reason_max = 100;

    enum class Role : std::uint8_t { client, server };
    /// What tells one link from another.
    struct Start {
        Role role;
        Dtls dtls;
        std::uint64_t id;
        PeerAddress peer;
        bool parity = true;   ///< otherwise what is lost is resent alone
    };
    struct Counters {
        std::uint64_t refused = 0;   ///< datagrams that said nothing: not authentic, or there before
        std::uint64_t moves = 0;     ///< of the peer, to another address
        std::uint64_t recovered = 0;
    };

    Association(Start start, Random& random, Instant now);

    /// A datagram that came from there, without the number.
    void receive(const PeerAddress& from, ByteSpan records, Instant now);
    void advance(Instant now);
    Instant deadline() const;
    std::optional<Letter> next_output();

    /// Errc::refused before it is open and after its end; otherwise as kcp::Conversation.
    Result<> send(const Bytes& message, Instant now);
    std::optional<std::vector<std::byte>> next_message();
    /// As of kcp::Conversation.
    void seek_more(bool more) { kcp_.seek_more(more); }
    /// Says so to the peer, twice, for one may be lost.
    void close(std::string_view reason, Instant now);

    bool is_open() const { return dtls_.is_open() && !ending_; }
    /// Why it is at its end; nothing: it is not.
    const std::optional<Error>& ending() const { return ending_; }
    /// What the peer said when it closed the link.
    const std::string& farewell() const { return farewell_; }
    std::uint64_t id() const { return id_; }
    const PeerAddress& peer() const { return peer_; }
    std::string psk_identity() const { return dtls_.psk_identity(); }
    const kcp::Conversation& kcp() const { return kcp_; }
    double parity() const { return parity_.share(); }
    const Counters& counters() const { return counters_; }

private:
    enum class Word : std::uint8_t { kcp = 1, ping, challenge, response, close };
    /// An address from where something authentic came, until it has shown that it hears there.
    struct Candidate {
        PeerAddress address;
        std::array<std::byte, 8> nonce{};
        int left = 0;
        Instant again = Instant::never();
    };

    void hear(const PeerAddress& from, ByteSpan message, Instant now);
    void hear_kcp(ByteSpan message, Instant now);
    void hear_response(const PeerAddress& from, ByteSpan nonce);
    void doubt(const PeerAddress& from, Instant now);
    void challenge(Instant now);
    void send_flight(Instant now);
    void note_flight(Instant now);
    void drain(Instant now);
    void say(Word word, ByteSpan body, const PeerAddress& to);
    void post(const PeerAddress& to, ByteSpan records);
    void end(Errc code, std::string_view why);

    Role role_;
    Dtls dtls_;
    std::uint64_t id_;
    PeerAddress peer_;
    Random& random_;
    kcp::Conversation kcp_;
    kcp::ParitySender parity_;
    kcp::ParityReceiver unparity_;
    std::vector<kcp::ParityReceiver::Given> given_;   // while a datagram is heard
    std::deque<Letter> out_;

    Instant began_at_;
    Instant heard_at_;
    Instant spoke_at_;
    std::size_t handshake_datagrams_ = 0;
    std::vector<std::vector<std::byte>> flight_;
    Instant flight_again_ = Instant::never();
    Duration flight_wait_ = flight_first;
    std::optional<Candidate> candidate_;
    std::optional<Error> ending_;
    std::string farewell_;
    Counters counters_;
};

}   // namespace millrace::link
