#pragma once

#include "base/bytes.hpp"
#include "base/peer_address.hpp"
#include "base/waitable.hpp"

#include <algorithm>
#include <numeric>
#include <span>

namespace millrace {

/// Bytes for one peer: one datagram, or many of one size that leave in one call. It only points to them.
struct Datagram {
    PeerAddress peer;
    std::span<const ByteSpan> slices;   ///< sent as one piece; empty altogether: nothing is sent
    std::size_t segment_size = 0;   ///< 0: one datagram; otherwise cut every so many bytes, the last shorter
    /// How many bytes went already; `send` moves it on. Less than `size()` but not 0 only if the socket
    /// filled up between two segments.
    std::size_t gone = 0;

    std::size_t size() const {
        return std::transform_reduce(slices.begin(), slices.end(), std::size_t{0}, std::plus{},
                                     [](ByteSpan slice) { return slice.size(); });
    }
    /// How many datagrams are still to leave.
    std::size_t segments() const {
        const std::size_t rest = size() - std::min(gone, size());
        return segment_size == 0 ? std::size_t{rest > 0} : (rest + segment_size - 1) / segment_size;
    }
};

/// A datagram that came, in the buffer that its reader gave.
struct Received {
    std::span<std::byte> buffer;   ///< room for it; ours to fill
    std::size_t size = 0;          ///< how much of it was filled
    PeerAddress from;
    bool truncated = false;   ///< it was longer than the buffer; the rest is lost

    ByteSpan bytes() const { return buffer.first(size); }
};

/// A socket for datagrams to and from anybody: real UDP, or simulated. It belongs to one executor, and
/// destroying it closes it. Nothing here blocks, and nothing is allocated for a datagram.
class Datagrams : public Waitable {
public:
    static constexpr std::size_t batch_max = 64;   ///< datagrams a call looks at
    // Of one Datagram: what every kernel cuts; 64 KB less the headers of IPv4 and UDP; and slices.
    static constexpr std::size_t segments_max = 64;
    static constexpr std::size_t bytes_max = 65'507;
    static constexpr std::size_t slices_max = 128;

    /// In datagrams as the network sees them: each segment is one.
    struct Counters {
        std::uint64_t sent = 0;
        std::uint64_t unsendable = 0;   ///< beyond a limit above, or the kernel refuses that peer or size
        std::uint64_t received = 0;
    };

    virtual const Endpoint& local() const = 0;

    /// Takes datagrams from the front of `batch` and returns how many it took, or Errc::would_block if none.
    /// Taken is sent, as far as anybody can tell, or counted as unsendable: one peer's trouble stops nobody
    /// else. A Datagram not taken may be offered again as it is now, or dropped.
    virtual Result<std::size_t> send(std::span<Datagram> batch) = 0;

    /// Fills `into` from the front with what came and returns how many, at least one; or Errc::would_block,
    /// Errc::io.
    virtual Result<std::size_t> receive(std::span<Received> into) = 0;

    const Counters& counters() const { return counters_; }

protected:
    /// Whether it keeps to the limits of one Datagram.
    static bool fits(const Datagram& datagram) {
        return datagram.slices.size() <= slices_max && datagram.size() <= bytes_max &&
               datagram.gone <= datagram.size() && datagram.segments() <= segments_max;
    }

    Counters counters_;
};

}   // namespace millrace
