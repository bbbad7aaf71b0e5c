#pragma once

#include "archive/fragment.hpp"
#include "archive/fragment_times.hpp"
#include "archive/sqlite_folder.hpp"
#include "archive/statement.hpp"
#include "hub/recorded_stream.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

struct sqlite3;

namespace millrace::archive {

/// In which state a file is; in exactly one.
enum class FileState : std::uint8_t {
    open = 0,     ///< being recorded, or left by a crash: to be recovered
    sealed = 1,   ///< whole; never written again
    cut = 2,      ///< the disk failed it: what is indexed is there, what is behind is not known
};

/// Where the bytes of a file are. A bucket has them once that was proven, never before.
enum class Home : std::uint8_t {
    here = 0,     ///< on this disk alone
    both = 1,     ///< in the bucket as well
    bucket = 2,   ///< there alone
};

/// The row of a file. A row means that the bytes are on the disk, or in the bucket.
struct FileRow {
    std::uint64_t id = 0;
    FileFacts facts;
    std::string seal_cause;
    Bytes init;
    FileState state = FileState::open;
    WallTime begin;
    WallTime end;   ///< of its last fragment
    std::uint64_t bytes = 0;
    Home home = Home::here;
    std::string bucket;   ///< which one has it, unless it is here alone
};

/// Files that are here alone.
struct Unmoved {
    std::uint64_t files = 0;
    std::uint64_t bytes = 0;
};

/// Nothing was recorded from `begin` to `end`.
struct Gap {
    WallTime begin;
    WallTime end;
    std::string cause;
    bool operator==(const Gap&) const = default;
};

/// A fragment, and the file that has it.
struct FoundFragment {
    std::uint64_t file = 0;
    std::string run;
    std::string codecs;
    bool file_begins = false;   ///< the first of its file
    bool new_coding = false;    ///< a player reads something else before it than before the one in front
    std::string cause;          ///< of the gap before that file
    Home home = Home::here;     ///< of that file
    Fragment fragment;
    std::optional<WallTime> acknowledged{};   ///< since when the server of its uplink has it, too
    std::string node{};                       ///< whose it is; empty: ours
    FragmentSteps steps{};
};

/// In which order an uplink sends what was missed.
enum class UplinkOrder : std::uint8_t { oldest, newest };

/// What is asked of it.
struct UplinkAsk {
    std::string stream;
    UplinkOrder order = UplinkOrder::oldest;
    WallTime fresh;   ///< what was recorded since goes first
    std::size_t count_max = 0;
};

/// What of a stream another node is to have, and has not said that it has.
struct Unacknowledged {
    std::uint64_t fragments = 0;
    std::uint64_t bytes = 0;
    std::optional<WallTime> since;   ///< of the oldest
};

struct Span {
    WallTime from;
    WallTime to;
    bool operator==(const Span&) const = default;
};

/// Which fragments there are, of which time: SQLite in the file `index`, in the archive's own folder, WAL
/// with exclusive locking. It never knows more than the disk has, may know less after a power cut, and can be
/// made again from the files alone. Disk thread only. Errc::malformed: the database is damaged; exhausted,
/// io.
class Index {
public:
    static constexpr std::string_view file_name = "index";
    /// A file is no longer than this, by far: what is looked at before a moment to find what spans it.
    static constexpr Duration file_duration_max = 3600s;

    Index(Folder& folder, Random& random) : folder_{folder}, sqlite_{folder, random} {}
    Index(const Index&) = delete;
    Index& operator=(const Index&) = delete;
    ~Index();

    Result<> open();
    /// Forgets a damaged one: removes its files and begins an empty one.
    Result<> begin_anew();
    /// Brings all to the disk, and closes.
    void close();

    /// Each of these is one transaction. Fragments go behind those of the file that lie before them, and take
    /// the place of all others.
    /// `revision`: lists of that one, and of later ones, have these fragments.
    Result<> put_file(const FileRow& row, std::span<const Fragment> fragments, std::uint64_t revision = 0);
    Result<> remove_file(std::uint64_t id);
    Result<> put_home(std::uint64_t file, Home home, const std::string& bucket);
    /// Everything above is on the disk, whatever happens to the power.
    Result<> sync();
    Result<> add_gap(const std::string& stream, const Gap& gap);
    /// What lies in `span` is no longer missing: gaps end before it, and go on behind it. Whether any did.
    Result<bool> fill_gaps(const std::string& stream, Span span);
    /// What is missing in that time, and nobody could say why, is missing for this reason; gaps next to it of
    /// at most `sliver_us` are part of it.
    Result<> name_gaps(const std::string& stream, const Gap& named, std::int64_t sliver_us);
    /// The stream's newest gaps, at most so many, in their order.
    Result<std::vector<Gap>> newest_gaps(const std::string& stream, std::size_t count_max);
    /// Gaps of this time that are no longer than that are none.
    Result<> drop_slivers(const std::string& stream, Span span, std::int64_t us_max);
    /// The newest file of a run that was imported, of each stream that has one.
    Result<std::map<std::string, std::uint64_t>> imported();
    /// The highest revision of a stream's fragments, of each stream that has one.
    Result<std::map<std::string, std::uint64_t>> revised();
    /// Streams that something was imported into.
    Result<std::set<std::string>> with_imports();
    /// What retention took, as one gap with what it took before up to the next file that stays.
    Result<> note_retention(const FileRow& taken);
    Result<> mark_damaged(std::uint64_t file, std::uint64_t number);
    /// What time it is, for the next start to tell whether the clock jumped meanwhile.
    Result<> remember_time(WallTime now);

    /// Another node has this fragment on its disk for sure since `at`. A sealed file of which it has all is
    /// done.
    Result<> acknowledge(std::uint64_t file, std::uint64_t place, WallTime at);
    /// What it does not have yet of a stream, whole and in order: file by file.
    Result<std::vector<FoundFragment>> unacknowledged(const UplinkAsk& ask);
    /// How much that is.
    Result<Unacknowledged> unacknowledged(const std::string& stream);
    /// Files of which it has all.
    Result<std::set<std::uint64_t>> acknowledged_files();

    /// The oldest sealed file behind `after` of which `bucket` has nothing yet, without its `init`.
    Result<std::optional<FileRow>> next_to_move(const std::string& bucket, std::uint64_t after);
    Result<Unmoved> unmoved(const std::string& bucket);
    /// Whether all that lies in `bucket` was looked at since this index was made.
    Result<bool> knows_bucket(const std::string& bucket);
    Result<> note_known(const std::string& bucket);

    /// Is told the id of every file that changes, or went. Called inside of what changes it.
    void watch(std::move_only_function<void(std::uint64_t)> watcher) { watcher_ = std::move(watcher); }
    /// Files behind `after` in order of their ids, at most `count_max`.
    Result<std::vector<FileRow>> files_behind(std::uint64_t after, std::size_t count_max);
    /// All files, in order of their ids, without their `init`.
    Result<std::vector<FileRow>> files();
    Result<std::optional<FileRow>> file(std::uint64_t id);
    /// The stream's newest file, without its `init`.
    Result<std::optional<FileRow>> newest(const std::string& stream);
    /// When the recording before this file ends, if there is one.
    Result<std::optional<WallTime>> end_before(const FileRow& file);
    static constexpr std::uint64_t any_revision = INT64_MAX;
    /// The stream's fragments that have a moment in `span`, in their order, at most `count_max`; as lists of
    /// that revision have them.
    Result<std::vector<FoundFragment>> fragments(const std::string& stream, Span span, std::size_t count_max,
                                                 std::uint64_t revision = any_revision);
    Result<std::optional<FoundFragment>> fragment(std::uint64_t file, std::uint64_t number);
    /// The fragments of a file, in their order.
    Result<std::vector<Fragment>> fragments_of(std::uint64_t file);
    Result<std::vector<Gap>> gaps(const std::string& stream, Span span, std::size_t count_max);
    /// When the stream's first recording began, be it gone since.
    Result<std::optional<WallTime>> first_begin(const std::string& stream);
    /// When the stream's newest gap ends.
    Result<std::optional<WallTime>> newest_gap(const std::string& stream);
    /// The time last remembered, or of the newest recording.
    Result<std::optional<WallTime>> last_time();
    /// Of each stream the highest number in the newest file that has any, but for what was imported.
    Result<std::map<std::string, std::uint64_t>> last_numbers();
    Result<std::uint64_t> fragment_count();
    /// What there is of each stream, by name.
    Result<std::vector<hub::RecordedStream>> streams();
    /// SQLite's own look at all of it: empty is sound.
    Result<std::string> integrity();

private:
    class Transaction;
    Result<> run(const char* sql);
    std::unexpected<Error> failure();
    void note_change(std::uint64_t file) {
        if (watcher_) {
            watcher_(file);
        }
    }

    Folder& folder_;
    SqliteFolder sqlite_;
    sqlite3* database_ = nullptr;
    Statements statements_;
    std::move_only_function<void(std::uint64_t)> watcher_;
};

}   // namespace millrace::archive
