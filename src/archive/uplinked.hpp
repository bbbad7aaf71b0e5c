#pragma once

#include "archive/fragment.hpp"
#include "base/bytes.hpp"
#include "base/time.hpp"

#include <string>
#include <vector>

namespace millrace::archive {

/// A fragment of another node's archive, with the words of the file that has it there.
struct UplinkedFragment {
    static constexpr std::size_t size_max = std::size_t{64} << 20U;   ///< a larger one is not carried

    FileFacts facts;          ///< the stream is ours; `cause` is of the gap before that file
    Bytes init;               ///< that file's ftyp and moov
    std::uint64_t file = 0;   ///< its id there, which the records' sums are made with
    Fragment fragment;        ///< as it is indexed there
    Bytes records;            ///< as they lie there
    WallTime received{};      ///< when its last byte came
};

/// What became of a fragment that is on the disk for sure.
enum class Inserted : std::uint8_t {
    kept,
    fills,   ///< something was missing of its time, and no longer is
};

/// A record, whose body lies in what it was read from.
struct RecordView {
    RecordHead head;
    ByteSpan body;
};

/// A fragment's records, one behind the other, with right sums. Errc::malformed.
Result<std::vector<RecordView>> read_records(ByteSpan records, std::uint64_t file);

/// Its records, if the fragment is what its index says, of one piece, and MP4 that a player can read. What a
/// peer sent is kept only after this. Errc::malformed, exhausted.
Result<std::vector<RecordView>> check_uplinked(const UplinkedFragment& one);

}   // namespace millrace::archive
