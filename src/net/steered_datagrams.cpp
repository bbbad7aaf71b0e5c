#include "net/steered_datagrams.hpp"

#include "base/log.hpp"

#include <linux/filter.h>
#include <sys/socket.h>

#include <array>

namespace millrace::net {

namespace {

/// Of the sockets that share its port, by the order in which they were bound. Shorter datagrams end the
/// program with 0.
bool steer(const Datagrams& socket, std::uint32_t at, std::uint32_t sockets) {
    std::array program{sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at),
                       sock_filter BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, sockets),
                       sock_filter BPF_STMT(BPF_RET | BPF_A, 0)};
    const sock_fprog whole{.len = program.size(), .filter = program.data()};
    return ::setsockopt(dynamic_cast<const UdpDatagrams&>(socket).socket(), SOL_SOCKET,
                        SO_ATTACH_REUSEPORT_CBPF, &whole, sizeof whole) == 0;
}

}   // namespace

Result<std::vector<std::unique_ptr<Datagrams>>> open_steered_datagrams(std::span<Worker* const> workers,
                                                                       DatagramOptions options,
                                                                       std::uint32_t at) {
    {
        // Sockets that share a port would share it with another program of this user, too: first it is free.
        const auto alone = open_datagrams(*workers.front(), options);
        if (!alone) {
            return std::unexpected(alone.error());
        }
        options.port = (*alone)->local().port;
    }
    options.shared_port = workers.size() > 1;
    std::vector<std::unique_ptr<Datagrams>> all;
    for (Worker* const worker : workers) {
        auto opened = open_datagrams(*worker, options);
        if (!opened) {
            return std::unexpected(opened.error());
        }
        all.push_back(std::move(*opened));
        if (all.size() == 1 && workers.size() > 1 &&
            !steer(*all.front(), at, static_cast<std::uint32_t>(workers.size()))) {
            log::warning("net", "the kernel deals no datagrams out; one worker has all of port {}",
                         options.port);
            break;
        }
    }
    return all;
}

}   // namespace millrace::net
