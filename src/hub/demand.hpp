#pragma once

#include "hub/source_status.hpp"

#include <optional>
#include <string>
#include <vector>

namespace millrace {
class Executor;
}

namespace millrace::hub {

/// Who makes streams that nobody publishes: this node's own sources. Implemented where they are ruled; it
/// never waits. Any thread.
class Demand {
public:
    /// A stream that has sources, and where it is at home.
    struct Offer {
        std::string stream;
        Executor* home;
        bool on_demand = true;   ///< they run only while somebody watches
    };

    virtual ~Demand() = default;
    /// What sources that stream has, if any.
    virtual std::optional<Offer> offer_of(const std::string& stream) const = 0;
    /// Starts the source unless it runs. False: there is none.
    virtual bool wake(const std::string& stream) = 0;
    /// Ends the source, for nobody watches. False: there is none, or it rests already.
    virtual bool rest(const std::string& stream) = 0;
    virtual std::vector<Offer> offers() const = 0;
    /// What the sources of a stream do, in their order; empty: it has none.
    virtual std::vector<SourceStatus> sources_of(const std::string& /*stream*/) const { return {}; }
};

}   // namespace millrace::hub
