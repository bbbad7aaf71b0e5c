#pragma once

#include "base/datagrams.hpp"
#include "base/executor.hpp"
#include "net/datagram_fan_out.hpp"
#include "protocol/rtsp/transport.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

namespace millrace::session {

/// One worker's side of the node's pair of UDP ports for RTSP. Every worker has sockets of its own on the
/// same two ports, so each sends by itself. To which of them a peer's packets come is the kernel's choice, so
/// each worker knows all peers, and passes on what is another's, a batch at a time. Who is no peer is not
/// heard.
///
/// Own thread only, but for `counters`. It outlives the conversations of its executor, and what it was
/// introduced to outlives it.
class MediaPorts final {
public:
    /// Tracks that are listened to at once, on all workers.
    static constexpr std::size_t peers_max = 65'536;
    /// A datagram; longer ones are cut by whoever sends them, so what is longer is none of ours.
    static constexpr std::size_t packet_max = 9'216;
    static constexpr std::size_t batch_size = 32;
    static constexpr int batches_per_wake = 8;
    /// Bytes passed on to one worker that it has not taken yet; what comes then is lost.
    static constexpr std::size_t passed_on_max = 8U << 20U;

    struct Sockets {
        std::unique_ptr<Datagrams> rtp;
        std::unique_ptr<Datagrams> rtcp;
    };
    /// From where the packets of one track come: the host that has proved itself over TCP, and the ports that
    /// it said. Nothing it says of a host counts (case 18).
    struct Peers {
        PeerAddress rtp;
        PeerAddress rtcp;
    };
    /// Takes a packet of RTP, or of RTCP (`control`), on the worker that enlisted; it may end its lease.
    using Sink = std::move_only_function<void(bool control, ByteSpan packet)>;

    struct Counters {
        std::atomic<std::uint64_t> packets = 0;
        std::atomic<std::uint64_t> strangers = 0;   ///< packets of nobody whom we listen to (case 21)
        std::atomic<std::uint64_t> passed_on = 0;   ///< to another worker
        std::atomic<std::uint64_t> lost = 0;        ///< longer than packet_max, or beyond passed_on_max
        std::atomic<std::uint64_t> unsent = 0;      ///< by `send`
    };

    /// Being listened to; its end is the end of that. It does not outlive the ports.
    class Lease {
    public:
        Lease() = default;
        Lease(Lease&& other) noexcept { swap(other); }
        Lease& operator=(Lease&& other) noexcept {
            Lease old;
            old.swap(*this);
            swap(other);
            return *this;
        }
        ~Lease();
        explicit operator bool() const { return of_ != nullptr; }

    private:
        friend class MediaPorts;
        Lease(MediaPorts& of, const Peers& peers, std::uint64_t id) : of_{&of}, peers_{peers}, id_{id} {}
        void swap(Lease& other) noexcept {
            std::swap(of_, other.of_);
            std::swap(peers_, other.peers_);
            std::swap(id_, other.id_);
        }

        MediaPorts* of_ = nullptr;
        Peers peers_;
        std::uint64_t id_ = 0;
    };

    MediaPorts(Executor& executor, Sockets sockets);
    MediaPorts(const MediaPorts&) = delete;
    MediaPorts& operator=(const MediaPorts&) = delete;
    ~MediaPorts();

    /// All workers' sides, this one among them or not; before `listen`.
    void introduce(std::span<MediaPorts* const> all);
    /// Begins to hear; from its executor.
    void listen();

    /// The same on all workers.
    rtsp::Ports server_ports() const { return ports_; }
    const Endpoint& local(bool control) const { return (control ? sockets_.rtcp : sockets_.rtp)->local(); }
    /// Listens to these from now on; other workers know within a turn of theirs. Errc::exists: somebody has
    /// these peers; exhausted; unsupported: an address of a link, which needs more than an address to reach.
    Result<Lease> enlist(const Peers& peers, Sink sink);
    /// Sends one packet by the port of RTP, or of RTCP; false where it found no room.
    bool send(bool control, const PeerAddress& to, ByteSpan packet);
    /// For viewers: their packets leave by these ports.
    net::DatagramFanOut& fan_out() { return fan_out_; }

    const Counters& counters() const { return counters_; }

private:
    struct Key {
        PeerAddress peer;
        bool control = false;
        bool operator==(const Key&) const = default;
    };
    struct KeyHash {
        std::size_t operator()(const Key& key) const {
            return std::hash<PeerAddress>{}(key.peer) ^ std::size_t{key.control};
        }
    };
    /// Whose packets a peer's are.
    struct Owner {
        MediaPorts* ports = nullptr;
        std::uint64_t id = 0;
        bool operator==(const Owner&) const = default;
    };
    /// Packets on their way to another worker.
    struct Parcel {
        struct Packet {
            std::uint64_t id;
            std::size_t size;
            bool control;
        };
        std::vector<Packet> packets;
        std::vector<std::byte> bytes;
    };
    /// One of the two sockets, told apart when it is readable.
    class Ear final : public Waitable::Waiter {
    public:
        Ear(MediaPorts& of, bool control) : of_{of}, control_{control} {}
        void on_ready(Result<> ready) override;

    private:
        MediaPorts& of_;
        bool control_;
    };

    Datagrams& socket(bool control) { return control ? *sockets_.rtcp : *sockets_.rtp; }
    void hear(bool control);
    void take(bool control, const Received& received);
    void pass_on(MediaPorts& to, const Parcel::Packet& packet, ByteSpan bytes);
    void post_parcels();
    void open(Parcel parcel);
    void hand_over(std::uint64_t id, bool control, ByteSpan packet);
    void know(const Peers& peers, const Owner& owner);
    void forget(const Peers& peers, const Owner& owner);
    void end(const Lease& lease);

    Executor& executor_;
    Sockets sockets_;
    rtsp::Ports ports_;
    net::DatagramFanOut fan_out_;
    std::vector<MediaPorts*> others_;
    std::unordered_map<Key, Owner, KeyHash> owners_;
    std::unordered_map<std::uint64_t, std::unique_ptr<Sink>> sinks_;
    std::uint64_t called_ = 0;        // whose sink is being called
    std::unique_ptr<Sink> retired_;   // that one's, where it ended its lease
    std::uint64_t last_id_ = 0;
    std::unordered_map<MediaPorts*, Parcel> parcels_;   // of this wake
    std::atomic<std::size_t> passed_here_ = 0;          // bytes that were passed on to us
    std::vector<std::byte> buffer_;
    std::vector<Received> received_;
    Ear rtp_ear_{*this, false};
    Ear rtcp_ear_{*this, true};
    Counters counters_;
};

}   // namespace millrace::session
