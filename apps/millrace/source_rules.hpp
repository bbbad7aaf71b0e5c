#pragma once

#include "apps/millrace/counter.hpp"
#include "control/configuration.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace millrace::apps {

/// Which sources run at which worker: starts, changes and stops them as the configuration says. One thread
/// at a time.
class SourceRules {
public:
    explicit SourceRules(const std::vector<std::unique_ptr<Counter>>& counters) : counters_{counters} {}

    void apply(const std::vector<control::StreamRule>& rules);
    void stop_all() { apply({}); }

private:
    struct Place {
        Counter* counter;
        std::string source;
    };

    const std::vector<std::unique_ptr<Counter>>& counters_;
    std::map<std::string, Place> places_;   // by stream
    std::size_t turn_ = 0;
};

}   // namespace millrace::apps
