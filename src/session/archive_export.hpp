#pragma once

#include "archive/keeper.hpp"
#include "base/task.hpp"
#include "base/web.hpp"
#include "container/mp4_join.hpp"
#include "session/desk.hpp"

#include <string>
#include <vector>

namespace millrace::session {

/// A recording as one file: what is read first, then fragment after fragment. They lie on the disk as
/// records, whose heads leave room for what a chunk grows by when it is moved to its place in the file; so
/// the file's length is known before any of it is read.
struct ArchiveExport {
    struct Piece {
        std::uint64_t file = 0;
        std::uint64_t number = 0;
        std::uint64_t size = 0;      ///< in the export
        std::size_t coding = 0;      ///< of `movie`
        std::int64_t shift_us = 0;   ///< what is added to its times
    };

    std::string stream;
    mp4::JoinedMovie movie;
    Bytes init;
    std::vector<Piece> pieces;

    std::uint64_t size() const;
    std::string tag() const;   ///< with its quotes; the same for the same bytes
};

/// What is added to the times of each fragment, in microseconds, where the first unit of all is at
/// `earliest_us` on its run's timeline and comes to be at 0. Within a run times go on as they did; from one
/// to the next as the clock on the wall did, but never back.
std::vector<std::int64_t> export_shifts(const archive::Listing& listing, std::int64_t earliest_us);

/// When the first of a fragment's units is decoded, in microseconds. Errc::malformed.
Result<std::int64_t> earliest_time(ByteSpan records, std::uint64_t file);

/// Takes a record off the front of `records`, and writes what the export has of it behind `out`; it is larger
/// by `room`. Errc::malformed: it is not as it was recorded.
struct RecordPlace {
    const ArchiveExport& file;
    const ArchiveExport::Piece& piece;
    std::size_t room = 0;
};
Result<> export_record(std::vector<std::byte>& out, ByteSpan& records, const RecordPlace& place);

/// The export of what was found. Errc::exhausted: these are more codings than one file holds; errors of
/// Keeper::read_records and init. `listing` is not empty.
Task<Result<ArchiveExport>> plan_export(Desk& desk, archive::Keeper& keeper, std::string stream,
                                        const archive::Listing& listing);

/// The answer that sends it: with its length, from where a Range asks; a fragment is read when the one before
/// has left, so it takes little memory however long it is. Ends early, and so is seen to be cut, where the
/// disk fails or the client takes nothing for 15 s.
web::Response send_export(Desk& desk, archive::Keeper& keeper, const web::Request& request,
                          ArchiveExport file);

}   // namespace millrace::session
