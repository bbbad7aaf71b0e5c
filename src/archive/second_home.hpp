#pragma once

#include "archive/archive.hpp"
#include "archive/bucket_means.hpp"
#include "archive/errands.hpp"
#include "archive/object_file.hpp"
#include "base/answer.hpp"

#include <list>
#include <map>
#include <string>
#include <vector>

namespace millrace::archive {

/// The bucket as the archive's second home. One course at a time, oldest file first: read here, put there,
/// proven, and only then a row says so; retention may take the file from the disk after that. What waits is
/// what the index has no such row of, so a restart goes on where it was. What lies there alone is read from
/// there in ranges and kept in memory for a while; what lies there and is not known (this disk is a new one)
/// becomes recordings again. What is pinned is there, too, as one small object.
///
/// It lives on the disk thread and never waits: each of its two lanes is a thread on which calls of the
/// bucket block, one for what is moved, one for what somebody reads.
class SecondHome {
public:
    static constexpr std::size_t fetches_max = BucketMeans::works_max;      ///< under way at once
    static constexpr std::size_t askers_max = 1024;                         ///< who wait for them
    static constexpr std::size_t cache_size_max = std::size_t{64} << 20U;   ///< bytes of fragments
    static constexpr Duration look_every = 1s;                              ///< whether something waits
    static constexpr Duration forget_every = 60s;   ///< what the bucket keeps no longer
    static constexpr Duration retry_first = 1s;     ///< doubled to
    static constexpr Duration retry_last = 60s;
    static constexpr Duration read_rest = 2s;   ///< no read is tried after one that failed

    /// All outlive it, and `disk` runs nothing of it any more when it ends; the lanes neither.
    SecondHome(Background& disk, Archive& archive, Archive::Seams seams, BucketMeans means);
    SecondHome(const SecondHome&) = delete;
    SecondHome& operator=(const SecondHome&) = delete;
    ~SecondHome() = default;

    void use(Keep keep) {
        keep_ = keep;
        forgot_at_.reset();
    }
    /// Goes on with what is to be done. To be called a few times a second.
    void tend();
    /// The bytes of a fragment that lies in the bucket. Errc::timed_out: the bucket is away; exhausted: too
    /// many ask; not_found, malformed.
    void read(const Archive::Place& place, Form form, Reply<Bytes> reply);

    /// Any thread.
    const BucketCounters& counters() const { return counters_; }

private:
    struct Move {
        FileRow row;
        std::unique_ptr<FolderFile> file;
        std::uint64_t at = 0;     // how far it is read, here or there
        std::uint32_t sum = 0;    // of what was read here
        std::uint32_t back = 0;   // of what was read back
    };
    using Key = std::pair<std::uint64_t, std::uint64_t>;   // file, place in it
    struct Asker {
        Form form;
        Reply<Bytes> reply;
    };
    struct Kept {
        Key key;
        Bytes records;
    };

    template <class T>
    bool ask(BucketMeans::Lane& lane, std::move_only_function<Result<T>(ObjectStore&)> work,
             std::move_only_function<void(Result<T>)> then) {
        return errands_.ask<T>(lane.thread, lane.store, std::move(work), std::move(then));
    }
    void go_on();

    /// The oldest file that waits and can be read; false: there is none.
    bool open_next();
    bool begin_move();
    void put_next();
    void read_back();
    void move_is_proven();
    /// The bucket did not do it: the course is begun anew later.
    void put_off(const Error& why);
    /// The file cannot be read here: it is left out until the next start.
    void leave_out(const Error& why);
    void is_there();

    /// The pinned ranges, after each change; and those that were in the bucket before this disk.
    bool put_pins();
    bool read_pins_there();
    void take_pins(const Result<Bytes>& bytes);

    bool forget_next();
    bool adopt_next();
    void list_next();
    void take_page(std::vector<ObjectStore::Object> page);
    void adopt(Result<FoundFile> found);

    void arrived(const Archive::Place& place, Result<Bytes> records);
    void keep_in_memory(Key key, Bytes records);
    const Bytes* find_in_memory(Key key);

    Archive& archive_;
    Archive::Seams seams_;
    BucketMeans means_;
    Keep keep_;
    BucketCounters counters_;
    Errands errands_;

    bool busy_ = false;   // a course waits for its lane
    std::optional<Move> move_;
    std::uint64_t left_out_below_ = 0;   // files up to this id cannot be read
    std::optional<Instant> looked_at_;
    std::optional<Instant> forgot_at_;
    std::vector<FileRow> forget_;               // the newest of them first
    std::vector<ObjectStore::Object> adopt_;    // likewise
    std::optional<std::uint64_t> pins_there_;   // of this size, to be read before these
    std::uint64_t pins_put_ = 0;                // the version that this process put there
    std::string listed_to_;                     // the pages before this are done
    std::string page_end_;
    std::optional<Instant> retry_at_;
    Duration retry_after_ = retry_first;

    std::map<Key, std::vector<Asker>> askers_;
    std::size_t asker_count_ = 0;
    std::optional<Instant> read_again_at_;
    std::list<Kept> kept_;   // the newest first
    std::size_t kept_size_ = 0;
};

}   // namespace millrace::archive
