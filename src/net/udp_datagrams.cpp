#include "net/udp_datagrams.hpp"

#include "net/socket_address.hpp"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace millrace::net {

namespace {

/// An IPv4 or IPv6 socket address, a quarter of a sockaddr_storage.
union Name {
    sockaddr_in v4;
    sockaddr_in6 v6;
};

/// One control message: the size that the kernel cuts at.
struct SegmentSize {
    alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(std::uint16_t))> bytes;
};

PeerAddress read_name(const Name& name, socklen_t size) {
    if (size >= sizeof name.v6 && name.v6.sin6_family == AF_INET6) {
        PeerAddress::Ip ip;
        std::memcpy(ip.data(), &name.v6.sin6_addr, ip.size());
        return {ip, ntohs(name.v6.sin6_port), name.v6.sin6_scope_id};
    }
    if (size >= sizeof name.v4 && name.v4.sin_family == AF_INET) {
        std::array<std::uint8_t, 4> ip{};
        std::memcpy(ip.data(), &name.v4.sin_addr, ip.size());
        return PeerAddress::ipv4(ip, ntohs(name.v4.sin_port));
    }
    return {};
}

/// Writes whom a socket of `family` sends to, and returns the size.
socklen_t write_name(const PeerAddress& peer, int family, Name& name) {
    if (peer.is_nobody()) {
        return 0;
    }
    if (family == AF_INET) {
        name.v4 = {};
        name.v4.sin_family = AF_INET;
        name.v4.sin_port = htons(peer.port());
        std::memcpy(&name.v4.sin_addr, peer.ip().data() + PeerAddress::ip_size - 4, 4);
        return sizeof name.v4;
    }
    name.v6 = {};
    name.v6.sin6_family = AF_INET6;
    name.v6.sin6_port = htons(peer.port());
    name.v6.sin6_scope_id = peer.zone();
    std::memcpy(&name.v6.sin6_addr, peer.ip().data(), peer.ip().size());
    return sizeof name.v6;
}

bool reaches(int family, const PeerAddress& peer) {
    return peer.is_nobody() || family == AF_INET6 || (family == AF_INET && peer.is_ipv4());
}

bool cuts_segments(int socket) {
    const int off = 0;
    return setsockopt(socket, IPPROTO_UDP, UDP_SEGMENT, &off, sizeof off) == 0;
}

}   // namespace

/// What one sendmmsg is given: made on the stack, and filled no further than needed.
class UdpDatagrams::Messages {
public:
    explicit Messages(int family) : family_{family} {}

    /// Adds what is left of a datagram, as one message or as one for each segment. False if not all of it
    /// found room; the first message always does.
    bool add(Datagram& datagram, bool as_one) {
        const std::size_t size = datagram.size();
        const std::size_t cut = datagram.segment_size == 0 ? size : datagram.segment_size;
        for (std::size_t at = datagram.gone; at < size;) {
            const std::size_t bytes = as_one ? size - at : std::min(cut, size - at);
            if (count_ == batch_max || !add_parts(datagram, at, bytes)) {
                return false;
            }
            add_message(datagram, bytes, cut);
            at += bytes;
        }
        return true;
    }

    /// How many messages went; their datagrams and `sent` are moved on. Otherwise the errno.
    std::expected<std::size_t, int> send(int socket, std::uint64_t& sent) {
        const int went = ::sendmmsg(socket, headers_.data(), count_, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (went < 0) {
            return std::unexpected(errno);
        }
        for (const Message& message : std::span{messages_}.first(static_cast<std::size_t>(went))) {
            message.of->gone += message.bytes;
            sent += message.segments;
        }
        return static_cast<std::size_t>(went);
    }
    bool first_is_cut() const { return count_ > 0 && messages_[0].segments > 1; }

private:
    static constexpr std::size_t parts_max = 512;
    static_assert(parts_max >= slices_max);

    struct Message {
        Datagram* of;
        std::size_t bytes;
        std::size_t segments;
    };

    /// Points to `bytes` of the datagram from `at`.
    bool add_parts(const Datagram& datagram, std::size_t at, std::size_t bytes) {
        std::size_t used = parts_used_;
        for (const ByteSpan slice : datagram.slices) {
            if (at >= slice.size()) {
                at -= slice.size();
                continue;
            }
            if (bytes == 0) {
                break;
            }
            if (used == parts_max) {
                return false;
            }
            const ByteSpan part = slice.subspan(at, std::min(bytes, slice.size() - at));
            parts_[used++] = {const_cast<std::byte*>(part.data()), part.size()};
            bytes -= part.size();
            at = 0;
        }
        first_part_ = parts_used_;
        parts_used_ = used;
        return true;
    }

    void add_message(Datagram& datagram, std::size_t bytes, std::size_t cut) {
        messages_[count_] = {&datagram, bytes, (bytes + cut - 1) / cut};
        headers_[count_] = {};
        msghdr& header = headers_[count_].msg_hdr;
        header.msg_namelen = write_name(datagram.peer, family_, names_[count_]);
        header.msg_name = header.msg_namelen == 0 ? nullptr : &names_[count_];
        header.msg_iov = parts_.data() + first_part_;
        header.msg_iovlen = parts_used_ - first_part_;
        if (bytes > cut) {
            const auto size = static_cast<std::uint16_t>(cut);
            header.msg_control = controls_[count_].bytes.data();
            header.msg_controllen = controls_[count_].bytes.size();
            cmsghdr* const control = CMSG_FIRSTHDR(&header);
            control->cmsg_level = IPPROTO_UDP;
            control->cmsg_type = UDP_SEGMENT;
            control->cmsg_len = CMSG_LEN(sizeof size);
            std::memcpy(CMSG_DATA(control), &size, sizeof size);
        }
        ++count_;
    }

    int family_;
    unsigned count_ = 0;
    std::size_t first_part_ = 0;   // of the message being added
    std::size_t parts_used_ = 0;
    std::array<mmsghdr, batch_max> headers_;
    std::array<Message, batch_max> messages_;
    std::array<Name, batch_max> names_;
    std::array<SegmentSize, batch_max> controls_;
    std::array<iovec, parts_max> parts_;
};

UdpDatagrams::UdpDatagrams(Worker& worker, Descriptor socket, bool segmentation)
    : watch_{worker, std::move(socket), *this} {
    const SocketAddress address = SocketAddress::local_of(watch_.descriptor());
    family_ = address.family();
    local_ = address.endpoint();
    segmentation_ = segmentation && cuts_segments(watch_.descriptor());
}

Result<std::size_t> UdpDatagrams::send(std::span<Datagram> batch) {
    batch = batch.first(std::min(batch.size(), batch_max));
    std::size_t taken = 0;
    const Datagram* uncut = nullptr;   // the one that the kernel would not cut
    for (bool blocked = false;;) {
        for (; taken < batch.size(); ++taken) {
            Datagram& first = batch[taken];
            if (!sendable(first)) {
                give_up(first);
            }
            if (first.gone < first.size()) {
                break;
            }
        }
        if (taken == batch.size() || blocked) {
            break;
        }
        const int error = send_some(batch.subspan(taken), uncut);
        blocked = error == EAGAIN;
    }
    if (taken == 0 && !batch.empty()) {
        return fail(Errc::would_block, "the socket is full");
    }
    return taken;
}

int UdpDatagrams::send_some(std::span<Datagram> batch, const Datagram*& uncut) {
    Messages messages{family_};
    for (Datagram& datagram : batch) {
        if (!sendable(datagram) || !messages.add(datagram, segmentation_ && &datagram != uncut)) {
            break;
        }
    }
    const auto went = messages.send(watch_.descriptor(), counters_.sent);
    const int error = went ? 0 : went.error();
    if (error == 0 || error == EINTR || error == EAGAIN) {
        return error;
    }
    // The kernel says EIO where it would have to make checksums itself, EINVAL or EMSGSIZE where a segment is
    // too large for one packet on this way. That may be the way of one peer alone, and a peer may lie about
    // it, so only EIO is a reason to stop asking.
    if (messages.first_is_cut() && (error == EIO || error == EINVAL || error == EMSGSIZE)) {
        uncut = &batch.front();
        segmentation_ = segmentation_ && error != EIO;
    } else {
        give_up(batch.front());
    }
    return error;
}

bool UdpDatagrams::sendable(const Datagram& datagram) const {
    return fits(datagram) && reaches(family_, datagram.peer);
}

void UdpDatagrams::give_up(Datagram& datagram) {
    counters_.unsendable += datagram.segments();
    datagram.gone = datagram.size();
}

Result<std::size_t> UdpDatagrams::receive(std::span<Received> into) {
    into = into.first(std::min(into.size(), batch_max));
    std::array<mmsghdr, batch_max> headers;
    std::array<Name, batch_max> names;
    std::array<iovec, batch_max> parts;
    for (std::size_t i = 0; i < into.size(); ++i) {
        parts[i] = {into[i].buffer.data(), into[i].buffer.size()};
        headers[i] = {};
        headers[i].msg_hdr.msg_name = &names[i];
        headers[i].msg_hdr.msg_namelen = sizeof names[i];
        headers[i].msg_hdr.msg_iov = &parts[i];
        headers[i].msg_hdr.msg_iovlen = 1;
    }
    for (;;) {
        const int came = ::recvmmsg(watch_.descriptor(), headers.data(), static_cast<unsigned>(into.size()),
                                    MSG_DONTWAIT, nullptr);
        if (came >= 0) {
            for (std::size_t i = 0; i < static_cast<std::size_t>(came); ++i) {
                const msghdr& header = headers[i].msg_hdr;
                into[i].size = headers[i].msg_len;
                into[i].from = read_name(names[i], header.msg_namelen);
                into[i].truncated = (static_cast<unsigned>(header.msg_flags) & MSG_TRUNC) != 0;
            }
            counters_.received += static_cast<std::uint64_t>(came);
            return static_cast<std::size_t>(came);
        }
        // ICMP says that something sent earlier did not arrive; asking takes the error away.
        const bool of_a_peer =
            errno == ECONNREFUSED || errno == EHOSTUNREACH || errno == ENETUNREACH || errno == EMSGSIZE;
        if (errno != EINTR && !of_a_peer) {
            return errno == EAGAIN ? fail(Errc::would_block, "nothing came")
                                   : fail(Errc::io, "recvmmsg failed");
        }
    }
}

void UdpDatagrams::wait_readable(Waiter* waiter) {
    reader_ = waiter;
    if (waiter != nullptr) {
        watch_.ask(Watch::Direction::read);
    }
}

void UdpDatagrams::wait_writable(Waiter* waiter) {
    writer_ = waiter;
    if (waiter != nullptr) {
        watch_.ask(Watch::Direction::write);
    }
}

void UdpDatagrams::on_ready(Watch::Direction direction) {
    Waiter* const waiter = std::exchange(direction == Watch::Direction::read ? reader_ : writer_, nullptr);
    if (waiter != nullptr) {
        waiter->on_ready({});
    }
}

}   // namespace millrace::net
