#pragma once

#include "base/process_facts.hpp"
#include "control/readiness.hpp"
#include "hub/admission.hpp"
#include "hub/directory.hpp"
#include "hub/forward_report.hpp"
#include "hub/recorded_stream.hpp"
#include "hub/sessions.hpp"
#include "hub/tally.hpp"

#include <array>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace millrace::control {

/// What the archive did since the node started, and what room it has.
struct ArchiveFacts {
    std::uint64_t bytes = 0;       ///< of media, on the disk for sure
    std::uint64_t fragments = 0;   ///< of them, in the index
    std::uint64_t failures = 0;    ///< files given up since the disk was full or failed
    std::uint64_t free_bytes = 0;
    std::uint64_t sync_us_max = 0;   ///< the longest that anything written waited for its sync
    std::uint64_t uplinked = 0;      ///< fragments that came by uplinks
    std::uint64_t unsent_lost = 0;   ///< files that went before the server of their uplink had them
    bool full = false;               ///< less is free than the floor
    bool clock_held = false;         ///< nothing is removed for its age, since the clock jumped
    std::vector<std::pair<std::string_view, std::uint64_t>> gaps;   ///< by cause, a literal
    struct Bucket {
        std::uint64_t moved_files = 0;
        std::uint64_t moved_bytes = 0;
        std::uint64_t waiting_files = 0;
        std::uint64_t waiting_bytes = 0;
        std::uint64_t failures = 0;
        std::uint64_t reads = 0;
        std::uint64_t read_failures = 0;
        bool away = false;
    };
    std::optional<Bucket> bucket;   ///< nothing: recordings stay on this disk
    struct Catalogue {
        std::uint64_t files = 0;
        std::uint64_t failures = 0;
        std::uint64_t asked = 0;
        std::uint64_t unanswered = 0;
        bool away = false;
    };
    std::optional<Catalogue> catalogue;   ///< nothing: no other node is told of them
};

/// What the API shows and asks; all of it outlives the routes.
struct ApiSources {
    hub::Directory& directory;
    hub::Admission& admission;
    std::vector<hub::Sessions*> sessions;          ///< one a worker
    std::vector<const hub::Tally*> tallies = {};   ///< likewise, in the same order, or none
    /// What each worker pushes elsewhere, asked on its thread; likewise, or none.
    std::vector<std::function<std::vector<hub::ForwardReport>()>> forwards = {};
    const Readiness* readiness = nullptr;              ///< null: always ready
    std::function<ProcessFacts()> process = nullptr;   ///< null: nothing is said of the process
    std::function<std::optional<ArchiveFacts>()> archive = nullptr;   ///< null: nothing is recorded here
    using Recordings = std::vector<hub::RecordedStream>;              ///< by name
    std::function<void(Reply<Recordings>)> recordings = nullptr;      ///< null: likewise
    std::string version = {};
};

/// What one worker has to show.
struct WorkerReport {
    std::size_t worker = 0;
    Instant now;   ///< when it was asked, and
    WallTime utc;
    double load = 0;
    std::vector<hub::SessionReport> sessions;
    std::map<std::string_view, hub::Flow> departed;   ///< what viewers who left had been sent, by protocol
    std::vector<hub::ForwardReport> forwards;
    std::vector<hub::TallyRow> refusals;
    std::array<std::uint64_t, 5> answers{};

    /// A session's id in the API: unique over all workers, and never used again.
    std::string id_of(const hub::SessionReport& session) const;
    WallTime began(const hub::SessionReport& session) const;
};

/// A session's id, read back. Nothing for what is no id.
struct SessionId {
    std::size_t worker = 0;
    std::uint64_t number = 0;
    static std::optional<SessionId> parse(std::string_view text);
};

/// All there is to see of a node, by name and by worker.
struct Overview {
    std::vector<hub::StreamReport> streams;
    std::vector<WorkerReport> workers;
};

/// Asks streams' homes and workers; of one stream, or of all.
Task<Result<std::vector<hub::StreamReport>>> look_at_streams(const ApiSources& sources,
                                                             std::optional<std::string> name,
                                                             Executor& executor);
Task<Result<std::vector<WorkerReport>>> look_at_workers(const ApiSources& sources, Executor& executor);
Task<Result<Overview>> look(const ApiSources& sources, std::optional<std::string> stream, Executor& executor);

/// Ends a session in good order. Errc::not_found.
Task<Result<>> kick(const ApiSources& sources, SessionId id, Executor& executor);

}   // namespace millrace::control
