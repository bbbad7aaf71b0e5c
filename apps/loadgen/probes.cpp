#include "apps/loadgen/probes.hpp"

#include "apps/loadgen/verbs.hpp"

#include <sys/socket.h>

namespace millrace::loadgen {

namespace {

constexpr std::size_t read_size = 256U << 10U;
constexpr Duration look_for_stop = 50ms;

}   // namespace

Probes::Probes(const Url& url, std::size_t count) : buffer_(read_size) {
    for (std::size_t i = 0; i < count; ++i) {
        const Instant connecting = now();
        Line line{url};
        std::unique_ptr<Dialogue> dialogue = make_dialogue(url, connecting);
        probes_.push_back(std::make_unique<Probe>(std::move(line), std::move(dialogue), Judge{connecting}));
        Probe& probe = *probes_.back();
        probe.line.send(probe.dialogue->next_output());
        probe.sources.push_back(std::make_unique<Source>(&probe, std::nullopt));
        poll_.add(probe.line.number(), EPOLLIN, probe.sources.back().get());
        listen(probe);
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
            const auto& source = *static_cast<Source*>(event.data.ptr);
            bool going = false;
            try {
                going = !source.of->line || read(source);
            } catch (const Hindrance&) {
                going = false;
            }
            if (!going) {
                source.of->line = {};
                source.of->dialogue->ears().clear();
                ++lost_;
            }
        }
    }
}

/// Polls the ears that the dialogue has by now.
void Probes::listen(Probe& probe) {
    const std::vector<net::Descriptor>& ears = probe.dialogue->ears();
    for (std::size_t ear = probe.sources.size() - 1; ear < ears.size(); ++ear) {
        probe.sources.push_back(std::make_unique<Source>(&probe, ear));
        poll_.add(ears[ear].number(), EPOLLIN, probe.sources.back().get());
    }
}

bool Probes::read(const Source& source) {
    Probe& probe = *source.of;
    const Instant at = now();
    if (!source.ear) {
        if (!read(probe, at)) {
            return false;
        }
        listen(probe);
    }
    while (source.ear) {
        const int socket = probe.dialogue->ears().at(*source.ear).number();
        const ssize_t count = ::recv(socket, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
        if (count < 0) {
            break;
        }
        probe.dialogue->hear(*source.ear, ByteSpan{buffer_}.first(static_cast<std::size_t>(count)), at);
    }
    for (const CodedFrame& frame : probe.dialogue->take_frames()) {
        probe.judge.look(frame, at, measuring_);
        if (probe.judge.saw_key()) {
            last_key_ = at.nanoseconds();
        }
    }
    return true;
}

bool Probes::read(Probe& probe, Instant at) {
    const auto count = probe.line.receive(buffer_);
    if (!count) {
        return true;
    }
    if (!probe.dialogue->receive(ByteSpan{buffer_}.first(*count), at)) {
        return false;
    }
    probe.line.send(probe.dialogue->next_output());
    return true;
}

}   // namespace millrace::loadgen
