#include "apps/millrace/source_rules.hpp"

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
                   {stream, rule.source, transport_of(configuration, *name)},
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
        next.awake = true;   // where it is on demand now, its stream lets it rest
    } else if (ran || !next.on_demand) {
        next.awake = true;
        next.counter->desk.executor.post(
            [counter = next.counter, rule = next.rule] { counter->sources.start(rule); });
    }
}

void SourceRules::wake(Place& place) {
    place.awake = true;
    place.counter->desk.executor.post(
        [counter = place.counter, rule = place.rule] { counter->sources.wake(rule); });
}

void SourceRules::stop(const Place& place) {
    place.counter->desk.executor.post(
        [counter = place.counter, stream = place.rule.stream] { counter->sources.stop(stream); });
}

Executor* SourceRules::home_of(const std::string& stream) const {
    const MutexLock lock{mutex_};
    const auto place = places_.find(stream);
    return place == places_.end() || !place->second.on_demand ? nullptr
                                                              : &place->second.counter->desk.executor;
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
        if (place.on_demand) {
            offers.push_back({stream, &place.counter->desk.executor});
        }
    }
    return offers;
}

}   // namespace millrace::apps
