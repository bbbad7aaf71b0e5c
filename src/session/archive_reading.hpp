#pragma once

#include "archive/keeper.hpp"
#include "base/task.hpp"
#include "session/archive_units.hpp"
#include "session/desk.hpp"

#include <string>

namespace millrace::session {

/// A stream's recorded fragments, read again from the disk one after the other. Owned by one conversation, on
/// its thread; `keeper` outlives it.
class ArchiveReading {
public:
    ArchiveReading(Desk& desk, archive::Keeper& keeper, std::string stream)
        : desk_{desk}, keeper_{keeper}, stream_{std::move(stream)} {}

    /// The fragment's units in the order of their decode times, on their run's timeline; tracks() are then
    /// those of its file. Errors of Keeper::read; Errc::timed_out: the disk takes 30 s.
    Task<Result<std::vector<media::AccessUnit>>> read(archive::FoundFragment one);

    const std::vector<media::Track>& tracks() const { return units_.tracks(); }
    /// What was said of that fragment's pictures.
    const std::vector<media::TimedMessage>& results() const { return units_.results(); }
    const std::string& stream() const { return stream_; }

private:
    Desk& desk_;
    archive::Keeper& keeper_;
    std::string stream_;
    ArchiveUnits units_;
    std::uint64_t file_ = 0;   // whose configuration is known
};

}   // namespace millrace::session
