#pragma once

#include "container/mp4_box.hpp"
#include "media/access_unit.hpp"

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace millrace::mp4 {

/// A moov: what follows is of these tracks. Ids count from 0 in the order of the moov; a track of a codec we
/// do not carry is left out. `config` is null where parameter sets are in band only and none came yet.
struct Opened {
    std::vector<media::Track> tracks;
};
/// A segment type box whose brands say that none follows (ISO 23009-1 §6.3.4.2: "lmsg").
struct Ended {};
using Item = std::variant<Opened, media::AccessUnit, Ended>;

struct Movie;
struct MovieFragment;
struct PlacedSample;

/// Reads fragmented MP4, however its bytes were cut on their way, into access units of our timescales (90 kHz
/// video, audio's sample rate) with the file's own times. Progressive files (samples listed in the moov) need
/// seeking: they are FFmpeg's to read, but for those whose mdat is a fragmented file (`encloses_fragments`).
/// One thread.
class Reader {
public:
    /// Bytes of a box that is read whole: moov, moof, sidx, prft, styp.
    static constexpr std::size_t index_box_bytes_max = std::size_t{4} << 20U;
    static constexpr std::size_t tracks_max = 16;
    static constexpr std::size_t samples_per_fragment_max = 65'536;

    Reader();
    Reader(Reader&&) noexcept;
    Reader& operator=(Reader&&) noexcept;
    ~Reader();

    /// Takes bytes off the front of `input` up to the end of one item and gives that; nothing when `input` is
    /// used up first. Call until it gives nothing. After an error it is finished and repeats the error; a
    /// sample that its codec's reader refuses is counted and left out.
    Result<std::optional<Item>> next(ByteSpan& input);
    /// The file ends here: an error when that is inside a box or before a fragment's samples.
    Result<> finish();

    /// Where the last error was: "moof/traf/trun".
    std::string failed_in() const { return path_.text(); }
    std::uint64_t samples_refused() const { return samples_refused_; }

private:
    enum class Part : std::uint8_t { header, whole, skipped, samples };

    Result<std::optional<Item>> step(ByteSpan& input);
    bool gather(ByteSpan& input, std::size_t wanted);
    void skip_to(ByteSpan& input, std::uint64_t offset);
    Result<std::optional<Item>> begin_box(ByteSpan& input);
    Result<std::optional<Item>> choose_part();
    Result<std::optional<Item>> read_whole();
    Result<std::optional<Item>> read_moov(const Box& box);
    Result<std::optional<Item>> read_moof(const Box& box);
    Result<std::optional<Item>> read_samples(ByteSpan& input);
    Result<std::optional<Item>> finish_sample(const PlacedSample& sample);
    void leave_box();

    Part part_ = Part::header;
    BoxHeader box_;
    std::uint64_t position_ = 0;   // of the next byte of the file
    std::uint64_t box_end_ = 0;    // UINT64_MAX: the end of the file
    std::uint64_t box_start_ = 0;
    /// Whether the mdat of a progressive file is to be read instead of its moov.
    enum class Enclosure : std::uint8_t { none, announced, inside };
    Enclosure enclosure_ = Enclosure::none;
    std::uint64_t enclosure_end_ = 0;
    std::vector<std::byte> gathered_;
    std::unique_ptr<Movie> movie_;
    std::unique_ptr<MovieFragment> fragment_;
    BoxPath path_;
    std::optional<Error> failed_;
    std::uint64_t samples_refused_ = 0;
};

}   // namespace millrace::mp4
