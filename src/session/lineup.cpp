#include "session/lineup.hpp"

#include "base/log.hpp"
#include "base/secret.hpp"
#include "hub/stream.hpp"

#include <algorithm>
#include <utility>

namespace millrace::session {

namespace {

constexpr std::string_view who = "source";
/// For a source that makes way; then it is asked again.
constexpr Duration way_wait = 5s;

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

Lineup::Lineup(Desk& desk, SourceMeans means, const SourceRule& rule, SourceLeash& leash)
    : desk_{desk}, means_{means}, leash_{leash} {
    const auto add = [this, &rule](const std::string& source) {
        Place& place = places_.emplace_back(Place{.rule = rule, .shown = log::escaped(masked(source))});
        place.rule.source = source;
        place.rule.others.clear();
        place.kind = kind_of(means_, source);
    };
    add(rule.source);
    std::ranges::for_each(rule.others, add);
}

void Lineup::start() {
    for (std::size_t index = 0; index < places_.size(); ++index) {
        ++tasks_;
        desk_.executor.tasks().spawn(run(index));
    }
}

void Lineup::look() {
    for (std::size_t index = 0; index < places_.size(); ++index) {
        Place& place = places_[index];
        if (!wanted(index)) {
            place.wanted_since = Instant::never();
            if (place.trying) {
                place.leash->yield();
            }
        } else if (place.wanted_since == Instant::never()) {
            place.wanted_since = desk_.executor.now();
            if (!place.trying && place.leash != nullptr) {
                place.leash->wake();
            }
        }
    }
    tell();
}

void Lineup::stop() {
    stopped_ = true;
    for (Place& place : places_) {
        if (place.leash != nullptr) {
            place.leash->pull();
        }
    }
}

bool Lineup::stale(const Place& place) const {
    return place.wanted_since != Instant::never() &&
           desk_.executor.now() - std::max(place.wanted_since, place.heard_at) >= source_stale_after;
}

bool Lineup::delivers(const Place& place) const {
    return place.ever && desk_.executor.now() - place.delivered_at < hub::Stream::silent_after;
}

bool Lineup::wanted(std::size_t index) const {
    const auto gives_way = [this](const Place& before) { return before.done || stale(before); };
    return !stopped_ && !places_[index].done &&
           std::all_of(places_.begin(), places_.begin() + static_cast<std::ptrdiff_t>(index), gives_way);
}

bool Lineup::is_alone(std::size_t index) const {
    for (std::size_t other = 0; other < places_.size(); ++other) {
        if (other != index && !places_[other].done) {
            return false;
        }
    }
    return true;
}

Task<Result<>> Lineup::take_stage(std::size_t index) {
    while (on_stage_ && *on_stage_ != index) {
        Place& there = places_[*on_stage_];
        if (*on_stage_ < index && !stale(there)) {
            co_return fail(Errc::cancelled, "a source before it in the list delivers again");
        }
        log::info(who, "{}: {} makes way for {}", there.rule.stream, there.shown, places_[index].shown);
        there.leash->yield();
        Answer<bool> left{desk_.executor};
        waiting_.push_back(left.reply());
        [[maybe_unused]] const Result<bool> free = co_await left.within(desk_.executor.now() + way_wait);
        if (places_[index].leash->is_pulled()) {
            co_return fail(Errc::cancelled, "the source was stopped");
        }
    }
    on_stage_ = index;
    places_[index].heard_at = desk_.executor.now();
    co_return Result<>{};
}

void Lineup::leave_stage(std::size_t index) {
    if (on_stage_ == index) {
        on_stage_.reset();
        for (Reply<bool>& one : std::exchange(waiting_, {})) {
            one.give(true);
        }
    }
}

void Lineup::delivered(std::size_t index) {
    Place& place = places_[index];
    const bool before = delivers(place);
    place.ever = true;
    place.delivered_at = place.heard_at = desk_.executor.now();
    place.why.clear();
    if (!before) {
        look();
    }
}

Task<> Lineup::pause(std::size_t index, Duration span) {
    SourceLeash rest;
    places_[index].leash = &rest;
    co_await pause_for(desk_, span, rest);
    places_[index].leash = nullptr;
}

Task<SourceEnding> Lineup::try_once(std::size_t index, bool& yielded) {
    Place& place = places_[index];
    SourceLeash leash{*this, index};
    leash.memo() = std::move(place.memo);
    place.leash = &leash;
    place.trying = true;
    place.began = desk_.executor.now();
    SourceEnding ending = co_await place.kind->try_once(desk_, means_, place.rule, leash);
    place.trying = false;
    place.leash = nullptr;
    place.memo = std::move(leash.memo());
    yielded = leash.is_pulled();
    leave_stage(index);
    co_return ending;
}

std::optional<Duration> Lineup::judge(std::size_t index, const SourceEnding& ending) {
    Place& place = places_[index];
    const std::string& stream = place.rule.stream;
    const std::string_view why = ending.words.empty() ? ending.error.what : ending.words;
    place.why = log::escaped(masked(why));
    if (ending.finished) {
        log::info(who, "{}: the source {} is finished", stream, place.shown);
        place.why = "it is finished";
        place.end = hub::SourceEnd::finished;
        return std::nullopt;
    }
    if (ending.lasting) {
        log::error(who, "{}: {}", stream, why);
        place.end = hub::SourceEnd::useless;
        if (is_alone(index)) {
            desk_.directory.source_failed(
                stream, {Errc::cancelled, "the source of this stream cannot be used; the log says why"});
        }
        return std::nullopt;
    }
    const Duration longest = place.kind->elsewhere ? elsewhere_pause_max : source_pause_max;
    if (desk_.executor.now() - place.began > source_pause_max) {
        place.pause = source_pause_min;
    }
    const Duration left_alone = place.kind->elsewhere ? with_chance(place.pause, desk_.random) : place.pause;
    log::warning(who, "{}: the source {} broke: {}; it is started again in {:.1f} s", stream, place.shown,
                 why, static_cast<double>(left_alone / 1ms) / 1000);
    place.pause = std::min(place.pause * 2, longest);
    return left_alone;
}

Task<> Lineup::run(std::size_t index) {
    Place& place = places_[index];
    if (place.kind == nullptr) {
        log::error(who, "{}: this node has no such source: {}", place.rule.stream, place.shown);
        place.why = "this node has no such source";
        place.end = hub::SourceEnd::useless;
        place.done = true;
    }
    while (!stopped_ && !place.done) {
        if (!wanted(index)) {
            co_await pause(index, source_stale_after);
            continue;
        }
        bool yielded = false;
        const SourceEnding ending = co_await try_once(index, yielded);
        if (stopped_) {
            log::info(who, "{}: the source {} was stopped", place.rule.stream, place.shown);
            break;
        }
        std::optional<Duration> left_alone = source_pause_min;
        if (!yielded) {
            left_alone = judge(index, ending);
        } else if (wanted(index)) {
            place.why = "nothing came from it for 5 s";
        }
        place.done = !left_alone;
        look();
        if (left_alone) {
            co_await pause(index, *left_alone);
        }
    }
    if (--tasks_ == 0) {
        leash_.wake();
    }
}

hub::SourceStatus Lineup::status(std::size_t index) const {
    const Place& place = places_[index];
    hub::SourceStatus status{.source = place.shown, .publishes = on_stage_ == index};
    status.end = place.done ? place.end : hub::SourceEnd::none;
    if (delivers(place)) {
        status.state = hub::SourceState::live;
        return status;
    }
    const bool needed = wanted(index);
    status.state = place.ever && needed ? hub::SourceState::stale : hub::SourceState::waiting;
    if (place.trying && place.leash != nullptr && !place.leash->said().empty()) {
        status.reason = place.leash->said();
    } else if (status.publishes) {
        status.reason = "connected, but nothing comes";
    } else if (!place.done && !needed) {
        status.reason = "not needed: a source before it delivers";
    } else {
        status.reason = place.why.empty() ? "connecting" : place.why;
    }
    return status;
}

void Lineup::tell() {
    if (means_.witness == nullptr || stopped_) {
        return;
    }
    std::vector<hub::SourceStatus> now;
    for (std::size_t index = 0; index < places_.size(); ++index) {
        now.push_back(status(index));
    }
    if (now != told_) {
        told_ = now;
        means_.witness->saw(places_.front().rule.stream, std::move(now));
    }
}

}   // namespace millrace::session
