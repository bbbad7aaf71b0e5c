#include "apps/millrace/source_rules.hpp"

namespace millrace::apps {

void SourceRules::apply(const std::vector<control::StreamRule>& rules) {
    std::map<std::string, Place> before = std::exchange(places_, {});
    for (const control::StreamRule& rule : rules) {
        if (rule.source.empty()) {
            continue;
        }
        const std::string& stream = rule.pattern.text();
        const auto old = before.find(stream);
        // It stays where it was: its stream has its home there.
        Counter* const counter =
            old == before.end() ? counters_[turn_++ % counters_.size()].get() : old->second.counter;
        if (old == before.end() || old->second.source != rule.source) {
            counter->desk.executor.post([counter, source = session::SourceRule{stream, rule.source}] {
                counter->sources.start(source);
            });
        }
        places_.emplace(stream, Place{counter, rule.source});
    }
    for (const auto& [stream, place] : before) {
        if (!places_.contains(stream)) {
            place.counter->desk.executor.post(
                [counter = place.counter, stream] { counter->sources.stop(stream); });
        }
    }
}

}   // namespace millrace::apps
