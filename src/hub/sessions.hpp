#pragma once

#include "base/connection.hpp"
#include "base/executor.hpp"
#include "hub/admission.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace millrace::hub {

/// What a stream asks of its publication (`Stream::ask`): upstream, coalesced.
/// A key frame, soon.
struct AskKeyFrame {};
/// An encoder's target, in bits a second.
struct AskBitrate {
    std::uint64_t bits_per_second;
};
/// Whether anybody takes the stream: an on-demand source may rest while nobody does.
struct AskDemand {
    bool wanted;
};
using Ask = std::variant<AskKeyFrame, AskBitrate, AskDemand>;

/// Which way its media goes.
enum class SessionKind : std::uint8_t { publisher, viewer };

/// What a conversation is, for lists and logs.
struct SessionFacts {
    SessionKind kind = SessionKind::viewer;
    std::string_view protocol;   ///< a literal: "rtmp", "flv"
    std::string stream;
    Endpoint peer;
    Instant since;
    Identity who;
};

/// A conversation as lists show it, with its counters.
struct SessionReport {
    std::uint64_t id = 0;
    SessionFacts facts;
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
    std::uint64_t writes = 0;
    std::uint64_t skips = 0;
};

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
class Sessions {
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

        SessionRef ref() const;
        std::uint64_t id() const { return id_; }
        const SessionFacts& facts() const { return facts_; }

    protected:
        SessionFacts facts_;

    private:
        friend class Sessions;
        Sessions* sessions_;
        std::uint64_t id_;
    };

    explicit Sessions(Executor& executor) : executor_{executor} {}
    Sessions(const Sessions&) = delete;
    Sessions& operator=(const Sessions&) = delete;
    ~Sessions();

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
    Executor& executor() const { return executor_; }

private:
    Executor& executor_;
    std::map<std::uint64_t, Entry*> entries_;
    std::uint64_t last_id_ = 0;
};

}   // namespace millrace::hub
