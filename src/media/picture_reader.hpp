#pragma once

#include "base/result.hpp"
#include "media/access_unit.hpp"

#include <memory>
#include <span>

namespace millrace::media {

/// A coded picture as an AccessUnit wants it, before it has a track and a time.
struct Picture {
    Bytes payload;   ///< canonical, see AccessUnit
    ConfigRef config;
    bool key = false;       ///< IDR, BLA, CRA, recovery point 0, AV1 key frame
    bool leading = false;   ///< shown before the key frame it follows: RASL, RADL, leading B of an open GOP
    PictureType picture = PictureType::unknown;
    std::optional<std::int8_t> qp;   ///< of the first slice
    /// Recovery point of an intra refresh: so many frames on, the picture is whole.
    std::optional<std::uint32_t> recovery_frames;
};

/// The one door for every ingest protocol: NAL units (or OBUs) of one access unit in, a picture in canonical
/// form with its configuration out. Parameter sets may come by `configure` or in band; the configuration
/// becomes a new object only when their content changed. Owned by a publication; one thread.
class PictureReader {
public:
    explicit PictureReader(Codec codec);
    PictureReader(PictureReader&&) noexcept;
    PictureReader& operator=(PictureReader&&) noexcept;
    ~PictureReader();

    /// Takes what an avcC, hvcC, av1C or SDP said. On an error the earlier configuration stays.
    Result<> configure(TrackConfig config);

    /// Null until there are usable parameter sets.
    ConfigRef config() const;

    /// Reads the NAL units (with header, without start code or length) or OBUs of one access unit. Nothing
    /// when there is no coded slice among them; their SEI then goes before the next picture. A slice without
    /// its parameter sets is Errc::refused, one that breaks its syntax Errc::malformed: drop and count it.
    Result<std::optional<Picture>> read(std::span<const ByteSpan> nals);

    /// Parameter sets that did not parse or were too large, and were left out.
    std::uint64_t parameter_sets_refused() const;

private:
    class Syntax;
    class H264;
    class H265;
    class Av1;
    std::unique_ptr<Syntax> syntax_;
};

}   // namespace millrace::media
