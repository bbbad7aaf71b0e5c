#pragma once

#include "archive/archive.hpp"
#include "archive/bucket_means.hpp"
#include "archive/catalogue.hpp"
#include "archive/recorder.hpp"
#include "base/answer.hpp"
#include "base/background.hpp"
#include "hub/last_numbers.hpp"

#include <atomic>
#include <string>

namespace millrace::archive {

class SecondHome;
class SharedCatalogue;

/// The archive as the rest of a node sees it: any thread asks, one disk thread works. `disk` runs one work at
/// a time, in order, and ends before this.
class Keeper final : public hub::Recordings {
public:
    /// What `disk` lets wait: a batch a stream, and who asks.
    static constexpr std::size_t works_max = 16'384;
    static constexpr Duration tend_every = 200ms;

    Keeper(Background& disk, Archive::Seams seams);
    Keeper(const Keeper&) = delete;
    Keeper& operator=(const Keeper&) = delete;
    ~Keeper() override;

    std::unique_ptr<hub::Recording> begin(const hub::RecordingSource& source) override;

    /// Everything that is recorded moves to a bucket. Before `open`.
    void move_to(BucketMeans means);
    /// A catalogue is told of everything, and tells what other nodes have. Behind `move_to`, before `open`.
    void share(CatalogueMeans means);
    /// Who numbers segments is told of those that were recorded before this start. It outlives this; before
    /// `open`.
    void tell_numbers(hub::LastNumbers& numbers) { numbers_ = &numbers; }
    /// Opens the archive, and recovers it, before anything else is done with it.
    void open();
    /// What this disk keeps, and what the bucket does, if there is one.
    void use(Keep keep, Keep in_bucket = {});
    /// Syncs and removes what is due; to be called a few times a second.
    void tend();
    /// Everything that recorders gave is on the disk, and every file is sealed. Answers true.
    void close(Reply<bool> reply);

    /// Archive::import; a batch that only ends a file has no time.
    void import(std::string stream, Span span, Batch batch, Reply<bool> reply);

    /// As the archive's calls of these names.
    void insert(UplinkedFragment one, Reply<Inserted> reply);
    void has(std::string stream, std::string run, Fragment fragment, Reply<bool> reply);
    void use_uplinks(std::set<std::string, std::less<>> streams);
    void unacknowledged(UplinkAsk ask, Reply<std::vector<FoundFragment>> reply);
    void unacknowledged(std::string stream, Reply<Unacknowledged> reply);
    void acknowledge(std::string stream, std::uint64_t file, std::uint64_t place);
    void newest_gaps(std::string stream, std::size_t count_max, Reply<std::vector<Gap>> reply);
    void name_gaps(std::string stream, std::vector<Gap> named);
    void note_sent(std::uint64_t file, std::uint64_t place, WallTime at);

    /// Any thread.
    const Counters& counters() const { return archive_.counters(); }
    /// Null where there is no bucket.
    const BucketCounters* bucket_counters() const;
    /// Null where there is no catalogue.
    const CatalogueCounters* catalogue_counters() const;

    /// What there is of a stream, here and where other nodes put it into the bucket. Errc::refused, io,
    /// malformed; cancelled where too much waits.
    void list(std::string stream, Span span, Reply<Listing> reply, Archive::ListBounds bounds);
    void list(std::string stream, Span span, Reply<Listing> reply) {
        list(std::move(stream), span, std::move(reply), Archive::ListBounds{});
    }
    /// What there is of each stream, by name, here and in the bucket.
    void streams(Reply<std::vector<hub::RecordedStream>> reply);
    /// The chunks of a fragment, its records as they lie in the file or cut in front of their samples
    /// (`Form::heads`), what was said of its pictures (`Form::results`), and what a player reads before.
    /// Errc::not_found, malformed as well.
    void read(std::string stream, std::uint64_t file, std::uint64_t number, Reply<Bytes> reply);
    void read_records(std::string stream, std::uint64_t file, std::uint64_t number, Reply<Bytes> reply);
    void read_heads(std::string stream, std::uint64_t file, std::uint64_t number, Reply<Bytes> reply);
    void read_results(std::string stream, std::uint64_t file, std::uint64_t number, Reply<Bytes> reply);
    void init(std::string stream, std::uint64_t file, Reply<Bytes> reply);

    /// The stream's ranges that retention leaves alone; true once one is on the disk, or is no more.
    void pins(std::string stream, Reply<std::vector<Span>> reply);
    void pin(Pin pin, Reply<bool> reply);
    void unpin(Pin pin, Reply<bool> reply);

private:
    struct Numbers {
        std::uint64_t file = 0;
        std::uint64_t fragment = 0;
    };
    /// Of another node.
    void read_other(Form form, const std::string& stream, Numbers numbers, Reply<Bytes> reply);
    void init_of_other(const std::string& stream, std::uint64_t file, Reply<Bytes> reply);
    bool is_other(std::uint64_t file) const { return catalogue_ != nullptr && node_of(file) != 0; }
    void read_as(Form form, std::string stream, Numbers numbers, Reply<Bytes> reply);
    /// From where it is.
    void give(const Result<Archive::Place>& place, Form form, Reply<Bytes> reply);

    /// Once; where the disk failed at the start, when it is back.
    void tell_last_numbers();

    Background& disk_;
    Archive::Seams seams_;
    hub::LastNumbers* numbers_ = nullptr;   // until it is told; works only
    Archive archive_;                       // this and the next are touched by works only
    std::unique_ptr<SecondHome> second_home_;
    std::unique_ptr<SharedCatalogue> catalogue_;
    std::atomic<bool> begun_ = false;   // there is, or was, something to tend
    std::atomic<bool> tending_ = false;
};

}   // namespace millrace::archive
