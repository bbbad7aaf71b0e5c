#pragma once

#include "apps/node/counter.hpp"
#include "base/mutex.hpp"
#include "control/configuration.hpp"
#include "hub/demand.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace millrace::apps {

/// Which sources run at which worker: starts, changes and stops them as the configuration says, and those on
/// demand as their streams say. Any thread.
class SourceRules final : public hub::Demand, public session::SourceWitness {
public:
    explicit SourceRules(const std::vector<std::unique_ptr<Counter>>& counters) : counters_{counters} {}

    void apply(const control::Configuration& configuration, const hub::SettingsByName& settings);
    void stop_all();

    std::optional<Offer> offer_of(const std::string& stream) const override;
    bool wake(const std::string& stream) override;
    bool rest(const std::string& stream) override;
    std::vector<Offer> offers() const override;
    std::vector<hub::SourceStatus> sources_of(const std::string& stream) const override;
    void saw(const std::string& stream, std::vector<hub::SourceStatus> sources) override;

private:
    struct Place {
        Counter* counter;
        session::SourceRule rule;
        bool on_demand;
        bool awake;                              // it runs, unless it ended by itself
        std::vector<hub::SourceStatus> seen{};   // of it; empty: nothing yet
    };
    using Places = std::map<std::string, Place>;   // by stream

    /// Has it run as `next` says, where `before` ran until now, if anything.
    static void change(const Place* before, Place& next);
    static void wake(Place& place);
    static void stop(const Place& place);

    const std::vector<std::unique_ptr<Counter>>& counters_;
    mutable Mutex mutex_;
    Places places_ MILLRACE_GUARDED_BY(mutex_);
    std::size_t turn_ MILLRACE_GUARDED_BY(mutex_) = 0;
};

}   // namespace millrace::apps
