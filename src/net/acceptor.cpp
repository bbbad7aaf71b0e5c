#include "net/acceptor.hpp"

#include "base/log.hpp"
#include "net/tls_connection.hpp"

#include <sys/socket.h>

#include <cerrno>

namespace millrace::net {

namespace {

void welcome(const Acceptor::Target& target, Worker& worker, Descriptor socket) {
    if (worker.stopping()) {
        return;
    }
    tune(socket.number());
    if (target.tls == nullptr) {
        target.on_accept(worker, std::make_unique<TcpConnection>(worker, std::move(socket)));
        return;
    }
    auto ssl = target.tls->accept(socket.number());
    if (!ssl) {
        log::warning("net", "a connection was dropped: {}", ssl.error().what);
        return;
    }
    target.on_accept(worker, std::make_unique<TlsConnection>(worker, std::move(socket), std::move(*ssl)));
}

}   // namespace

Acceptor::Acceptor(Worker& home, Descriptor socket, Target target)
    : home_{home},
      target_{std::make_shared<const Target>(std::move(target))},
      watch_{home, std::move(socket), *this} {
}

void Acceptor::on_ready(Watch::Direction /*direction*/) {
    for (int i = 0; i < accepts_per_turn; ++i) {
        Descriptor socket{::accept4(watch_.descriptor(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
        if (socket) {
            out_of_descriptors_ = false;
            hand_over(std::move(socket));
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

void Acceptor::hand_over(Descriptor socket) {
    Worker& worker = target_->pool.next();
    worker.post([&worker, target = target_, socket = std::move(socket)]() mutable {
        welcome(*target, worker, std::move(socket));
    });
}

}   // namespace millrace::net
