#include "net/fan_out_hall.hpp"

#include "net/fan_out_viewing.hpp"

namespace millrace::net {

void Hall::stall(Viewing& viewing) {
    stalled_.push_back(viewing);
    if (!impatience_.armed()) {
        executor.timers().arm(impatience_, viewing.waits_since() + Viewing::patience);
    }
}

void Hall::show_out(Viewing& viewing) {
    leaving.push_back(viewing);
    if (!door_.armed()) {
        executor.timers().arm(door_, executor.now());
    }
}

void Hall::lose_patience() {
    const Instant now = executor.now();
    while (!stalled_.alone()) {
        auto& longest = static_cast<Viewing&>(*stalled_.next());
        const Instant end = longest.waits_since() + Viewing::patience;
        if (end > now) {
            executor.timers().arm(impatience_, end);
            return;
        }
        ++counters.timed_out;
        longest.leave({Errc::timed_out, "the viewer's link took nothing for too long"});
    }
}

}   // namespace millrace::net
