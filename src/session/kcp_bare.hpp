#pragma once

#include "session/datagram_batch.hpp"
#include "session/desk.hpp"

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

namespace millrace::session {

/// One worker's side of the port for bare KCP: MPEG-TS that plain peers send in stream mode, each
/// conversation the publisher of the stream that `kcp.bare_streams` names for its number. Nothing of it is
/// encrypted or proves itself, so a stream takes it only where anyone may publish. The kernel gives a peer's
/// datagrams to one worker always.
///
/// A conversation is a peer's address, its port and the number. It begins with data at the front of its
/// window and ends where nothing came for `silence_max`; one that was ended before, by us or by what it sent,
/// is not heard until its peer was as long silent. What a conversation holds is its window, twice: 1.5 MB.
///
/// Own thread only, but for the counters. It outlives the conversations of its executor.
class KcpBare final : Waitable::Waiter {
public:
    static constexpr std::size_t conversations_max = 32;   ///< that are heard, on one worker
    static constexpr std::size_t per_host_max = 8;         ///< of those
    static constexpr std::size_t deaf_max = 1'024;         ///< that are not heard any more
    static constexpr std::uint16_t window = 512;           ///< segments
    static constexpr Duration silence_max = 10s;
    static constexpr Duration begin_max = 5s;              ///< until a unit can be read
    static constexpr std::size_t unread_max = 4U << 20U;   ///< bytes before the first unit (case 36)

    struct Counters {
        std::atomic<std::uint64_t> datagrams = 0;
        std::atomic<std::uint64_t> strangers = 0;   ///< datagrams of no conversation, and of none to be
    };

    KcpBare(Desk& desk, std::unique_ptr<Datagrams> socket);
    KcpBare(const KcpBare&) = delete;
    KcpBare& operator=(const KcpBare&) = delete;

    /// Begins to hear; from its executor.
    void listen() { socket_->wait_readable(this); }
    const Endpoint& local() const { return socket_->local(); }
    const Counters& counters() const { return counters_; }
    /// Conversations that are heard.
    std::size_t heard() const;

private:
    class Conversation;
    struct Key {
        PeerAddress peer;
        std::uint32_t conv = 0;
        auto operator<=>(const Key&) const = default;
    };
    struct Entry {
        Conversation* conversation = nullptr;   ///< none: it is not heard any more
        Instant newest;
    };

    void on_ready(Result<> ready) override;
    void take(const Received& received);
    bool may_begin(const Key& key, ByteSpan datagram) const;
    Task<> converse(Key key, std::string stream);
    void send(const PeerAddress& to, ByteSpan datagram);
    void review();

    Desk& desk_;
    std::unique_ptr<Datagrams> socket_;
    std::map<Key, Entry> entries_;
    DatagramBatch batch_;
    Alarm<KcpBare, &KcpBare::review> second_{*this};
    Counters counters_;
};

}   // namespace millrace::session
