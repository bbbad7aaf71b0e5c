#pragma once

#include "archive/batch.hpp"
#include "archive/chunk_file.hpp"
#include "archive/index.hpp"
#include "archive/pins.hpp"
#include "archive/retention.hpp"
#include "archive/uplinked.hpp"
#include "base/answer.hpp"

#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace millrace::archive {

/// What only another node has, on its own disk.
struct Elsewhere {
    std::string node;
    std::string address;   ///< where people find it; may be empty
    Span span;
    std::uint64_t bytes = 0;
};

/// What was recorded of a stream in some time.
struct Listing {
    std::vector<FoundFragment> fragments;
    std::vector<Gap> gaps;
    std::vector<Elsewhere> elsewhere;
    bool catalogue_away = false;   ///< what other nodes have could not be asked
    bool more = false;             ///< than fit
    bool recording = false;        ///< more comes
    /// Another one whenever something was imported, or filled a gap: lists never change what they listed.
    std::uint64_t revision = 1;
};

/// What the archive did since the node started, and what room it has. The disk thread writes, any reads.
struct Counters {
    std::atomic<std::uint64_t> bytes = 0;       ///< of media, on the disk for sure; the same for
    std::atomic<std::uint64_t> fragments = 0;   ///< these, which are in the index
    std::atomic<std::uint64_t> failures = 0;    ///< files given up since the disk was full or failed
    std::atomic<std::uint64_t> free_bytes = 0;
    std::atomic<std::uint64_t> sync_us_max = 0;   ///< the longest that anything written waited for its sync
    std::atomic<std::uint64_t> uplinked = 0;      ///< fragments that came by uplinks
    std::atomic<std::uint64_t> unsent_lost = 0;   ///< files that went before their uplink's server had them
    std::atomic<bool> full = false;               ///< less is free than the floor
    std::atomic<bool> clock_held = false;         ///< the clock jumped: nothing is removed for its age
    std::array<std::atomic<std::uint64_t>, cause::all.size()> gaps{};   ///< that were written, by cause
};

/// The recordings of a node in one folder: files, index, retention. Disk thread only, and no clock of its
/// own.
///
/// Three invariants. A fragment's row is written after the sync of its bytes. A file is in exactly one state:
/// without a row (new, recovered at the next start), open, sealed, or cut where the disk failed it. An
/// orderly stop seals every file.
class Archive {
public:
    /// What was written waits so long for the sync of all files, and until somebody calls `tend`.
    static constexpr Duration sync_every = 300ms;
    static constexpr Duration tend_every = 5s;
    static constexpr Duration remove_every = 60s;       ///< what got too old; what is too much goes at once
    static constexpr Duration hole_min = 1s;            ///< between two files; shorter is none
    static constexpr std::int64_t sliver_us = 40'000;   ///< what rounding leaves of a gap that was filled
    static constexpr std::size_t listed_max = 50'000;   ///< fragments of one listing: a day

    struct Seams {
        Folder& folder;
        Random& random;
        const Clock& clock;
        /// For tests that a wrong archive is found: it acknowledges before the sync.
        bool acknowledges_early = false;
    };
    explicit Archive(Seams seams) : seams_{seams}, index_{seams.folder, seams.random}, pins_{seams.folder} {}
    Archive(const Archive&) = delete;
    Archive& operator=(const Archive&) = delete;
    ~Archive() = default;

    /// Opens index and folder, and recovers what a crash left. Called again after it failed.
    Result<> open();
    /// Whether there is anything in the folder.
    bool is_there() { return !seams_.folder.names().value_or(std::vector<std::string>{"?"}).empty(); }
    /// Every file moves to this bucket, and leaves the disk only once it is there. Before `open`.
    void use_bucket(std::string bucket) { bucket_ = std::move(bucket); }
    void use(Keep keep) {
        keep_ = keep;
        removed_at_.reset();
    }

    void write(Batch batch);
    /// Writes a fragment that is imported, unless something of its time is there: false, and it is left out.
    /// Errc::exhausted, io: the disk is full, or failed.
    Result<bool> import(const std::string& stream, Span span, Batch batch);
    /// Keeps a fragment of another node's archive, which `check_uplinked` let pass, as it came and where its
    /// time belongs; answers once it is on the disk for sure and indexed. One that is there already is
    /// not written again. Errc::exists: something else of its run is in its place; refused: it is of the
    /// future; exhausted, io: the disk is full, or failed.
    void insert(UplinkedFragment one, Reply<Inserted> reply);
    /// Whether that fragment is here; one of another size in its place is Errc::exists.
    Result<bool> has(const std::string& stream, const std::string& run, const Fragment& fragment);
    /// The streams of which another node is to have everything.
    void use_uplinks(std::set<std::string, std::less<>> streams) { uplinks_ = std::move(streams); }
    /// What is to be sent next of one of them.
    Result<std::vector<FoundFragment>> unacknowledged(const UplinkAsk& ask);
    Result<Unacknowledged> unacknowledged(const std::string& stream);
    /// The other node has it on its disk.
    Result<> acknowledge(std::uint64_t file, std::uint64_t place);
    /// The stream's newest gaps, in their order.
    Result<std::vector<Gap>> newest_gaps(const std::string& stream, std::size_t count_max);
    /// What an edge says of its own gaps: what is missing here in their time is missing for that reason.
    Result<> name_gaps(const std::string& stream, std::span<const Gap> named);
    /// When something was done with a fragment.
    void note_step(std::uint64_t file, std::uint64_t place, FragmentTimes::Step step, WallTime at) {
        times_.note(file, place, step, at);
    }

    /// Syncs what waits too long, and removes what is not to be kept. Call it a few times a second.
    void tend();
    /// Seals every file. Nothing is written afterwards.
    void close(const std::string& cause);

    /// Of a revision that was given out; nothing: of the newest. Errc::not_found: it was none, or is no
    /// longer known.
    struct ListBounds {
        std::size_t count_max = listed_max;
        std::optional<std::uint64_t> revision{};
        bool gives = false;   ///< its revision is told to somebody who will ask for it again
    };
    Result<Listing> list(const std::string& stream, Span span, ListBounds bounds);
    Result<Listing> list(const std::string& stream, Span span) { return list(stream, span, ListBounds{}); }
    /// What there is of each stream, by name.
    Result<std::vector<hub::RecordedStream>> streams();
    /// The chunks of a fragment; Errc::not_found, malformed (it is damaged, and from now on a gap).
    Result<Bytes> read(const std::string& stream, std::uint64_t file, std::uint64_t number,
                       Form form = Form::chunks);
    Result<Bytes> init(const std::string& stream, std::uint64_t file);
    struct Place {
        FileRow row;
        Fragment fragment;
    };
    /// Which fragment it is, and where its bytes are. Errc::not_found.
    Result<Place> place_of(const std::string& stream, std::uint64_t file, std::uint64_t number);
    /// Its bytes, from this disk.
    Result<Bytes> read(const Place& place, Form form);
    /// The bytes of a fragment that somebody read are not as they were written: from now on it is a gap.
    void note_damaged(const Place& place);
    /// The bucket has a file for sure; now it may leave this disk.
    Result<> note_moved(const FileRow& row);
    /// A file that was found in the bucket becomes a recording; Errc::exists: another one has its id.
    Result<> adopt(const FileRow& row, std::span<const Fragment> fragments);
    /// The bucket is to forget these for their age or for want of room there, oldest first.
    Result<std::vector<FileRow>> to_forget(const Keep& keep);
    /// What is said before the bucket forgets one.
    Result<> note_retention(const FileRow& row);

    /// Ranges that retention leaves alone, with every file that has a moment of them. Errc::refused: the
    /// archive cannot be read; exhausted, not_found, io.
    Result<std::vector<Span>> pins(const std::string& stream);
    Result<> pin(Pin pin);
    Result<> unpin(const Pin& pin);
    const Pins& all_pins() const { return pins_; }
    /// What is pinned in an archive that was before this one.
    Result<> take_pins(const std::vector<Pin>& pins) { return pins_.take(pins); }

    /// What goes wrong with the disk, in words; empty: nothing does.
    const std::string& alarm() const { return alarm_; }
    const Counters& counters() const { return counters_; }
    std::uint64_t recovered() const { return recovered_; }
    bool is_open() const { return open_; }
    const std::string& bucket() const { return bucket_; }
    const Index& index() const { return index_; }
    Index& index() { return index_; }

private:
    struct Writing {
        ChunkFile file;
        FileRow row;
        bool rowed = false;                // its row is in the index
        std::vector<Fragment> unindexed;   // synced, and not yet in the index
        ProgressRef progress;
        std::uint64_t unacknowledged = 0;
        std::uint64_t unacknowledged_bytes = 0;
        std::optional<WallTime> gap_from;   // the end of the file before, until the gap is known
        std::string gap_cause;
        bool uplinked = false;   // what came by an uplink: the gap that its time lies in is filled
        struct Awaited {
            std::uint64_t end = 0;   // of a fragment, in the file
            Reply<Inserted> reply;
        };
        std::vector<Awaited> awaited;
    };
    /// A file under way of what an uplink brings.
    struct Inserting {
        static constexpr std::size_t files_max = 3;   // of a stream at once
        static constexpr std::size_t size_max = 64U << 20U;
        static constexpr Duration quiet_max = 5s;   // then it is closed
        static constexpr std::int64_t duration_us_max = 600'000'000;

        std::string key;   // in `writing_`
        std::string stream;
        std::uint64_t file = 0;   // there
        std::string run;
        std::uint64_t next = 0;   // place there of what would go on
        std::int64_t begin_us = 0;
        Instant used_at;
    };

    /// What a new file brings is behind all else: what lies between is missing, for now or for good.
    Result<> say_gap_before(const FileRow& row);
    /// What an edge's file says of the gap before it, where that was known already.
    Result<> name_gap_before(const FileRow& row);
    /// Gaps end where this time is there now, but for what rounding leaves of them. Whether any did.
    Result<bool> fill(const std::string& stream, Span span);
    Result<> put_uplinked(UplinkedFragment& one, Reply<Inserted>& reply);
    /// What lists of the stream must be of to have what this file brings; 0: of any revision.
    Result<std::uint64_t> revision_for(const FileRow& row, bool uplinked);
    /// The file that this fragment goes on, or a new one.
    Result<Inserting*> place_for(const UplinkedFragment& one);
    void close_quiet_inserts();
    bool is_inserting(const std::string& stream) const;
    /// Fragments that came by an uplink are in the index: gaps end, and who waits is told.
    Result<> settle_uplinked(Writing& writing, std::span<const Fragment> indexed);

    Result<> take(const Batch& batch, const BatchItem& item);
    Result<> begin(const Batch& batch, const BeginFile& item);
    Result<> put(const Batch& batch, const PutChunk& item);
    Result<> end(const std::string& stream, const std::string& cause);
    Result<> sync(Writing& writing);
    void sync_all();
    /// What is missing between two files: a hole of which nobody says why is one only from `hole_min` on, one
    /// whose cause is told where it is longer than that.
    static std::optional<Gap> gap_between(Span hole, std::string_view told, std::int64_t told_us_min);
    /// What is missing before it, and is not in the index yet.
    static std::optional<Gap> gap_before(const Writing& writing);
    Result<> index_fragments(Writing& writing);
    /// Whether the folder is there; if not, everything in it is given up.
    Result<> look_for_folder();
    /// Puts what a full or failing disk kept out of the index there.
    Result<> index_late();
    /// The disk failed the stream's file: what is synced stays.
    void give_up(const std::string& stream, const Error& why);
    void note(const Error& why);

    Result<> recover_files();
    /// The revisions that were given out before this start.
    Result<> recall_revisions();
    /// Where the index is new, what of a file was acknowledged is not known.
    Result<> recover_one(std::uint64_t id, std::optional<FileRow> known, bool index_is_new = false);
    /// What is missing between two files, and what retention took there, or before the first.
    Result<> say_gaps_before(const FileRow& row, const std::optional<FileRow>& before, bool uplinked);
    /// Those that the disk failed become sealed ones.
    void seal_cut_files();
    void remove_leftovers();
    Result<> drop_lost(const FileRow& row);
    /// A file that is not here alone, and whether it lies here or not.
    Result<> recover_moved(const FileRow& row, bool there);
    bool is_moved(const FileRow& row) const { return row.home != Home::here && row.bucket == bucket_; }
    /// Looks how much room there is, and where need be at all files.
    void make_room();
    void remove_some();
    /// Stops recording at the disk's floor.
    void stop_at_floor();
    Result<> remove(const FileRow& row);
    /// These are in the bucket, and leave the disk.
    Result<> move_out(std::span<const FileRow> rows);
    /// Puts into the index what went when there was no room to say so.
    Result<> say_late();
    Result<> add_gap(const std::string& stream, const Gap& gap);
    void count_gap(std::string_view cause);

    Seams seams_;
    Index index_;
    Pins pins_;
    Keep keep_;
    ClockTrust trust_;
    struct Late {
        FileRow row;
        std::vector<Fragment> fragments;
        std::optional<Gap> gap;   // before it
        bool uplinked = false;
    };
    static constexpr std::size_t late_max = 1024;   ///< beyond it the next start reads them from the files

    std::map<std::string, Writing, std::less<>> writing_;
    std::vector<Late> late_;
    std::optional<Instant> cut_since_;    // files were given up, to be sealed from then on
    std::set<std::uint64_t> leftovers_;   // of new files that a failing disk would not let go
    std::list<Inserting> inserting_;
    std::set<std::string, std::less<>> uplinks_;
    std::vector<FileRow> unsaid_;   // files that are gone, and not yet in the gaps
    std::uint64_t next_id_ = 1;
    /// Of each stream a number that grows with what was imported, or filled a gap: with the id of its file.
    std::map<std::string, std::uint64_t> imported_;
    /// Of streams that something was imported into: the first revision since.
    std::map<std::string, std::uint64_t> revised_from_;
    /// Whether lists of it can be had; the newest one.
    Result<std::uint64_t> known_revision(const std::string& stream,
                                         std::optional<std::uint64_t> revision) const;
    static constexpr unsigned revision_shift = 20;
    FragmentTimes times_;
    std::uint64_t recovered_ = 0;
    Instant tended_at_;
    std::optional<Instant> unsynced_since_;
    std::optional<Instant> removed_at_;   // when all files were looked at; nothing: there is a new one
    bool open_ = false;
    bool closed_ = false;   // the node stops
    bool low_ = false;      // the disk is at its floor
    std::string_view why_low_;
    std::optional<WallTime> believed_;   // what time it was when files were last removed for their age
    std::string bucket_;                 // empty: none
    std::string alarm_;
    Counters counters_;
};

}   // namespace millrace::archive
