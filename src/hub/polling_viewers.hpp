#pragma once

#include "base/timer.hpp"
#include "hub/segment_list.hpp"
#include "hub/segment_seat.hpp"
#include "hub/sessions.hpp"

#include <memory>
#include <string>
#include <unordered_map>

namespace millrace::hub {

/// The viewers of a stream who come back for each list and segment: an entry among the sessions of the
/// stream's home for each key, from its first request until it has been silent for a while. Owned by Stream,
/// home worker only.
class PollingViewers final : Timer {
public:
    /// More are served, but not counted.
    static constexpr std::size_t viewers_max = 16'384;
    static constexpr Duration sweep_every = 1s;

    PollingViewers(Executor& home, Sessions& sessions);
    ~PollingViewers() override;

    using Tally = PollTallyRef;

    /// A request of theirs, and where further ones are counted; null: they are not counted. Errc::refused if
    /// they were sent away and have not been silent since for as long.
    Result<Tally> seen(const SegmentAsk& ask, const std::string& stream);
    /// How long one is silent before it is gone.
    void set_patience(Duration patience) { patience_ = patience; }
    std::size_t size() const { return viewers_.size(); }
    bool knows(const std::string& viewer_key) const;

private:
    class Entry;
    struct Viewer {
        std::unique_ptr<Entry> entry;   // null once it was sent away
        Tally tally;
    };
    void on_time() override;

    Executor& home_;
    Sessions& sessions_;
    Duration patience_ = 6s;
    std::unordered_map<std::string, Viewer> viewers_;
};

}   // namespace millrace::hub
