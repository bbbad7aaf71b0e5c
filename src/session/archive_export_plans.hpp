#pragma once

#include "base/timer.hpp"
#include "session/archive_export.hpp"

#include <list>
#include <memory>

namespace millrace::session {

/// The exports that were planned of late on one worker, so that who goes on with a download, or seeks in it,
/// does not pay for reading all heads again. A plan is that of what the archive lists of a time: where it
/// lists something else, the plan is another. Own thread only.
class ExportPlans {
public:
    static constexpr std::size_t kept_max = 8;
    /// Of the room for tables (`ExportRoom`), what plans may keep of it that nobody sends.
    static constexpr std::size_t bytes_max = ArchiveExport::tables_size_max;
    static constexpr Duration kept_for = 60s;   ///< behind the last request
    using Plan = std::shared_ptr<const ArchiveExport>;

    explicit ExportPlans(Desk& desk) : desk_{desk} {}
    ExportPlans(const ExportPlans&) = delete;
    ExportPlans& operator=(const ExportPlans&) = delete;
    ~ExportPlans() = default;

    /// One that is kept, or a new one; errors of `plan_export`.
    Task<Result<Plan>> plan(archive::Keeper& keeper, ExportWish wish);

    std::uint64_t planned() const { return planned_; }   ///< that were not kept

private:
    struct Kept {
        std::string stream;
        archive::Span span;
        std::uint64_t print = 0;   // of what the archive lists
        Plan plan;
        std::size_t bytes = 0;
        Instant used_at{};
    };

    Plan find(const ExportWish& wish, std::uint64_t print);
    void keep(Kept one);
    /// Those that nobody asked for in a while.
    void drop_old();

    Desk& desk_;
    std::list<Kept> kept_;   // the newest first
    std::uint64_t planned_ = 0;
    Alarm<ExportPlans, &ExportPlans::drop_old> old_{*this};
};

}   // namespace millrace::session
