#pragma once

#include "base/clock_offset.hpp"
#include "base/connection.hpp"
#include "base/executor.hpp"
#include "base/hops.hpp"
#include "base/link_report.hpp"
#include "base/timer.hpp"
#include "hub/admission.hpp"
#include "hub/pace.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace millrace::hub {

/// What a stream asks of its publication (`Stream::ask`): upstream, coalesced.
/// A key frame, soon.
struct AskKeyFrame {};
/// The most an encoder may make, in bits a second; it never makes more than it is configured for.
struct AskBitrate {
    std::uint64_t bits_per_second;
};
/// Whether anybody takes the stream: an on-demand source may rest while nobody does.
struct AskDemand {
    bool wanted;
};
/// What an application says to the publisher: one JSON object on one line. Not coalesced.
struct AskMessage {
    Bytes json;
};
using Ask = std::variant<AskKeyFrame, AskBitrate, AskDemand, AskMessage>;

/// Which way its media goes; an observer takes events alone.
enum class SessionKind : std::uint8_t { publisher, viewer, observer };
std::string_view name(SessionKind kind);

/// What a conversation is, for lists and logs.
struct SessionFacts {
    SessionKind kind = SessionKind::viewer;
    std::string_view protocol;   ///< a literal: "rtmp", "flv"
    std::string stream;
    Endpoint peer;
    Instant since;
    Identity who;
    Hops hops{};   ///< of a publisher: the nodes that its media came through
    /// Likewise: its clock against ours, measured when it came; nothing: not known.
    std::optional<ClockOffset::Estimate> clock{};
    bool recorded = false;   ///< a viewer is sent what was recorded of the stream
    /// A publisher has an archive of its own and sends that, too; or an observer brings it.
    bool sends_log = false;
    bool hears = false;   ///< a publisher takes what applications say to it (`AskMessage`)

    /// What its identity must be allowed for as long as it runs, of `stream`.
    Action action() const {
        return recorded                                      ? Action::archive
               : kind == SessionKind::publisher || sends_log ? Action::publish
               : stream.empty()                              ? Action::admin
                                                             : Action::play;
    }
};

/// A conversation as lists show it, with its counters.
struct SessionReport {
    std::uint64_t id = 0;
    SessionFacts facts;
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
    std::uint64_t writes = 0;
    std::uint64_t skips = 0;

    // Filled in by Sessions.
    double bits_per_second = 0;   ///< of late
    bool slow = false;            ///< its link fell behind of late
    std::string verdict{};        ///< what is wrong with its link; empty: nothing

    std::optional<LinkReport> link{};   ///< nothing: it goes over no secure link
};

class Events;
class Sessions;

/// A conversation as other threads may name it: stale ones are simply not found.
struct SessionRef {
    Executor* executor = nullptr;
    Sessions* sessions = nullptr;
    std::uint64_t id = 0;

    /// Ends it, or passes an ask on, on its own executor. Any thread.
    void end(Error reason) const;
    void ask(Ask ask) const;
    /// Tells a publication that the stream's home has taken `bytes` of what it sent.
    void taken(std::size_t bytes) const;
};

/// The conversations of one worker. Own thread only; others reach them by SessionRef. Entries that outlive
/// it are in no list any more.
class Sessions final : Timer {
public:
    /// How a conversation is reached. Called on its own thread; none may destroy the entry inside the call.
    class Entry {
    public:
        Entry(Sessions& sessions, SessionFacts facts);
        Entry(const Entry&) = delete;
        Entry& operator=(const Entry&) = delete;
        virtual ~Entry();

        virtual void end(Error reason) = 0;
        virtual void on_ask(Ask) {}
        virtual void on_taken(std::size_t) {}
        virtual SessionReport report() const = 0;
        /// Its counters, cheaply: by these it is seen how fast it goes.
        virtual Flow flow() const;

        SessionRef ref() const;
        std::uint64_t id() const { return id_; }
        const SessionFacts& facts() const { return facts_; }

    protected:
        SessionFacts facts_;
        /// Tells of a viewer that came, and why it left.
        void tell_joined() const;
        void tell_left(std::string_view reason) const;
        /// A viewer leaves, having been sent so much.
        void depart(const Flow& flow) const;

    private:
        friend class Sessions;
        void tell(std::string text, std::string_view what) const;

        Sessions* sessions_;
        std::uint64_t id_;
        Pace pace_;
    };

    explicit Sessions(Executor& executor) : executor_{executor} {}
    Sessions(const Sessions&) = delete;
    Sessions& operator=(const Sessions&) = delete;
    ~Sessions() override;

    /// Where to tell of viewers; it outlives the conversations. Before the first one, if at all.
    void tell_to(Events* events) { events_ = events; }

    Entry* find(std::uint64_t id) const;
    std::vector<SessionReport> reports() const;
    /// Ends those whom `facts` say so of, for one reason.
    template <class Says>
    void end_where(Says says, Error reason) {
        std::vector<std::uint64_t> ids;   // an end may take others along
        for (const auto& [id, entry] : entries_) {
            if (says(entry->facts())) {
                ids.push_back(id);
            }
        }
        for (const std::uint64_t id : ids) {
            if (Entry* const entry = find(id)) {
                entry->end(reason);
            }
        }
    }
    std::size_t size() const { return entries_.size(); }
    /// What viewers who have left were sent, by protocol.
    const std::map<std::string_view, Flow>& departed() const { return departed_; }
    Executor& executor() const { return executor_; }

private:
    void on_time() override;
    void look_at(Entry& entry, Instant now);

    Executor& executor_;
    Events* events_ = nullptr;
    std::map<std::uint64_t, Entry*> entries_;
    std::map<std::string_view, Flow> departed_;
    std::uint64_t last_id_ = 0;
};

}   // namespace millrace::hub
