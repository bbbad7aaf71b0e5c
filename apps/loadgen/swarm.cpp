#include "apps/loadgen/swarm.hpp"

#include "apps/loadgen/figures.hpp"

#include <algorithm>
#include <thread>

namespace millrace::loadgen {

namespace {

constexpr std::size_t read_size = 4U << 20U;
constexpr std::size_t slow_read_min = 4U << 10U;
constexpr Duration look_up = 20ms;

}   // namespace

Swarm::Swarm(const ViewOptions& options, Url url)
    : options_{options}, url_{std::move(url)}, buffer_(read_size) {
}

void Swarm::add() {
    auto viewer = std::make_unique<Viewer>();
    if (size() < options_.stalled) {
        viewer->manner = Manner::stalled;
    } else if (size() < options_.stalled + options_.slow) {
        viewer->manner = Manner::slow;
    }
    const Url url = numbered(url_, size() % options_.streams);
    viewer->line = Line{url};
    viewer->dialogue = make_dialogue(url, now());
    viewer->line.send(viewer->dialogue->next_output());
    viewer->source.of = viewer.get();
    poll_.add(viewer->line.number(), EPOLLIN, &viewer->source);
    viewers_.push_back(std::move(viewer));
    ++asking_;
    if (viewers_.back()->dialogue->playing()) {
        plays(*viewers_.back());
    }
}

void Swarm::run(Duration time) {
    const Instant until = now() + time;
    const Duration nap{static_cast<std::int64_t>(options_.lazy_ms * 1e6)};
    for (Instant at = now(); at < until; at = now()) {
        const auto ready = poll_.wait(std::min(until - at, look_up));
        for (const epoll_event& event : ready) {
            const auto& source = *static_cast<Source*>(event.data.ptr);
            Viewer& viewer = *source.of;
            if (source.ear) {
                took(viewer, drain_datagrams(source.ear.number()));
                continue;
            }
            try {
                read(viewer);
            } catch (const Hindrance&) {
                lose(viewer);
            }
        }
        read_slowly();
        // A full batch says that there is more.
        if (nap > Duration{} && ready.size() < Poll::events_max) {
            std::this_thread::sleep_for(nap);
        }
    }
}

void Swarm::read(Viewer& viewer) {
    if (!viewer.line) {
        return;
    }
    if (viewer.dialogue != nullptr) {
        converse(viewer);
    } else if (viewer.manner == Manner::ordinary) {
        drain(viewer, read_size);
    } else {
        lose(viewer);   // nothing else is waited for
    }
}

void Swarm::converse(Viewer& viewer) {
    const auto count = viewer.line.receive(buffer_);
    if (!count) {
        return;
    }
    if (!viewer.dialogue->receive(ByteSpan{buffer_}.first(*count), now())) {
        return lose(viewer);
    }
    viewer.line.send(viewer.dialogue->next_output());
    if (viewer.dialogue->playing()) {
        plays(viewer);
    }
}

void Swarm::plays(Viewer& viewer) {
    for (net::Descriptor& ear : viewer.dialogue->ears()) {
        viewer.ears.push_back(std::make_unique<Source>(&viewer, std::move(ear)));
        poll_.add(viewer.ears.back()->ear.number(), EPOLLIN, viewer.ears.back().get());
    }
    viewer.dialogue.reset();
    viewer.playing_since = viewer.last_read = now();
    --asking_;
    ++playing_;
    if (viewer.manner != Manner::ordinary) {
        poll_.change(viewer.line.number(), 0, &viewer.source);   // tells a broken connection all the same
    }
}

void Swarm::drain(Viewer& viewer, std::size_t at_most) {
    if (const auto count = viewer.line.drop(buffer_, at_most)) {
        took(viewer, *count);
    }
}

void Swarm::took(Viewer& viewer, std::size_t count) {
    const Instant at = now();
    viewer.gap = std::max(viewer.gap, at - viewer.last_read);
    viewer.last_read = at;
    viewer.bytes += count;
}

void Swarm::read_slowly() {
    const std::size_t end = std::min(size(), options_.stalled + options_.slow);
    for (std::size_t i = options_.stalled; i < end; ++i) {
        Viewer& viewer = *viewers_[i];
        if (!viewer.line || viewer.dialogue != nullptr) {
            continue;
        }
        const double seconds = std::chrono::duration<double>{now() - viewer.playing_since}.count();
        const auto allowed =
            static_cast<std::uint64_t>(seconds * static_cast<double>(options_.slow_kbps) * 125);
        if (allowed >= viewer.bytes + slow_read_min) {
            try {
                drain(viewer, std::min(read_size, allowed - viewer.bytes));
            } catch (const Hindrance&) {
                lose(viewer);
            }
        }
    }
}

void Swarm::lose(Viewer& viewer) {
    if (viewer.line) {
        viewer.line = {};
        viewer.ears.clear();
        asking_ -= viewer.dialogue != nullptr ? 1 : 0;
        ++(viewer.manner == Manner::ordinary ? lost_ : lost_laggards_);
    }
}

void Swarm::begin() {
    began_ = now();
    for (const auto& viewer : viewers_) {
        viewer->bytes_before = viewer->bytes;
        viewer->gap = {};
        viewer->last_read = std::max(viewer->last_read, viewer->playing_since);
    }
}

Swarm::Tally Swarm::end() const {
    const Instant at = now();
    const double window_ms = milliseconds(at - began_);
    Tally tally;
    for (const auto& viewer : viewers_) {
        const std::uint64_t bytes = viewer->bytes - viewer->bytes_before;
        tally.bytes += bytes;
        if (viewer->manner == Manner::ordinary) {
            tally.kbps.push_back(static_cast<double>(bytes) * 8 / window_ms);
            tally.gap_ms.push_back(milliseconds(std::max(viewer->gap, at - viewer->last_read)));
        }
    }
    std::ranges::sort(tally.kbps);
    std::ranges::sort(tally.gap_ms);
    return tally;
}

}   // namespace millrace::loadgen
