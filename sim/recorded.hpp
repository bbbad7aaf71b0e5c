#pragma once

#include "archive/index.hpp"
#include "base/virtual_folder.hpp"
#include "sim/ledger.hpp"

#include <set>
#include <string>
#include <vector>

namespace millrace::sim {

/// A coded unit as an archive has it.
struct RecordedUnit {
    const Ledger::Entry* sent = nullptr;
    std::uint64_t hash = 0;
    std::int64_t dts_ms = 0;
};

/// A fragment as an archive lists it, and what its bytes say.
struct RecordedFragment {
    std::uint64_t file = 0;
    std::string run;
    archive::Fragment facts;
    std::uint64_t hash = 0;   ///< of its chunks
    std::vector<RecordedUnit> units;
    std::vector<std::string> results;   ///< what was said of its pictures, in the file's order
    WallTime end() const { return {facts.utc.microseconds + facts.duration_us}; }
};

/// Ledger L1 or L2: what a disk has of a stream, once nobody has it open.
struct Recorded {
    std::vector<RecordedFragment> fragments;   ///< as listed: by time
    std::vector<archive::Gap> gaps;
    std::vector<std::string> faults;   ///< laws N5 and N6: what is no recording of ours, or not as indexed
};

/// Reads it twice: as the archive answers, and its files as any player of MP4 does; both must say the same,
/// and so must `millrace check`.
Recorded read_recorded(VirtualFolder& disk, const Clock& clock, const Ledger& ledger);

}   // namespace millrace::sim
