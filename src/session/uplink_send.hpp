#pragma once

#include "archive/keeper.hpp"
#include "hub/forward_report.hpp"
#include "protocol/link/log_sender.hpp"
#include "session/backfill_pace.hpp"
#include "session/forward.hpp"

#include <compare>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace millrace::session {

/// A stream whose archive another node is to have, too.
struct UplinkRule {
    std::string stream;
    std::string
        to;   ///< "kcp://server:8910/live/cam"; its live media goes there as a destination of the stream
    archive::UplinkOrder order = archive::UplinkOrder::oldest;
    std::uint64_t rate_max = 0;   ///< of backfill, bits a second; 0: none
    auto operator<=>(const UplinkRule&) const = default;
};

/// How long it waits before it calls again; a part of it by chance.
constexpr Duration uplink_pause = 1s;
/// How often it looks for what is lost for good.
constexpr Duration uplink_gaps_every = 5s;
/// How often it looks for what was recorded meanwhile.
constexpr Duration uplink_look_every = 250ms;

/// The uplinks of one desk: each stream's archive goes to its server by a link of its own, beside the live
/// one, whose needs come first. Own thread only; it outlives the desk's conversations.
class Uplinks {
public:
    Uplinks(Desk& desk, Connector& connector, const Forwards& forwards)
        : desk_{desk}, connector_{connector}, forwards_{forwards} {}
    Uplinks(const Uplinks&) = delete;
    Uplinks& operator=(const Uplinks&) = delete;

    /// From now on these: what is not among them any more is stopped, what runs already runs on.
    void use(const std::vector<UplinkRule>& rules);
    /// Adds to the reports of destinations what is sent there of archives.
    std::vector<hub::ForwardReport> join(std::vector<hub::ForwardReport> forwards) const;

private:
    class Course;
    Task<> run(UplinkRule rule);

    Desk& desk_;
    Connector& connector_;
    const Forwards& forwards_;
    std::map<UplinkRule, Course*> running_;
};

}   // namespace millrace::session
