#include "session/source.hpp"

#include "base/log.hpp"
#include "base/secret.hpp"

#include <algorithm>

namespace millrace::session {

namespace {

constexpr std::string_view who = "source";

const SourceKind* kind_of(const SourceMeans& means, std::string_view source) {
    const auto kind = std::ranges::find_if(
        means.kinds, [source](const SourceKind& one) { return source.starts_with(one.prefix); });
    return kind == means.kinds.end() ? nullptr : &*kind;
}

/// Half of it, and a part of the other half by chance.
Duration with_chance(Duration pause, Random& random) {
    const Duration half = pause / 2;
    return half + random.below(1000) * (half / 1000);
}

}   // namespace

void SourceLeash::pull() {
    pulled_ = true;
    if (link_ != nullptr) {
        link_->close();
    }
    pause_.give(true);
}

Task<> pause_for(Desk& desk, Duration pause, SourceLeash& leash) {
    Answer<bool> pulled{desk.executor};
    leash.hold(pulled.reply());
    [[maybe_unused]] const Result<bool> cut_short = co_await pulled.within(desk.executor.now() + pause);
    leash.hold(Reply<bool>{});
}

Task<> run_source(Desk& desk, SourceMeans means, SourceRule rule, SourceLeash& leash) {
    const std::string shown = log::escaped(masked(rule.source));
    const SourceKind* const kind = kind_of(means, rule.source);
    if (kind == nullptr) {
        log::error(who, "{}: this node has no such source: {}", rule.stream, shown);
        co_return;
    }
    Duration pause = source_pause_min;
    while (!leash.is_pulled()) {
        const Instant began = desk.executor.now();
        const SourceEnding ending = co_await kind->try_once(desk, means, rule, leash);
        const std::string_view why = ending.words.empty() ? ending.error.what : ending.words;
        if (leash.is_pulled()) {
            break;
        }
        if (ending.finished) {
            log::info(who, "{}: the source {} is finished", rule.stream, shown);
            co_return;
        }
        if (ending.lasting) {
            log::error(who, "{}: {}", rule.stream, why);
            desk.directory.source_failed(
                rule.stream, {Errc::cancelled, "the source of this stream cannot be used; the log says why"});
            co_return;
        }
        if (desk.executor.now() - began > source_pause_max) {
            pause = source_pause_min;
        }
        const Duration left_alone = kind->elsewhere ? with_chance(pause, desk.random) : pause;
        log::warning(who, "{}: the source {} broke: {}; it is started again in {:.1f} s", rule.stream, shown,
                     why, static_cast<double>(left_alone / 1ms) / 1000);
        co_await pause_for(desk, left_alone, leash);
        pause = std::min(pause * 2, source_pause_max);
    }
    log::info(who, "{}: the source {} was stopped", rule.stream, shown);
}

/// A leash in the list of those that run, for as long as it lives.
struct Sources::Running {
    Running(Sources& its_sources, const std::string& its_stream) : sources{its_sources}, stream{its_stream} {
        sources.stop(stream);
        sources.running_[stream] = &leash;
    }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;
    ~Running() {
        const auto mine = sources.running_.find(stream);
        if (mine != sources.running_.end() && mine->second == &leash) {
            sources.running_.erase(mine);
        }
    }

    Sources& sources;
    std::string stream;
    SourceLeash leash;
};

Task<> Sources::run(SourceRule rule) {
    Running running{*this, rule.stream};
    co_await run_source(desk_, means_, std::move(rule), running.leash);
}

void Sources::start(SourceRule rule) {
    desk_.executor.tasks().spawn(run(std::move(rule)));
}

void Sources::wake(SourceRule rule) {
    if (!runs(rule.stream)) {
        start(std::move(rule));
    }
}

void Sources::stop(const std::string& stream) {
    if (const auto running = running_.find(stream); running != running_.end()) {
        running->second->pull();
        running_.erase(running);
    }
}

}   // namespace millrace::session
