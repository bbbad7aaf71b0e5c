#pragma once

#include "archive/object_store.hpp"
#include "base/background.hpp"

#include <atomic>
#include <string>

namespace millrace::archive {

/// How an archive reaches its bucket.
struct BucketMeans {
    /// So many works a lane's thread takes: what is under way at once.
    static constexpr std::size_t works_max = 64;

    struct Lane {
        Background& thread;   ///< one, where calls of the bucket block
        ObjectStore& store;
    };
    std::string bucket;   ///< what the index calls it; another text is another bucket
    Lane out;             ///< for what moves,
    Lane in;              ///< and for what somebody reads
    /// What `bucket` begins with, and other nodes' as well: `in` calls objects by what stands behind it.
    /// Empty: all of it.
    std::string root{};

    const std::string& root_of_names() const { return root.empty() ? bucket : root; }
};

/// What went to and came from the bucket since the node started. The disk thread writes, any reads.
struct BucketCounters {
    std::atomic<std::uint64_t> moved_files = 0;   ///< proven to be there; the same for
    std::atomic<std::uint64_t> moved_bytes = 0;   ///< these
    std::atomic<std::uint64_t> waiting_files = 0;
    std::atomic<std::uint64_t> waiting_bytes = 0;   ///< on this disk alone
    std::atomic<std::uint64_t> reads = 0;           ///< fragments that were fetched
    std::atomic<std::uint64_t> read_failures = 0;
    std::atomic<std::uint64_t> failures = 0;   ///< moves that have to be tried again
    std::atomic<bool> away = false;
};

}   // namespace millrace::archive
