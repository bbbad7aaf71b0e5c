#pragma once

#include "archive/index.hpp"
#include "base/background.hpp"

#include <atomic>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace millrace::archive {

/// A file as a catalogue has it: its row, with its fragments.
struct CatalogueFile {
    /// Of more than one node's: `own_id`, with the node's number above it.
    FileRow row;
    std::uint32_t init_sum = 0;   ///< of its `init`, which only `Catalogue::file` gives
    std::vector<Fragment> fragments;
    std::string node;      ///< what it calls itself,
    std::string address;   ///< and where people find it; may be empty
};

/// How the fragments of a file stand there: version u8 = 1 | for each number u64, place u64, size u64, UTC
/// i64, media time i64, duration i64 in microseconds, flags u8 (1 key, 2 discontinuity, 4 damaged).
std::vector<std::byte> packed_fragments(std::span<const Fragment> fragments);
/// What another node wrote there. Errc::malformed: it is not that, or of no time that there is.
Result<std::vector<Fragment>> read_packed_fragments(ByteSpan bytes);
/// Another one whenever something of a file changed.
std::uint32_t catalogue_stamp(const CatalogueFile& file);

/// The seam to a catalogue that several nodes share: which recordings there are, on which node, in which
/// bucket. Each node writes only of its own files; its own index stays the truth of them. Its calls block,
/// and come from one thread at a time, but `stop`. Errc::refused: a person has to do something; exhausted: it
/// is full; timed_out, closed: it is away; malformed: what is there is no catalogue; cancelled: stopped.
/// Texts of errors have no password.
class Catalogue {
public:
    static constexpr std::size_t files_max = 32;                        ///< of one `replace`
    static constexpr std::size_t found_max = 2048;                      ///< of one `find`
    static constexpr std::uint64_t node_number_max = (1U << 13U) - 1;   ///< JSON's numbers have 53 bits

    /// Ids behind `after`, up to `last`.
    struct Ids {
        std::uint64_t after = 0;
        std::uint64_t last = 0;
    };

    virtual ~Catalogue() = default;
    /// Of these ids this node has these files, and no others. All or nothing.
    virtual Result<> replace(Ids ids, std::span<const CatalogueFile> files) = 0;
    /// What other nodes have of a stream's time, in order of its begin, without `init`.
    virtual Result<std::vector<CatalogueFile>> find(const std::string& stream, Span span,
                                                    std::size_t count_max) = 0;
    /// A file of another node, with its `init`; nothing: there is none, or no longer.
    virtual Result<std::optional<CatalogueFile>> file(std::uint64_t id) = 0;
    /// What the server said when a call failed, for the log; empty: nothing.
    virtual std::string words() const = 0;

    /// Ends the call under way, and all that come. Any thread.
    virtual void stop() = 0;
};

/// How an archive reaches its catalogue.
struct CatalogueMeans {
    /// So many works a lane's thread takes.
    static constexpr std::size_t works_max = 64;

    struct Lane {
        Background& thread;   ///< one, where calls of the catalogue block
        Catalogue& end;
    };
    std::string label;   ///< where it is, for the log: "postgres://db.example.org/video"
    /// What the names of buckets begin with whose objects this node reads; empty: it has no bucket.
    std::string bucket_root;
    Lane out;   ///< for what this node has,
    Lane in;    ///< and for what somebody asks
};

/// What went to and came from the catalogue since the node started. The disk thread writes, any reads.
struct CatalogueCounters {
    std::atomic<std::uint64_t> files = 0;        ///< that were told it, again and again while they grow
    std::atomic<std::uint64_t> failures = 0;     ///< attempts that have to be made again
    std::atomic<std::uint64_t> asked = 0;        ///< questions for what other nodes have,
    std::atomic<std::uint64_t> unanswered = 0;   ///< and those that it did not answer
    std::atomic<bool> away = false;
};

}   // namespace millrace::archive
