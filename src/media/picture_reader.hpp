#pragma once

#include "base/result.hpp"
#include "media/access_unit.hpp"
#include "media/capture_sei.hpp"

#include <memory>
#include <span>

namespace millrace::media {

/// A coded picture as an AccessUnit wants it, before it has a track and a time.
struct Picture {
    Bytes payload;   ///< canonical, see AccessUnit
    ConfigRef config;
    bool key = false;       ///< IDR, BLA, CRA, I with recovery point 0, AV1 key frame
    bool leading = false;   ///< shown before the key frame it follows: RASL, RADL, B before an open GOP's I
    PictureType picture = PictureType::unknown;
    std::optional<SliceQp> slice_qp;   ///< H.264 and H.265
    std::optional<CaptureNote> note;   ///< ours in an SEI: when it was captured, what its encoder says of it
    /// Recovery point of an intra refresh: so many pictures on, what is shown is whole.
    std::optional<std::uint32_t> recovery_frames;
};

/// Puts all that a picture says into a unit; its track and its times are the caller's.
void describe(AccessUnit& unit, Picture picture);

/// SEI that waits for its picture.
inline constexpr std::size_t waiting_sei_bytes_max = std::size_t{64} << 10U;

/// What a reader left out so far.
struct PictureReaderCounters {
    std::uint64_t parameter_sets_refused = 0;   ///< did not parse, or too large; left out
    std::uint64_t sei_dropped = 0;              ///< NAL units beyond waiting_sei_bytes_max
};

class PictureSyntax;

/// The one door for every ingest protocol: NAL units (or OBUs) of one access unit in, a picture in canonical
/// form with its configuration out. Parameter sets may come by `configure` or in band; the configuration
/// becomes a new object only when their content changed. Owned by a publication; one thread.
class PictureReader {
public:
    /// A codec that is not video is never configured and reads nothing.
    explicit PictureReader(Codec codec);
    PictureReader(PictureReader&&) noexcept;
    PictureReader& operator=(PictureReader&&) noexcept;
    ~PictureReader();

    /// Takes what an avcC, hvcC, av1C or SDP said. On an error the earlier configuration stays. A frame rate
    /// in it counts where the bitstream itself says none.
    Result<> configure(TrackConfig config);

    /// Null until there are usable parameter sets.
    ConfigRef config() const;

    /// Reads the NAL units (with header, without start code or length) or OBUs of one access unit. Nothing
    /// when there is no coded slice among them; their SEI then goes before the next picture. A slice without
    /// its parameter sets is Errc::refused, one that breaks its syntax Errc::malformed, more than
    /// nals_per_access_unit_max or picture_bytes_max Errc::exhausted: drop the access unit and count it.
    /// `framed`: memory in which they stand, each after its length in 4 bytes. What of it is canonical and
    /// nearly all is not copied then.
    Result<std::optional<Picture>> read(std::span<const ByteSpan> nals, const Bytes& framed = {});

    const PictureReaderCounters& counters() const;

private:
    std::unique_ptr<PictureSyntax> syntax_;
};

}   // namespace millrace::media
