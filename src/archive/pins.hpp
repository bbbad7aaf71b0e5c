#pragma once

#include "archive/index.hpp"
#include "base/folder.hpp"

#include <string>
#include <vector>

namespace millrace::archive {

/// What of a stream retention leaves alone.
struct Pin {
    std::string stream;
    Span span;
    bool operator==(const Pin&) const = default;
};

/// The pinned ranges of an archive. They stand beside the index, not in it, for no recorded file could tell
/// them again: in two files, "pins-a" and "pins-b", each with all of them. A change writes and syncs one,
/// then the other, so that a crash or a changed byte leaves one that is whole. Disk thread only. Errc::io,
/// exhausted.
class Pins {
public:
    static constexpr std::size_t count_max = 1024;
    /// As many as there may be, with the longest names.
    static constexpr std::size_t size_max = std::size_t{1} << 20U;

    explicit Pins(Folder& folder) : folder_{folder} {}

    /// Reads them; where one of the files is not as it was written, the other one tells.
    Result<> load();
    /// Nothing where it is pinned already. Errc::exhausted: `count_max` are.
    Result<> add(Pin pin);
    /// Errc::not_found: it is not pinned.
    Result<> remove(const Pin& pin);
    /// Another archive's pins, which become ours as well; as many as there is room for.
    Result<> take(const std::vector<Pin>& more);

    /// Another one with each change; 0: nothing was ever pinned.
    std::uint64_t version() const { return version_; }
    const std::vector<Pin>& all() const { return pins_; }
    /// Both files are damaged: what is pinned is not known, until the next change is written.
    bool unknown() const { return unknown_; }
    /// How many of the two files were not as they were written.
    std::size_t damaged() const { return damaged_; }
    /// Whether something of this time is pinned, or may be.
    bool hold(const std::string& stream, Span span) const;

private:
    Result<> keep(std::vector<Pin> pins);
    Result<> write(std::size_t at, ByteSpan bytes);

    Folder& folder_;
    std::vector<Pin> pins_;
    std::uint64_t version_ = 0;
    std::size_t good_ = 0;   // which of the files is sure to be whole
    std::size_t damaged_ = 0;
    bool unknown_ = false;
};

/// One of the files, and the object in the bucket: "mrpn" | format u32 = 1 | version u64, of the newest
/// change | count u32 | for each from i64, to i64 in microseconds of UTC, size u16 of the name, name |
/// CRC-32C of all before it u32.
std::vector<std::byte> pins_bytes(const std::vector<Pin>& pins, std::uint64_t version);
struct ReadPins {
    std::vector<Pin> pins;
    std::uint64_t version = 0;
};
/// Errc::malformed: not as it was written.
Result<ReadPins> read_pins(ByteSpan bytes);

}   // namespace millrace::archive
