#include "net/acceptor.hpp"

#include "base/log.hpp"
#include "net/socket_address.hpp"

#include <sys/socket.h>

#include <cerrno>

namespace millrace::net {

Acceptor::Acceptor(Worker& home, Descriptor socket, ReceptionRef reception)
    : home_{home}, reception_{std::move(reception)}, watch_{home, std::move(socket), *this} {
}

void Acceptor::use(Terms terms) {
    reception_ = std::make_shared<const Reception>(
        Reception{reception_->pool, reception_->lobby, std::move(terms), reception_->on_accept});
}

void Acceptor::on_ready(Watch::Direction /*direction*/) {
    for (int i = 0; i < accepts_per_turn; ++i) {
        SocketAddress peer;
        peer.size = sizeof peer.storage;
        Descriptor socket{
            ::accept4(watch_.descriptor(), peer.raw(), &peer.size, SOCK_NONBLOCK | SOCK_CLOEXEC)};
        if (socket) {
            out_of_descriptors_ = false;
            take_in(std::move(socket), PeerAddress::parse(peer.endpoint()).value_or(PeerAddress{}));
            continue;
        }
        const int error = errno;
        if (error == EAGAIN) {
            break;
        }
        if (error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM) {
            pause_for(error);
            return;
        }
        // Everything else is one connection that failed before it was accepted (accept(2)).
    }
    watch_.ask(Watch::Direction::read);
}

void Acceptor::pause_for(int error) {
    ++pauses_;
    if (!out_of_descriptors_) {
        out_of_descriptors_ = true;
        log::warning(
            "net", "no new connections for now: {}",
            error == EMFILE || error == ENFILE ? "too many open descriptors" : "no memory for sockets");
    }
    home_.timers().arm(*this, home_.now() + pause);
}

void Acceptor::take_in(Descriptor socket, const PeerAddress& peer) {
    auto pass = reception_->enter(peer);
    if (!pass) {
        if (log_limit_.spend(home_.now())) {
            log::info("net", "{} was turned away: {}", peer.text(), too_many_strangers);
        }
        return;
    }
    Worker& worker = reception_->pool.next();
    worker.post([&worker, reception = reception_,
                 newcomer = Newcomer{std::move(socket), peer, std::move(*pass)}]() mutable {
        welcome(std::move(reception), worker, std::move(newcomer));
    });
}

}   // namespace millrace::net
