#pragma once

#include "media/capture_sei.hpp"
#include "media/picture_syntax.hpp"

#include <vector>

namespace millrace::media {

/// What becomes of a NAL unit on its way into the canonical payload.
enum class NalRole : std::uint8_t { slice, sei, suffix_sei, parameter_set, left_out, kept };

/// What H.264 and H.265 share: sorting NAL units, SEI that waits for its picture, building the payload.
class NalPictures : public PictureSyntax {
public:
    Result<std::optional<Picture>> read(std::span<const ByteSpan> nals, const Bytes& framed) final;

protected:
    virtual NalRole role_of(ByteSpan nal) const = 0;
    /// Takes a parameter set from the stream. Whether anything changed.
    virtual Result<bool> put(ByteSpan nal) = 0;
    /// What stands behind the header of a NAL unit that is not empty.
    virtual ByteSpan behind_header(ByteSpan nal) const = 0;
    /// The recovery point of an SEI NAL unit, in pictures from this one, if it has one.
    virtual std::optional<std::uint32_t> recovery_point(ByteSpan nal) const = 0;
    /// Reads the slices among them into everything but payload, configuration and recovery point.
    virtual Result<> describe(std::span<const ByteSpan> nals, Picture& picture) = 0;
    /// The configuration with the parameter sets of now; what `describe` found is the active one.
    virtual Result<TrackConfig> current() const = 0;

    /// `describe` found another SPS active, or the sets were replaced: the configuration is out of date.
    void renew_config() { out_of_date_ = true; }

private:
    struct Sorted {
        bool has_slice = false;
        std::size_t payload_bytes = 0;
    };
    Result<Sorted> sort(std::span<const ByteSpan> nals);
    void keep_sei(std::span<const ByteSpan> nals);
    Result<std::optional<Picture>> finish(std::span<const ByteSpan> nals, std::size_t payload_bytes,
                                          const Bytes& framed);
    /// What is kept of them, where it stands; nothing where it is not one piece and most of that memory.
    Bytes piece_of(const Bytes& framed, std::span<const ByteSpan> nals) const;
    Bytes copy_of(std::span<const ByteSpan> nals, std::size_t payload_bytes);
    void update_config();

    std::vector<std::byte> waiting_sei_;   // with lengths, ready for the payload
    std::optional<std::uint32_t> recovery_;
    std::optional<CaptureNote> note_;
    bool out_of_date_ = false;
};

}   // namespace millrace::media
