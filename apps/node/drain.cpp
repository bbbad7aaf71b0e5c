#include "apps/node/node.hpp"

#include "base/gather.hpp"
#include "base/log.hpp"
#include "base/waiting.hpp"

#include <algorithm>

// What is said of a stream, and a stop in good order: no newcomers, publishers and push viewers get their
// end, readers of lists the time to see it.

namespace millrace::apps {

namespace {

constexpr Duration look_every = 50ms;
/// Bytes on their way out, to viewers that take them.
constexpr Duration push_linger = 3s;

}   // namespace

Task<std::size_t> Node::count_viewers() {
    Executor& here = pool_.aside();
    std::vector<Executor*> executors{pool_.executors().begin(), pool_.executors().end()};
    Answer<std::vector<std::size_t>> answer{here};
    gather(executors, answer.reply(), [this](Executor& worker) {
        const std::vector<hub::SessionReport> reports = counter_of(worker).desk.sessions.reports();
        const auto pushed = std::ranges::count_if(reports, [](const hub::SessionReport& report) {
            return report.facts.protocol != "hls" && report.facts.kind != hub::SessionKind::observer;
        });
        return std::vector{static_cast<std::size_t>(pushed) + counter_of(worker).links_ending()};
    });
    const Result<std::vector<std::size_t>> counts = co_await answer.within(here.now() + push_linger);
    std::size_t sum = 0;
    for (const std::size_t count : counts.value_or(std::vector<std::size_t>{})) {
        sum += count;
    }
    co_return sum;
}

void Node::stop() {
    pool_.aside().post([this] { begin_drain(); });
}

void Node::begin_drain() {
    if (!stopping_.exchange(true)) {
        log::info("serve", "stopping");
        pool_.aside().tasks().spawn(drain());
    }
}

Task<> Node::drain() {
    Executor& here = pool_.aside();
    const Instant latest = here.now() + drain_max;
    readiness_.say(control::Readiness::Phase::draining);
    doors_.close("rtmp");
    doors_.close("rtsp");
    close_link_streams();
    source_rules_.stop_all();
    Answer<std::vector<Duration>> answer{here};
    directory_.finish(answer.reply());
    const Result<std::vector<Duration>> readers = co_await answer.within(latest);
    if (keeper_ != nullptr) {
        Answer<bool> sealed{here};
        keeper_->close(sealed.reply());
        (void)co_await sealed.within(latest);
    }
    // Lists are asked for on new connections, too: that door stays open until their readers saw the end.
    Instant until = here.now();
    if (readers && !readers->empty()) {
        until = std::min(until + *std::ranges::max_element(*readers), latest);
    } else {
        doors_.close("http");
    }
    const Instant push_until = std::max(until, std::min(here.now() + push_linger, latest));
    for (;;) {
        const std::size_t viewers = co_await count_viewers();
        const Instant now = here.now();
        if (now >= until && (viewers == 0 || now >= push_until)) {
            break;
        }
        co_await sleep_until(here, now + look_every);
    }
    main_.leave();
}

void Node::say(const std::string& stream, media::TimedMessage message) {
    std::vector<media::TimedMessage> messages;
    messages.push_back(std::move(message));
    directory_.say(stream, std::move(messages), {});
}

}   // namespace millrace::apps
