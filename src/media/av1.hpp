#pragma once

#include "base/result.hpp"
#include "media/access_unit.hpp"

#include <string>
#include <vector>

/// The syntax of AV1 (AV1 Bitstream & Decoding Process Specification) outside the pictures. Pure functions.
namespace millrace::media::av1 {

/// obu_type, §6.2.2.
enum class ObuType : std::uint8_t {
    sequence_header = 1,
    temporal_delimiter = 2,
    frame_header = 3,
    tile_group = 4,
    metadata = 5,
    frame = 6,
    redundant_frame_header = 7,
    tile_list = 8,
    padding = 15,
};

/// One open bitstream unit, pointing into the bytes it was read from.
struct Obu {
    ObuType type = ObuType::padding;
    std::uint8_t header = 0;      ///< the first byte, as it came
    std::uint8_t extension = 0;   ///< the second, where the first says there is one
    ByteSpan payload;
    ByteSpan whole;   ///< with header and size
};

/// Sequence header OBU, §5.5.
struct SequenceHeader {
    std::uint8_t profile = 0;
    bool still_picture = false;
    bool reduced_still_picture_header = false;
    std::uint8_t level = 0;   ///< seq_level_idx of operating point 0
    bool tier = false;
    std::uint8_t bit_depth = 8;
    bool monochrome = false;
    bool subsampling_x = true;
    bool subsampling_y = true;
    std::uint8_t chroma_sample_position = 0;
    std::uint32_t width = 0;   ///< max_frame_width_minus_1 + 1
    std::uint32_t height = 0;
    double frame_rate = 0;   ///< 0 = not said
};

/// The first frame header of a temporal unit.
struct FrameStart {
    bool key = false;   ///< a shown key frame
    PictureType type = PictureType::unknown;
};

/// Cuts low-overhead format (§5.2) into OBUs. Only the last may be without a size. A size beyond the input is
/// malformed; more than nals_per_access_unit_max is exhausted.
Result<std::vector<Obu>> split_obus(ByteSpan bytes);
/// The same as whole OBUs, header and all, as PictureReader takes them.
Result<std::vector<ByteSpan>> split_temporal_unit(ByteSpan bytes);
/// One OBU with or without its size field; a size other than what is there is malformed.
Result<Obu> read_obu(ByteSpan bytes);
/// Appends an OBU with its size field.
void append_obu(std::vector<std::byte>& out, const Obu& obu);

Result<SequenceHeader> read_sequence_header(ByteSpan payload);
/// From the payload of an OBU of type frame_header or frame.
Result<FrameStart> read_frame_start(ByteSpan payload, const SequenceHeader& sequence);
/// Whether a temporal unit has a sequence header and begins with a shown key frame.
bool starts_with_key_frame(ByteSpan temporal_unit);

/// Reads an av1C (AV1CodecConfigurationRecord): `extra` is its sequence header OBU, with size. One without a
/// sequence header is refused as malformed.
Result<TrackConfig> read_av1c(ByteSpan record);
/// The record for a configuration; empty without a usable sequence header.
std::vector<std::byte> write_av1c(const TrackConfig& config);
/// A configuration from a sequence header OBU (with its header, with or without size).
Result<TrackConfig> config_from(ByteSpan sequence_header_obu);

/// "av01.0.08M.08"
std::string codec_string(const SequenceHeader& sequence);

}   // namespace millrace::media::av1
