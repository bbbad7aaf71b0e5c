#pragma once

#include "base/datagrams.hpp"
#include "net/watch.hpp"

#include <memory>
#include <string>

namespace millrace::net {

/// Where a UDP socket is bound, and how.
struct DatagramOptions {
    std::string address = "::";   ///< numeric; "::" takes IPv4 too; a group's is joined, and may be shared
    std::uint16_t port = 0;       ///< 0: the kernel chooses, `local()` tells
    /// Nobody asked for this very address: where it does not exist (no IPv6), all of IPv4 does as well.
    bool is_default = false;
    /// Bytes asked of the kernel for each direction, which gives what it allows (net.core.rmem_max): at
    /// 2 Mbit/s a viewer, one frame of a thousand viewers.
    int buffer_size = 8 << 20;
    bool segmentation = true;   ///< let the kernel cut segments, where it can
    /// Sockets that all say so may have one port together: each peer's datagrams come to one of them.
    bool shared_port = false;
    std::uint8_t hops = 0;   ///< as DatagramDial says, and so the next
    std::string interface{};
};

/// A UDP socket on `worker`. Errc::malformed: not an address; exists: the port is taken; refused, not_found,
/// unsupported, exhausted: as the words say. On the worker's thread, or before its pool starts.
Result<std::unique_ptr<Datagrams>> open_datagrams(Worker& worker, const DatagramOptions& options);

/// Datagrams over a non-blocking socket of the kernel: batches go by sendmmsg and recvmmsg, and the segments
/// of a Datagram by UDP_SEGMENT, as one message that the kernel or the network card cuts. Where that fails
/// they go as messages of their own. It lives on its worker's thread.
class UdpDatagrams final : public Datagrams, private Watch::Owner {
public:
    /// `socket` is bound, of IPv4 or IPv6. If it is connected, nobody (`PeerAddress{}`) is whom it is
    /// connected to.
    UdpDatagrams(Worker& worker, Descriptor socket, bool segmentation = true);

    const Endpoint& local() const override { return local_; }
    Result<std::size_t> send(std::span<Datagram> batch) override;
    Result<std::size_t> receive(std::span<Received> into) override;
    void wait_readable(Waiter* waiter) override;
    void wait_writable(Waiter* waiter) override;

    int socket() const { return watch_.descriptor(); }
    /// Whether the kernel cuts segments for this socket.
    bool segments() const { return segmentation_; }

private:
    class Messages;

    void on_ready(Watch::Direction direction) override;
    /// Tries once, and returns 0 or the errno. What cannot go is given up, or named as `uncut`.
    int send_some(std::span<Datagram> batch, const Datagram*& uncut);
    bool sendable(const Datagram& datagram) const;
    void give_up(Datagram& datagram);

    Watch watch_;
    int family_ = 0;
    bool segmentation_ = false;
    Waiter* reader_ = nullptr;
    Waiter* writer_ = nullptr;
    Endpoint local_;
};

}   // namespace millrace::net
