#include "apps/node/source_rules.hpp"

#include "base/log.hpp"
#include "base/secret.hpp"

#include <algorithm>
#include <utility>

namespace millrace::apps {

namespace {

/// Of all rules that match the last one.
session::SourceTransport transport_of(const control::Configuration& configuration,
                                      const hub::StreamName& name) {
    auto transport = control::PullTransport::automatic;
    for (const control::StreamRule& rule : configuration.streams) {
        if (rule.transport && rule.pattern.matches(name)) {
            transport = *rule.transport;
        }
    }
    switch (transport) {
        case control::PullTransport::udp: return session::SourceTransport::udp;
        case control::PullTransport::tcp: return session::SourceTransport::tcp;
        case control::PullTransport::http: return session::SourceTransport::http;
        case control::PullTransport::automatic: break;
    }
    return session::SourceTransport::automatic;
}

}   // namespace

void SourceRules::apply(const control::Configuration& configuration, const hub::SettingsByName& settings) {
    const MutexLock lock{mutex_};
    Places before = std::exchange(places_, {});
    for (const control::StreamRule& rule : configuration.streams) {
        const auto name = hub::StreamName::parse(rule.pattern.text());
        if (rule.source.empty() || !name) {
            continue;
        }
        const std::string& stream = name->text();
        const auto old = before.find(stream);
        const Place* const was = old == before.end() ? nullptr : &old->second;
        // It stays where it was: its stream has its home there.
        Counter* const counter = was == nullptr ? counters_[turn_++ % counters_.size()].get() : was->counter;
        Place next{counter,
                   {stream, rule.source, transport_of(configuration, *name), rule.other_sources},
                   settings(*name).on_demand,
                   false};
        change(was, next);
        places_.insert_or_assign(stream, std::move(next));
    }
    for (const auto& [stream, place] : before) {
        if (!places_.contains(stream)) {
            stop(place);
        }
    }
}

void SourceRules::stop_all() {
    const MutexLock lock{mutex_};
    for (const auto& [stream, place] : std::exchange(places_, {})) {
        stop(place);
    }
}

void SourceRules::change(const Place* before, Place& next) {
    const bool ran = before != nullptr && before->awake;
    if (ran && before->rule == next.rule) {
        next.seen = before->seen;
        next.awake = true;   // where it is on demand now, its stream lets it rest
    } else if (ran || !next.on_demand) {
        next.awake = true;
        next.counter->desk.executor.post(
            [counter = next.counter, rule = next.rule] { counter->sources.start(rule); });
    }
}

void SourceRules::wake(Place& place) {
    if (!std::exchange(place.awake, true)) {
        place.seen.clear();
    }
    place.counter->desk.executor.post(
        [counter = place.counter, rule = place.rule] { counter->sources.wake(rule); });
}

void SourceRules::stop(const Place& place) {
    place.counter->desk.executor.post(
        [counter = place.counter, stream = place.rule.stream] { counter->sources.stop(stream); });
}

std::optional<hub::Demand::Offer> SourceRules::offer_of(const std::string& stream) const {
    const MutexLock lock{mutex_};
    const auto place = places_.find(stream);
    return place == places_.end()
               ? std::nullopt
               : std::optional{Offer{stream, &place->second.counter->desk.executor, place->second.on_demand}};
}

bool SourceRules::wake(const std::string& stream) {
    const MutexLock lock{mutex_};
    const auto place = places_.find(stream);
    if (place == places_.end() || !place->second.on_demand) {
        return false;
    }
    wake(place->second);
    return true;
}

bool SourceRules::rest(const std::string& stream) {
    const MutexLock lock{mutex_};
    const auto place = places_.find(stream);
    if (place == places_.end() || !place->second.on_demand || !place->second.awake) {
        return false;
    }
    place->second.awake = false;
    stop(place->second);
    return true;
}

std::vector<hub::Demand::Offer> SourceRules::offers() const {
    const MutexLock lock{mutex_};
    std::vector<Offer> offers;
    for (const auto& [stream, place] : places_) {
        offers.push_back({stream, &place.counter->desk.executor, place.on_demand});
    }
    return offers;
}

std::vector<hub::SourceStatus> SourceRules::sources_of(const std::string& stream) const {
    const MutexLock lock{mutex_};
    const auto found = places_.find(stream);
    if (found == places_.end()) {
        return {};
    }
    const Place& place = found->second;
    if (place.awake && !place.seen.empty()) {
        return place.seen;
    }
    const std::string_view reason = place.awake ? "connecting" : "nobody watches";
    std::vector<hub::SourceStatus> sources;
    const auto add = [&](const std::string& source) {
        sources.push_back({.source = log::escaped(masked(source)), .reason = std::string{reason}});
    };
    add(place.rule.source);
    std::ranges::for_each(place.rule.others, add);
    return sources;
}

void SourceRules::saw(const std::string& stream, std::vector<hub::SourceStatus> sources) {
    const MutexLock lock{mutex_};
    if (const auto place = places_.find(stream); place != places_.end()) {
        place->second.seen = std::move(sources);
    }
    for (const auto& counter : counters_) {
        counter->desk.executor.post([&counter = *counter, stream] { counter.forwards.look_now(stream); });
    }
}

}   // namespace millrace::apps
