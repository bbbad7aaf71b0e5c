#include "net/poller.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <fmt/core.h>

namespace millrace::net {

struct Poller::Place {
    Owner* owner;
    int descriptor = -1;
    std::array<bool, 2> asked{};   // by direction
    bool drained = false;          // since the kernel spoke last
    bool ending = false;           // the peer has hung up: the kernel will not speak of that again
    bool patient = false;

    bool& is_asked(Direction direction) { return asked[static_cast<std::size_t>(direction)]; }
};

namespace {

constexpr std::size_t events_at_once = 256;
constexpr std::uint32_t ended = EPOLLRDHUP | EPOLLHUP | EPOLLERR;

[[noreturn]] void refuse(int error) {
    const bool many = error == EMFILE || error == ENFILE;
    throw std::runtime_error(
        many ? "a worker cannot begin: too many open descriptors; raise the limit (ulimit -n)"
             : fmt::format("a worker cannot begin: {}", std::system_category().message(error)));
}

Descriptor opened(int descriptor) {
    if (descriptor < 0) {
        refuse(errno);
    }
    return Descriptor{descriptor};
}

epoll_event interest(bool writes, void* owner) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLRDHUP | EPOLLET | (writes ? static_cast<std::uint32_t>(EPOLLOUT) : 0U);
    event.data.ptr = owner;
    return event;
}

/// Whether what comes in the inner list wakes who waits for the outer one; what is there already does, too.
bool let_wake(int outer, int inner, void* owner, bool wakes) {
    epoll_event event = interest(false, owner);
    event.events = wakes ? event.events : 0;
    return ::epoll_ctl(outer, EPOLL_CTL_MOD, inner, &event) == 0;
}

/// Never early: the timers would find nothing due.
int milliseconds(Duration span) {
    if (span == Duration::max()) {
        return -1;
    }
    const auto whole = std::chrono::ceil<std::chrono::milliseconds>(std::max(span, Duration::zero())).count();
    return static_cast<int>(std::min<std::int64_t>(whole, INT_MAX));
}

}   // namespace

Poller::Poller()
    : list_{opened(::epoll_create1(EPOLL_CLOEXEC))},
      bell_{opened(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK))},
      patient_{opened(::epoll_create1(EPOLL_CLOEXEC))} {
    epoll_event event{};   // edge-triggered: every ring is told, and the count is never read
    event.events = EPOLLIN | EPOLLET;
    epoll_event inner = interest(false, this);
    if (::epoll_ctl(list_.number(), EPOLL_CTL_ADD, bell_.number(), &event) != 0 ||
        ::epoll_ctl(list_.number(), EPOLL_CTL_ADD, patient_.number(), &inner) != 0) {
        refuse(errno);
    }
}

Poller::~Poller() = default;

Poller::Place* Poller::add(int descriptor, Owner& owner) {
    auto place = std::make_unique<Place>(Place{&owner, descriptor});
    epoll_event event = interest(false, place.get());
    if (::epoll_ctl(list_.number(), EPOLL_CTL_ADD, descriptor, &event) != 0) {
        if (errno != EPERM) {
            return nullptr;
        }
        place->descriptor = -1;   // a file, or a device that is always ready (epoll_ctl(2))
    }
    return place.release();
}

Poller::Place* Poller::add_nothing(Owner& owner) {
    return std::make_unique<Place>(Place{&owner}).release();
}

void Poller::remove(Place& place) {
    leave(place);
    place.owner = nullptr;
    gone_.emplace_back(&place);
}

void Poller::leave(Place& place) {
    if (place.descriptor < 0) {
        return;
    }
    ::epoll_ctl(list_of(place), EPOLL_CTL_DEL, place.descriptor, nullptr);
    place.descriptor = -1;
    for (const Direction direction : {Direction::read, Direction::write}) {
        if (place.is_asked(direction)) {
            news_.push_back({&place, direction, true});
        }
    }
}

void Poller::ask(Place& place, Direction direction) {
    if (std::exchange(place.is_asked(direction), true)) {
        return;
    }
    if (place.descriptor < 0) {
        news_.push_back({&place, direction, true});
    } else if (direction == Direction::write || !place.drained) {
        arm(place);
    }
}

void Poller::arm(Place& place) {
    epoll_event event = interest(place.is_asked(Direction::write), &place);
    if (::epoll_ctl(list_of(place), EPOLL_CTL_MOD, place.descriptor, &event) != 0) {
        for (const Direction direction : {Direction::read, Direction::write}) {
            nudge(place, direction);   // a call of the descriptor's own will say what is wrong
        }
    }
}

void Poller::nudge(Place& place, Direction direction) {
    news_.push_back({&place, direction, false});
}

void Poller::drained(Place& place) {
    place.drained = !place.ending;
}

int Poller::list_of(const Place& place) const {
    return place.patient ? patient_.number() : list_.number();
}

void Poller::be_patient(Place& place) {
    if (place.descriptor < 0 || place.patient) {
        return;
    }
    // In both for a moment, so that it is in one of them whatever the kernel says.
    epoll_event event = interest(place.is_asked(Direction::write), &place);
    if (::epoll_ctl(patient_.number(), EPOLL_CTL_ADD, place.descriptor, &event) == 0) {
        ::epoll_ctl(list_.number(), EPOLL_CTL_DEL, place.descriptor, nullptr);
        place.patient = true;
    }
}

void Poller::judge(Instant now) {
    const Duration span = now - judged_at_;
    if (span < judged_every) {
        return;
    }
    const auto rounds = static_cast<std::size_t>(span / gathered_for);
    // Looking costs what waking for half as many would.
    const bool much = patient_told_ >= (gathering_ ? rounds / 2 : rounds);
    patient_told_ = 0;
    judged_at_ = now;
    if (much != gathering_ && let_wake(list_.number(), patient_.number(), this, !much)) {
        gathering_ = much;
    }
}

std::size_t Poller::tell_patient() {
    std::array<epoll_event, events_at_once> events;
    std::size_t told = 0;
    const int count = ::epoll_wait(patient_.number(), events.data(), static_cast<int>(events.size()), 0);
    for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        told += tell(*static_cast<Place*>(event.data.ptr), event.events);
    }
    patient_told_ += told;
    // There may be more: the next wait finds it at once, behind what others have to say.
    if (count == static_cast<int>(events.size())) {
        if (gathering_) {
            wake();
        } else {
            let_wake(list_.number(), patient_.number(), this, true);
        }
    }
    return told;
}

std::size_t Poller::wait(Duration span, Instant now) {
    judge(now);
    std::array<epoll_event, events_at_once> events;
    const Duration most = gathering_ ? std::min(span, gathered_for) : span;
    const int count = ::epoll_wait(list_.number(), events.data(), static_cast<int>(events.size()),
                                   news_.empty() ? milliseconds(most) : 0);
    std::size_t told = 0;
    bool look = gathering_;
    for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        if (event.data.ptr == this) {
            look = true;
        } else if (event.data.ptr != nullptr) {
            told += tell(*static_cast<Place*>(event.data.ptr), event.events);
        }
    }
    told += look ? tell_patient() : 0;
    told += tell_news();
    bury();
    return told;
}

std::size_t Poller::tell(Place& place, std::uint32_t events) {
    std::size_t told = 0;
    if ((events & (EPOLLIN | ended)) != 0) {
        place.drained = false;
        place.ending = place.ending || (events & ended) != 0;
        told += answer(place, Direction::read);
    }
    if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) {
        told += answer(place, Direction::write);
    }
    return told;
}

std::size_t Poller::answer(Place& place, Direction direction) {
    if (place.owner == nullptr || !std::exchange(place.is_asked(direction), false)) {
        return 0;
    }
    place.owner->on_ready(direction);
    return 1;
}

std::size_t Poller::tell_news() {
    std::size_t told = 0;
    for (const News& one : std::exchange(news_, {})) {
        if (one.answers_ask) {
            told += answer(*one.place, one.direction);
        } else if (one.place->owner != nullptr) {
            one.place->owner->on_ready(one.direction);
            ++told;
        }
    }
    return told;
}

void Poller::bury() {
    if (!gone_.empty()) {
        std::erase_if(news_, [](const News& one) { return one.place->owner == nullptr; });
        gone_.clear();
    }
}

void Poller::wake() const {
    const std::uint64_t one = 1;
    while (::write(bell_.number(), &one, sizeof one) < 0 && errno == EINTR) {
    }
}

}   // namespace millrace::net
