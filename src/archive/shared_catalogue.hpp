#pragma once

#include "archive/archive.hpp"
#include "archive/catalogue.hpp"
#include "archive/errands.hpp"

#include <functional>
#include <list>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace millrace::archive {

/// This node's part of a catalogue that several share, and what it learns from it. The index stays the truth.
/// Whoever comes anew, or was away, walks through all of its files and has the catalogue put right what
/// differs there: so there is no book of what it was told, and none to lose. From then on it is told what
/// changes.
///
/// It lives on the disk thread and never waits: each of its two lanes is a thread on which calls of the
/// catalogue block.
class SharedCatalogue {
public:
    static constexpr std::size_t changed_max = 4096;   ///< more, and it walks again
    static constexpr std::size_t asking_max = CatalogueMeans::works_max / 2;
    static constexpr std::size_t kept_max = 64;    ///< files of other nodes that are played
    static constexpr std::size_t given_max = 64;   ///< lists with what others have that stay as they are,
    static constexpr std::size_t given_fragments_max = 200'000;   ///< with these in all
    static constexpr Duration tell_every = 2s;                    ///< what changed
    static constexpr Duration hail_every = 5s;    ///< where nothing does: whether it is still there
    static constexpr Duration retry_first = 1s;   ///< doubled to
    static constexpr Duration retry_last = 30s;
    static constexpr Duration ask_rest = 2s;   ///< nothing is asked after it did not answer

    struct Asked {
        std::string stream;
        Span span;
        Archive::ListBounds bounds{};
    };
    using Found = Result<std::shared_ptr<const CatalogueFile>>;
    using Then = std::move_only_function<void(const Found&)>;

    /// All outlive it, and `disk` runs nothing of it any more when it ends; the lanes neither.
    SharedCatalogue(Background& disk, Archive& archive, const Clock& clock, CatalogueMeans means);
    SharedCatalogue(const SharedCatalogue&) = delete;
    SharedCatalogue& operator=(const SharedCatalogue&) = delete;
    ~SharedCatalogue() = default;

    /// Goes on with what is to be done. To be called a few times a second.
    void tend();
    /// Answers with what this node has and what others add to it; where the catalogue is away, with the first
    /// alone.
    void complete(Asked asked, Listing ours, Reply<Listing> reply);
    /// A list that was given out, by its revision, as it was then: whoever plays it hears no more of what
    /// others have. Errc::not_found: it is no longer known, which after a restart holds for all that had
    /// some.
    Result<Listing> list_again(const Asked& asked);
    /// A file of another node that this one can play. Errc::not_found, timed_out, exhausted.
    void find(const std::string& stream, std::uint64_t file, Then then);

    /// Any thread.
    const CatalogueCounters& counters() const { return counters_; }

private:
    struct Told {
        Result<> done;
        std::string words;
    };
    struct Part {
        Catalogue::Ids ids;
        std::vector<CatalogueFile> files;
    };
    /// Every id there may be.
    static constexpr std::uint64_t last_id = own_id(UINT64_MAX);

    void note_change(std::uint64_t file);
    void go_on();
    /// What is to be told next; nothing: all is.
    Result<std::optional<Part>> next_part();
    Result<Part> part_of(Catalogue::Ids ids, std::size_t count_max);
    void told(const Told& told, std::size_t files);
    void put_off(const Error& why, const std::string& words);
    /// What others added to a list.
    struct Given {
        std::string stream;
        Span span;
        std::uint64_t revision = 0;   // of the whole,
        std::uint64_t ours = 0;       // and of what this node has
        Span added;                   // where others were asked
        std::vector<CatalogueFile> files;
        std::size_t fragments = 0;
    };
    /// Adds what others have to a listing of ours, and remembers it where its revision is given to somebody.
    void put_together(const Asked& asked, Listing& listing, std::vector<CatalogueFile> files);
    void remember(Given given);
    bool may_ask() const;
    void note_answer(bool came);
    Found arrived(const std::string& stream, Result<std::optional<CatalogueFile>> found);

    Archive& archive_;
    const Clock& clock_;
    CatalogueMeans means_;
    CatalogueCounters counters_;
    Errands errands_;

    bool busy_ = false;
    std::uint64_t walked_to_ = 0;       // files up to this id are there as they were then
    std::set<std::uint64_t> changed_;   // and of them these changed
    std::optional<Instant> told_at_;
    Instant heard_at_;   // when it last took something
    std::optional<Instant> retry_at_;
    Duration retry_after_ = retry_first;

    std::size_t asking_ = 0;
    std::optional<Instant> ask_again_at_;
    std::list<std::shared_ptr<const CatalogueFile>> kept_;   // the newest first
    std::list<Given> given_;                                 // likewise
};

/// Where a fragment of another node's file is. Errc::not_found.
Result<Archive::Place> place_in(const CatalogueFile& file, std::uint64_t fragment);

}   // namespace millrace::archive
