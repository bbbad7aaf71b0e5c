#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

#include <optional>
#include <string>
#include <vector>

namespace millrace {

/// The seam to one folder of a disk. Names are plain file names of our own making, never a peer's. Its calls
/// block and come from any one thread at a time: off the executors, see Background.
class Storage {
public:
    virtual ~Storage() = default;
    /// The whole file, or nothing if there is none. Errc::exhausted beyond `size_max`, Errc::io.
    virtual Result<std::optional<std::vector<std::byte>>> read(const std::string& name,
                                                               std::size_t size_max) = 0;
    /// Puts `bytes` in the place of the file: after a crash at any moment it is the old one or the new one,
    /// whole, and once this returned the new one. For nobody but this process' user to read.
    virtual Result<> replace(const std::string& name, ByteSpan bytes) = 0;
};

}   // namespace millrace
