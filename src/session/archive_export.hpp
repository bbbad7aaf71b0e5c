#pragma once

#include "archive/keeper.hpp"
#include "base/task.hpp"
#include "base/web.hpp"
#include "container/mp4_join.hpp"
#include "session/desk.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace millrace::session {

/// Room for the tables of an export, out of what a worker has for all that are under way on it.
class ExportRoom {
public:
    static constexpr std::size_t bytes_max = std::size_t{128} << 20U;   ///< of all

    explicit ExportRoom(Desk& desk) : desk_{&desk} {}
    ExportRoom(ExportRoom&& other) noexcept : desk_{other.desk_}, bytes_{std::exchange(other.bytes_, 0)} {}
    ExportRoom& operator=(ExportRoom&&) = delete;
    ~ExportRoom() { desk_->export_bytes -= bytes_; }

    /// False: there is not so much.
    bool grow_to(std::size_t bytes) {
        if (desk_->export_bytes - bytes_ + bytes > bytes_max) {
            return false;
        }
        desk_->export_bytes += bytes - bytes_;
        bytes_ = bytes;
        return true;
    }

private:
    Desk* desk_;
    std::size_t bytes_ = 0;
};

/// A recording as one progressive file, which begins and ends with the moments that are asked for. Its media
/// is a fragmented file in one mdat: fragment after fragment as they lie on the disk, records, whose heads
/// leave room for what a chunk grows by when it is moved to its place; so the place of each sample is known
/// from what stands in front of it, before any sample is read.
struct ArchiveExport {
    /// Tables of samples in memory, about 2 MB an hour; a longer recording is exported in parts.
    static constexpr std::size_t tables_size_max = std::size_t{64} << 20U;

    struct Piece {
        std::uint64_t file = 0;
        std::uint64_t number = 0;
        std::uint64_t size = 0;      ///< in the export
        std::uint64_t room = 0;      ///< of it, what the first record may grow by
        std::size_t coding = 0;      ///< of `movie`
        std::int64_t shift_us = 0;   ///< what is added to its times
    };

    ExportRoom room;
    std::string stream;
    mp4::JoinedMovie movie;
    std::vector<Bytes> head;   ///< all that stands in front of the pieces
    std::vector<Piece> pieces;
    std::int64_t end_us = INT64_MAX;   ///< what is decoded from then on is left out

    std::uint64_t size() const;
    std::string tag() const;   ///< with its quotes; the same for the same bytes
};

/// What is added to the times of each fragment, in microseconds, where the first unit of all is at
/// `earliest_us` on its run's timeline and comes to be at 0. Within a run times go on as they did; from one
/// to the next as the clock on the wall did, but never back, and not further than hole_us_max.
inline constexpr std::int64_t hole_us_max = std::int64_t{3} * 3600 * 1'000'000;   // players count 31 bits
std::vector<std::int64_t> export_shifts(const archive::Listing& listing, std::int64_t earliest_us);

/// When a record is decoded in the export, in microseconds.
std::int64_t exported_at(const archive::RecordHead& head, const ArchiveExport::Piece& piece);
/// How a chunk comes to its place, in a record that may grow by `room`.
mp4::ChunkMove export_move(const mp4::ChunkPlace& place, const ArchiveExport::Piece& piece, std::size_t room);

/// Takes a record off the front of `records`, and writes what the export has of it behind `out`; it is larger
/// by `room`. Errc::malformed: it is not as it was recorded.
struct RecordPlace {
    const ArchiveExport& file;
    const ArchiveExport::Piece& piece;
    std::size_t room = 0;
};
Result<> export_record(std::vector<std::byte>& out, ByteSpan& records, const RecordPlace& place);

/// The export of what was found of a time. What is damaged is left out. Errc::exhausted: this is more than
/// one file holds; timed_out: others have all the room now; not_found: nothing is left; errors of
/// Keeper::read_heads and init. `listing` is not empty.
struct ExportWish {
    std::string stream;
    archive::Span span;
    archive::Listing listing;
};
Task<Result<ArchiveExport>> plan_export(Desk& desk, archive::Keeper& keeper, ExportWish wish);

/// The answer that sends it: with its length, from where a Range asks; a fragment is read when the one before
/// has left, so it takes little memory however long it is. Ends early, and so is seen to be cut, where the
/// disk fails or the client takes nothing for 15 s.
web::Response send_export(Desk& desk, archive::Keeper& keeper, const web::Request& request,
                          std::shared_ptr<const ArchiveExport> file);

}   // namespace millrace::session
