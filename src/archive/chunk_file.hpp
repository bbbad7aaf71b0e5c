#pragma once

#include "archive/fragment.hpp"
#include "base/folder.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace millrace::archive {

/// "0000000123.mp4".
std::string file_name(std::uint64_t id);
/// Nothing for other files.
std::optional<std::uint64_t> file_id(std::string_view name);

/// A file that is being recorded: records go to its end. Disk thread only. After any call that failed it is
/// of no use: only what a `sync` before said is sure to be there.
class ChunkFile {
public:
    /// Makes the file. Its name is on the disk with the first sync.
    static Result<ChunkFile> make(Folder& folder, std::uint64_t id, const FileFacts& facts, ByteSpan init);

    /// Puts a chunk behind the rest; `head` without what this knows itself (sizes, sums, numbers of records).
    /// It is with the system after `write_out`.
    void append(RecordHead head, ByteSpan chunk);
    Result<> write_out();
    /// The fragment under way is complete: what follows begins another.
    void end_fragment();
    /// Lets the disk begin with what is with the system.
    void hasten() { file_->hasten(); }
    /// Brings all to the disk: what is acknowledged, and nothing else.
    Result<> sync();
    /// Ends the file in good order, and syncs it.
    Result<> seal(const std::string& cause);

    /// The complete fragments that a sync has made sure of since the last call.
    std::vector<Fragment> take_synced();
    /// The same of a file that is given up: also of the fragment under way what the last sync made sure of.
    std::vector<Fragment> take_rest();
    std::uint64_t id() const { return id_; }
    std::uint64_t size() const { return written_ + out_.size(); }
    std::uint64_t synced_size() const { return synced_; }
    bool unsynced() const { return synced_ < size(); }
    /// Whether its name may not be on the disk yet; somebody else synced all names.
    bool is_new() const { return !named_; }
    void names_are_synced() { named_ = true; }
    std::uint64_t init_offset() const { return init_offset_; }

private:
    ChunkFile(Folder& folder, std::uint64_t id, std::unique_ptr<FolderFile> file)
        : folder_{&folder}, id_{id}, file_{std::move(file)} {}
    void put(RecordHead head, ByteSpan body);

    Folder* folder_;
    std::uint64_t id_;
    std::unique_ptr<FolderFile> file_;
    std::vector<std::byte> out_;   // not yet with the system
    std::uint64_t written_ = 0;
    std::uint64_t synced_ = 0;
    std::uint64_t init_offset_ = 0;
    std::uint64_t records_ = 0;
    bool named_ = false;   // its name is on the disk
    FragmentTally tally_;
    std::optional<Fragment> at_sync_;   // the fragment under way, as it was then
    std::vector<Fragment> complete_;
};

/// What is in a file.
struct FileScan {
    FileFacts facts;
    std::uint64_t init_offset = 0;
    std::uint64_t init_size = 0;   ///< 0: its first record cannot be read
    std::vector<Fragment> fragments;
    std::uint64_t end = 0;       ///< behind the last whole record
    std::uint64_t size = 0;      ///< of the file
    std::uint64_t records = 0;   ///< the number of the next record
    bool sealed = false;
    std::string cause;                   ///< of a sealed one
    bool uplinked = false;               ///< it has what an uplink brought
    std::uint64_t damaged = 0;           ///< places that are not as they were written
    std::uint64_t damaged_at = 0;        ///< where the first of them begins
    std::int64_t behind_damage_us = 0;   ///< of recording that is behind it
};
enum class Depth : std::uint8_t { heads, bodies };   ///< whether the bodies' checksums are looked at

/// Reads a file record by record. Behind a place that is not as it was written it goes on with the next
/// record. Errc::malformed: not a file of the archive, from its first byte on; io.
Result<FileScan> scan(FolderFile& file, std::uint64_t id, Depth depth);

/// Makes a file that a crash left a sealed one: cuts what is behind the last whole record, and syncs it. What
/// is behind `sure` was never acknowledged: there it ends with the first place that a power cut left
/// unwritten, and what an uplink brought with the first fragment that is not whole, for that comes again.
/// Where nobody knows what is sure, that is so of the last second. Errc::malformed: also a file of which no
/// sync ever made sure of anything; io.
Result<FileScan> recover(FolderFile& file, std::uint64_t id, const std::string& cause,
                         std::optional<std::uint64_t> sure = std::nullopt);

/// Chunks as players want them; records as they lie in the file; of each record what stands in front of its
/// chunk's samples: its head, and the chunk with the header of its mdat, which no checksum covers; or the
/// chunks of `results_track` alone.
enum class Form : std::uint8_t { chunks, records, heads, results };

/// How many bytes of the body behind this head stand in front of its samples; nothing where `begin` ends
/// before them. Results have none: all of them do.
std::optional<std::size_t> front_size(const RecordHead& head, ByteSpan begin);

/// A longer fragment is not served.
constexpr std::size_t fragment_size_max = std::size_t{256} << 20U;

/// A fragment's records, checked, in that form. Errc::malformed: they are not as they were written.
Result<Bytes> unpack_fragment(std::vector<std::byte> records, std::uint64_t id, Form form);

/// The bytes of a fragment. Errc::malformed: it is not as it was written.
Result<Bytes> read_fragment(FolderFile& file, std::uint64_t id, const Fragment& fragment,
                            Form form = Form::chunks);

}   // namespace millrace::archive
