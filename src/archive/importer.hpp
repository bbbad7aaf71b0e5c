#pragma once

#include "archive/batch.hpp"
#include "archive/chunker.hpp"
#include "archive/index.hpp"
#include "container/mp4_reader.hpp"

#include <array>
#include <deque>
#include <map>
#include <optional>
#include <string>

namespace millrace::archive {

/// The run of what was imported: "1763646000-import", by the second at which it begins.
inline constexpr std::string_view imported_run_ending = "-import";

/// A fragment of a file that is imported, and when it was.
struct ImportedFragment {
    Span span;
    std::vector<PutChunk> chunks;
    std::vector<media::Track> tracks;   ///< that have units in it, with their configurations
    std::uint64_t bytes = 0;
};

/// Makes recorded fragments of a fragmented MP4 while it comes: cuts it at key frames, and finds out when it
/// was: as its prft boxes say, which Millrace's own exports have, or beginning at a time that is given. One
/// owner. It keeps the fragment under way and the one that waits for `next`.
class Importer {
public:
    static constexpr std::size_t fragment_size_max = std::size_t{32} << 20U;
    static constexpr std::int64_t fragment_us_min = 1'900'000;    ///< it ends with a key frame behind this,
    static constexpr std::int64_t fragment_us_max = 10'000'000;   ///< or here
    static constexpr std::int64_t jump_us = 1'000'000;            ///< between two units; more is a gap
    static constexpr std::size_t file_size_max = std::size_t{64} << 20U;
    static constexpr std::int64_t file_us_max = 600'000'000;

    /// `number` tells this import from others that are under way.
    Importer(std::string stream, std::optional<WallTime> from, std::uint64_t number);

    /// Reads what comes off the front of `bytes`, up to the end of a fragment, which `next` then gives; call
    /// it until `bytes` is empty. Errc::malformed, unsupported, exhausted: this is nothing to be imported.
    Result<> read(ByteSpan& bytes);
    /// The file ends here. What was whole is in `next` even where this fails.
    Result<> finish();
    std::optional<ImportedFragment> next();

    /// What brings the fragment to the disk; a file of the archive begins where need be. Its stream is a name
    /// for this import alone, so that a recording that is under way is not disturbed.
    Batch batch(ImportedFragment fragment);
    /// The fragment before was left out: what follows is another file.
    void left_out() { file_.reset(); }
    /// The last file of the archive ends.
    Batch end();
    const ProgressRef& progress() const { return progress_; }
    const std::string& stream() const { return stream_; }

private:
    /// The file of the archive under way.
    struct File {
        std::vector<media::Track> tracks;
        std::string run;
        std::uint64_t bytes = 0;
        WallTime begin;
        WallTime end;
    };

    Result<bool> step(ByteSpan& bytes);
    Result<> take(media::AccessUnit unit);
    Result<> place(const media::AccessUnit& unit);
    bool begins(const media::AccessUnit& unit, std::int64_t at) const;
    Result<> gather();
    void put(CutChunk made);
    void close_fragment();
    bool goes_on(const ImportedFragment& fragment) const;

    std::string stream_;
    std::string key_;
    std::optional<WallTime> from_;
    ProgressRef progress_ = std::make_shared<Progress>();
    mp4::Reader reader_;
    std::vector<media::Track> tracks_;
    std::optional<media::Kind> lead_;
    std::optional<std::int64_t> offset_us_;   // UTC less the file's time
    std::uint64_t next_number_ = 0;
    std::optional<std::int64_t> cut_at_;                          // of the fragment under way
    std::array<media::ConfigRef, Chunker::tracks_max> configs_;   // of each track's newest unit
    std::optional<std::int64_t> lead_at_;
    Chunker chunker_;
    std::optional<ImportedFragment> open_;
    std::deque<ImportedFragment> ready_;
    std::optional<File> file_;
};

}   // namespace millrace::archive
