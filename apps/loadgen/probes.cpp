#include "apps/loadgen/probes.hpp"

#include "apps/loadgen/verbs.hpp"

#include <sys/socket.h>

#include <cerrno>

namespace millrace::loadgen {

namespace {

constexpr std::size_t read_size = 256U << 10U;
constexpr Duration look_for_stop = 50ms;

}   // namespace

Probes::Probes(const Url& url, std::size_t count) : buffer_(read_size) {
    for (std::size_t i = 0; i < count; ++i) {
        const Instant connecting = now();
        net::Descriptor socket = connect_to(url.server);
        std::unique_ptr<Dialogue> dialogue = make_dialogue(url, connecting);
        probes_.push_back(std::make_unique<Probe>(std::move(socket), std::move(dialogue), Judge{connecting}));
        Probe& probe = *probes_.back();
        send_all(probe.socket.number(), probe.dialogue->next_output());
        poll_.add(probe.socket.number(), EPOLLIN, &probe);
    }
    thread_ = std::thread{[this] { run(); }};
}

Probes::~Probes() {
    finish();
}

Findings Probes::finish() {
    stopping_ = true;
    if (thread_.joinable()) {
        thread_.join();
    }
    Findings all;
    for (const auto& probe : probes_) {
        all.add(probe->judge.findings());
    }
    return all;
}

void Probes::run() {
    while (!stopping_) {
        for (const epoll_event& event : poll_.wait(look_for_stop)) {
            auto& probe = *static_cast<Probe*>(event.data.ptr);
            bool going = false;
            try {
                going = read(probe);
            } catch (const Hindrance&) {
                going = false;
            }
            if (!going) {
                probe.socket = {};
                ++lost_;
            }
        }
    }
}

bool Probes::read(Probe& probe) {
    const ssize_t count = ::recv(probe.socket.number(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN) {
        return true;
    }
    const Instant at = now();
    if (count <= 0 ||
        !probe.dialogue->receive(ByteSpan{buffer_}.first(static_cast<std::size_t>(count)), at)) {
        return false;
    }
    send_all(probe.socket.number(), probe.dialogue->next_output());
    for (const flv::Tag& tag : probe.dialogue->take_tags()) {
        probe.judge.look(tag, at, measuring_);
        if (probe.judge.saw_key()) {
            last_key_ = at.nanoseconds();
        }
    }
    return true;
}

}   // namespace millrace::loadgen
