#pragma once

#include "archive/index.hpp"

#include <functional>
#include <string>
#include <vector>

namespace millrace::archive {

/// How closely an archive is looked at.
enum class Closeness : std::uint8_t {
    index,   ///< the index by itself, and whether each file is there and as long as it says
    heads,   ///< every record's head as well
    bodies   ///< and every byte
};

/// What was found.
struct Inspection {
    static constexpr std::size_t faults_max = 1000;

    std::uint64_t files = 0;
    std::uint64_t fragments = 0;
    std::uint64_t bytes = 0;
    std::uint64_t gaps = 0;
    std::uint64_t in_bucket = 0;   ///< files that a bucket alone has: they are not looked at
    std::uint64_t fault_count = 0;
    std::vector<std::string> faults;   ///< in words; the first of them

    bool sound() const { return fault_count == 0; }
};

/// After each file: so many of so many.
using InspectionProgress = std::function<void(std::uint64_t done, std::uint64_t of)>;

/// Holds an archive that no node has open against itself: index, files, checksums. It changes nothing that is
/// recorded. Errc::exists: a node has it; not_found: there is none; io.
Result<Inspection> inspect(Folder& folder, Random& random, Closeness closeness,
                           const InspectionProgress& progress);

}   // namespace millrace::archive
