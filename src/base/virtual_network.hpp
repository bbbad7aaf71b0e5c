#pragma once

#include "base/datagrams.hpp"
#include "base/virtual_connection.hpp"
#include "base/virtual_time.hpp"

#include <map>
#include <memory>
#include <set>
#include <span>
#include <utility>
#include <vector>

namespace millrace {

class VirtualDatagrams;

/// How datagrams fare from one machine to another, one way. Shares are of 1.
struct VirtualPath {
    Duration delay = 0ms;
    Duration jitter = 0ms;                ///< added to the delay, anything up to this; it keeps the order
    double loss = 0;                      ///< share that never arrives
    double duplication = 0;               ///< share that arrives twice
    double corruption = 0;                ///< share of which one bit arrives changed
    double reordering = 0;                ///< share that is held back, so that later ones overtake it
    Duration held_back = 20ms;            ///< for how long
    std::uint64_t bytes_per_second = 0;   ///< 0: no limit
    std::size_t queue = 64U << 10U;       ///< bytes that wait where the rate is limited
    bool queue_at_sender = false;         ///< a full queue is the sender's would_block; otherwise it is loss
};

/// Who calls whom, and over what.
struct VirtualCall {
    Endpoint from;
    Endpoint to;
    VirtualLink up{};
    VirtualLink down{};
};

/// The network of a simulated world: the simulated side of Listener and Datagrams, and where their
/// connections come from. Addresses are numeric, and every address is a machine; there is no "any address".
/// What chance does to datagrams follows from the world's seed. It outlives everything opened on it, and
/// nothing of it runs after its end.
class VirtualNetwork {
public:
    static constexpr std::uint16_t first_free_port = 40'000;   ///< from here on for whoever asks for port 0
    /// Bytes that wait for the reader of a datagram socket; what comes then is lost.
    static constexpr std::size_t receive_buffer_max = 1U << 20U;

    struct Counters {
        std::uint64_t carried = 0;         ///< datagrams that were sent on their way, and their bytes
        std::uint64_t carried_bytes = 0;   ///< whatever became of them
        std::uint64_t lost = 0;            ///< by the path's share
        std::uint64_t overflowed = 0;      ///< a queue or a reader's buffer was full
        std::uint64_t unclaimed = 0;       ///< nobody has that address and port
        std::uint64_t duplicated = 0;
        std::uint64_t reordered = 0;
        std::uint64_t corrupted = 0;
        std::uint64_t unplugged = 0;   ///< from or to a machine without its cable
    };

    explicit VirtualNetwork(VirtualTime& time);
    VirtualNetwork(const VirtualNetwork&) = delete;
    VirtualNetwork& operator=(const VirtualNetwork&) = delete;
    ~VirtualNetwork();

    /// Accepts connections to `at` and deals them out to the executors in turn. Errc::exists if somebody
    /// listens there, Errc::malformed if it is no address. None is handed over after its close.
    Result<std::unique_ptr<Listener>> listen(const Endpoint& at, std::vector<Executor*> executors,
                                             OnAccept on_accept);
    /// Our end of a new connection, after a round trip; Errc::refused if nobody listens there. Awaited on
    /// `executor`.
    Task<Result<std::unique_ptr<Connection>>> connect(Executor& executor, VirtualCall call);

    /// A datagram socket; Errc::exists if the port is taken, Errc::malformed if it is no address.
    Result<std::unique_ptr<Datagrams>> open(Executor& executor, const Endpoint& at);
    /// How datagrams fare from here to there from now on; ports do not matter.
    void set_path(const Endpoint& from, const Endpoint& to, const VirtualPath& path);
    /// How they fare where nothing else is set; before anything was sent.
    void set_default_path(const VirtualPath& path) { default_path_ = path; }

    /// Pulls the cable of the machine at that address, or plugs it in again: without it no datagram leaves
    /// or arrives. What is under way to it still does.
    void set_plugged(const Endpoint& machine, bool plugged);

    const Counters& counters() const { return counters_; }

private:
    friend class VirtualDatagrams;
    class AtAddress;

    /// A listener that may be gone, and another in its place.
    struct ListenerName {
        PeerAddress at;
        std::uint64_t number;
    };
    /// Somebody who accepts.
    struct Accepting {
        std::vector<Executor*> executors;
        OnAccept on_accept;
        std::size_t turn = 0;
        std::uint64_t number = 0;
    };
    /// One way from one machine to another.
    struct Way {
        VirtualPath path;
        Instant line_free;      // when the rate lets the next byte go
        Instant last_arrival;   // of what was not held back
    };

    template <class Map>
    Result<PeerAddress> claim(const Endpoint& at, const Map& taken);
    void hand_over(Executor& executor, const ListenerName& to, std::unique_ptr<Connection> connection);
    Way& way(const PeerAddress& from, const PeerAddress& to);
    /// Sends a datagram on its way: false if the sender must wait, until `room_at`.
    bool carry(const PeerAddress& from, const PeerAddress& to, ByteSpan bytes, Instant& room_at);
    void deliver(const PeerAddress& from, const PeerAddress& to, ByteSpan bytes, Instant due);
    bool happens(double share, Random& chance);
    bool is_unplugged(const PeerAddress& from, const PeerAddress& to) const;

    VirtualTime& time_;
    SeededRandom chance_;   // the paths' own dice: the scheduler's stay as they would be without
    SeededRandom flips_;    // what is changed on the way, likewise
    VirtualPath default_path_;
    std::map<PeerAddress, Accepting> accepting_;
    std::map<PeerAddress, VirtualDatagrams*> sockets_;
    std::map<std::pair<PeerAddress, PeerAddress>, Way> ways_;
    std::set<PeerAddress> unplugged_;
    std::uint64_t listeners_ = 0;
    Counters counters_;
};

}   // namespace millrace
