#pragma once

#include "archive/record.hpp"
#include "base/bytes.hpp"

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace millrace::archive {

/// How far the disk is with what a recorder gave it. The recorder's worker and the disk thread share it.
struct Progress {
    enum class Trouble : std::uint8_t { none, full, failed };

    std::atomic<std::size_t> bytes_under_way = 0;   ///< given and not yet with the system
    std::atomic<bool> under_way = false;            ///< a batch is
    std::atomic<Trouble> trouble = Trouble::none;   ///< the file was given up; a new one is to be begun
    std::atomic<std::uint64_t> acknowledged = 0;    ///< chunks that a power cut cannot take any more
    std::atomic<std::uint64_t> bytes = 0;           ///< of them
};

using ProgressRef = std::shared_ptr<Progress>;

/// A file begins; what was open of the stream ends.
struct BeginFile {
    FileFacts facts;
    Bytes init;
};
struct PutChunk {
    RecordHead head;
    Bytes bytes;
};
struct EndFile {
    std::string cause;
};
using BatchItem = std::variant<BeginFile, PutChunk, EndFile>;

/// What a recorder gives to the disk at once.
struct Batch {
    std::string stream;
    std::vector<BatchItem> items;
    ProgressRef progress;
};

// Why nothing was recorded, as the API, the lists and `millrace check` say it.
namespace cause {
inline constexpr std::string_view publisher_gone = "publisher gone";
inline constexpr std::string_view disk_full = "disk full";
inline constexpr std::string_view disk_slow = "disk too slow";
inline constexpr std::string_view disk_failed = "disk failed";
inline constexpr std::string_view crash = "crash";
inline constexpr std::string_view outage = "outage";
inline constexpr std::string_view retention = "retention";
inline constexpr std::string_view stopped = "node stopped";
inline constexpr std::string_view switched_off = "recording switched off";
inline constexpr std::string_view file_lost = "file lost";
inline constexpr std::string_view damaged = "damaged on the disk";
/// All that a gap in the index may have.
inline constexpr std::array all{publisher_gone, disk_full, disk_slow,    disk_failed, crash,  outage,
                                retention,      stopped,   switched_off, file_lost,   damaged};
}   // namespace cause

}   // namespace millrace::archive
