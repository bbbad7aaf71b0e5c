#pragma once

#include "base/answer.hpp"
#include "base/executor.hpp"
#include "base/peer_address.hpp"
#include "protocol/rtsp/transport.hpp"

#include <cstdint>
#include <map>
#include <string>

/// Streams that leave by multicast: each to a group of its own, once, whatever workers its players came to.
namespace millrace::session {

struct Desk;
class MulticastStreams;

/// Where a stream's packets go.
struct MulticastPlace {
    PeerAddress group;   ///< with the port of the first track's RTP
    std::uint8_t hops = 1;

    /// RTCP is next to RTP, and the next track next to that.
    rtsp::Ports ports(unsigned track) const {
        const auto rtp = static_cast<std::uint16_t>(group.port() + 2 * track);
        return {rtp, static_cast<std::uint16_t>(rtp + 1)};
    }
};

/// A player's share in a stream's group: while there is one, packets go to it. It does not outlive the
/// streams.
class MulticastLease {
public:
    MulticastLease() = default;
    MulticastLease(MulticastStreams& of, std::string stream, const MulticastPlace& place)
        : of_{&of}, stream_{std::move(stream)}, place_{place} {}
    MulticastLease(MulticastLease&& other) noexcept { swap(other); }
    MulticastLease& operator=(MulticastLease&& other) noexcept {
        MulticastLease old;
        old.swap(*this);
        swap(other);
        return *this;
    }
    ~MulticastLease();
    explicit operator bool() const { return of_ != nullptr; }
    const MulticastPlace& place() const { return place_; }

private:
    void swap(MulticastLease& other) noexcept;

    MulticastStreams* of_ = nullptr;
    std::string stream_;
    MulticastPlace place_;
};

/// Which streams go to which groups now. It lives on `home`; any thread may call it. The worker of a stream's
/// first player sends.
class MulticastStreams {
public:
    static constexpr std::size_t streams_max = 200;

    /// The first stream's group; the next ones count on from it in its last byte.
    MulticastStreams(Executor& home, const MulticastPlace& first) : home_{home}, first_{first} {}
    MulticastStreams(const MulticastStreams&) = delete;
    MulticastStreams& operator=(const MulticastStreams&) = delete;

    /// A share for a player at this desk. Errc::exhausted where all groups are taken.
    void lease(Desk& desk, std::string stream, Reply<MulticastLease> reply);

    // For who shares, and who sends.
    void release(std::string stream);
    /// What to give when the sending of that number is not wanted any more.
    void hold(std::uint64_t sending, std::string stream, Reply<bool> stop);
    /// It ended by itself: who comes next begins it anew.
    void ended(std::uint64_t sending, std::string stream);

private:
    struct Sent {
        unsigned group = 0;   // counted from the first
        std::size_t players = 0;
        std::uint64_t sending = 0;   // 0: nobody sends
        Reply<bool> stop;
    };
    unsigned free_group() const;
    MulticastPlace place_of(unsigned group) const;

    Executor& home_;
    MulticastPlace first_;
    std::map<std::string, Sent> sent_;   // on home
    std::uint64_t last_sending_ = 0;
};

}   // namespace millrace::session
