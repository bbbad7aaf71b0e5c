#include "net/fan_out.hpp"

#include "base/check.hpp"

namespace millrace::net {

FanOut::FanOut(Executor& executor) : hall_{executor, door_} {
}

FanOut::~FanOut() {
    while (!audiences_.empty()) {
        audiences_.begin()->second->dismiss({Errc::cancelled, "the worker stops"});
        sweep();
    }
}

void FanOut::join(LogView& log, Viewer viewer) {
    check(viewer.connection != nullptr && viewer.seat != nullptr, "a viewer has a connection and a seat");
    std::unique_ptr<Audience>& audience = audiences_[&log];
    if (audience == nullptr) {
        audience = std::make_unique<Audience>(log, hall_);
    }
    Viewing& viewing = slab_.create(hall_, *audience, std::move(viewer));
    audience->add(viewing);
    ++viewers_;
    viewing.begin(hall_.executor.now());
    if (!second_.armed()) {
        hall_.executor.timers().arm(second_, hall_.executor.now() + WindowPolicy::review_interval);
    }
}

void FanOut::sweep() {
    while (!hall_.leaving.alone()) {
        auto& viewing = static_cast<Viewing&>(*hall_.leaving.next());
        const Error reason = viewing.reason();
        Audience& audience = viewing.audience();
        audience.remove(viewing);
        if (audience.empty()) {
            audiences_.erase(&audience.log());   // before the last Seat, which keeps the log alive
        }
        const std::unique_ptr<Seat> seat = viewing.close();
        slab_.destroy(viewing);
        --viewers_;
        seat->leave(reason);   // may do anything, even join: nothing of ours is half done
    }
}

void FanOut::review() {
    hall_.policy.review(hall_.executor.load());
    for (const auto& [log, audience] : audiences_) {
        audience->rotate();
    }
    if (viewers_ > 0 || !hall_.policy.smallest()) {
        hall_.executor.timers().arm(second_, hall_.executor.now() + WindowPolicy::review_interval);
    }
}

}   // namespace millrace::net
