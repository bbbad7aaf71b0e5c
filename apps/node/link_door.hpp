#pragma once

#include "base/datagrams.hpp"
#include "base/random.hpp"
#include "base/storage.hpp"
#include "control/configuration.hpp"
#include "net/listener.hpp"
#include "net/worker_pool.hpp"
#include "protocol/link/dtls.hpp"

#include <memory>
#include <string>
#include <vector>

namespace millrace::apps {

/// Keys that links may prove both ends by, with the users whose they are.
using LinkKeys = link::DtlsServer::Keys;

/// Who this node is to those who call it by a link.
struct LinkDoor {
    struct Side {
        std::unique_ptr<Datagrams> socket;
        std::unique_ptr<link::DtlsServer> dtls;
    };
    std::vector<Side> sides;   ///< of the pool's workers, by turns; none: there are no links to here
    std::string fingerprint;   ///< SHA-256 of the certificate that it shows
};

/// Reads kcp.psk_file. Throws std::runtime_error.
LinkKeys read_link_keys(const control::Configuration& configuration);

/// What the door is made with.
struct LinkDoorMeans {
    Storage& storage;   ///< where a certificate of our own is kept, with its key
    const LinkKeys& keys;
    Random& random;
};
/// Opens kcp.listen. The certificate is `tls.certificate`, else one that the first start made. Throws
/// std::runtime_error; an address that nobody wrote and that is taken is a line in the log.
LinkDoor open_links(net::WorkerPool& pool, const control::Configuration& configuration,
                    const LinkDoorMeans& means);

/// Who takes those that come by TCP, and where strangers among them are counted.
struct LinkStreamMeans {
    net::Lobby& lobby;
    OnAccept take;
};
/// The same port number of TCP, for those whose UDP is blocked. Null, with a line in the log, where somebody
/// has it: the kernel may have chosen the number.
std::unique_ptr<net::Door> open_link_streams(net::WorkerPool& pool, const control::ListenAddress& wanted,
                                             std::uint16_t port, LinkStreamMeans means);

}   // namespace millrace::apps
