#pragma once

#include <string>
#include <vector>

namespace millrace {
class Executor;
}

namespace millrace::hub {

/// Who can make streams that nobody publishes: the sources on demand. Implemented where sources are ruled;
/// it never waits. Any thread.
class Demand {
public:
    /// A source on demand, and where its stream is at home.
    struct Offer {
        std::string stream;
        Executor* home;
    };

    virtual ~Demand() = default;
    /// Where the stream would be at home; null if no source on demand has that name.
    virtual Executor* home_of(const std::string& stream) const = 0;
    /// Starts the source unless it runs. False: there is none.
    virtual bool wake(const std::string& stream) = 0;
    /// Ends the source, for nobody watches. False: there is none, or it rests already.
    virtual bool rest(const std::string& stream) = 0;
    virtual std::vector<Offer> offers() const = 0;
};

}   // namespace millrace::hub
