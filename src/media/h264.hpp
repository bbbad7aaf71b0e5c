#pragma once

#include "base/result.hpp"
#include "media/access_unit.hpp"
#include "media/bit_reader.hpp"

#include <string>

/// The syntax of H.264 (ITU-T H.264) as far as a server that never decodes needs it. Pure functions.
/// Every function that takes a NAL unit takes it with its header byte and with emulation prevention.
namespace millrace::media::h264 {

/// nal_unit_type, table 7-1.
enum class NalType : std::uint8_t {
    slice = 1,
    partition_a = 2,
    partition_b = 3,
    partition_c = 4,
    idr_slice = 5,
    sei = 6,
    sps = 7,
    pps = 8,
    access_unit_delimiter = 9,
    end_of_sequence = 10,
    end_of_stream = 11,
    filler = 12,
    sps_extension = 13,
};

/// The type of a NAL unit that is not empty.
NalType type_of(ByteSpan nal);
constexpr bool is_vcl(NalType type) {
    return type >= NalType::slice && type <= NalType::idr_slice;
}

/// Sequence parameter set, §7.3.2.1.1.
struct Sps {
    std::uint8_t id = 0;   ///< 0 to 31
    std::uint8_t profile = 0;
    std::uint8_t constraints = 0;   ///< the byte with constraint_set0_flag in its top bit
    std::uint8_t level = 0;
    std::uint8_t chroma_format = 1;   ///< chroma_format_idc
    bool separate_colour_planes = false;
    std::uint8_t bit_depth_luma = 8;
    std::uint8_t bit_depth_chroma = 8;
    std::uint8_t frame_num_bits = 4;
    std::uint8_t poc_type = 0;
    std::uint8_t poc_lsb_bits = 4;
    bool delta_poc_always_zero = false;
    std::uint8_t ref_frames = 0;
    std::uint32_t width = 0;   ///< luma samples after cropping
    std::uint32_t height = 0;
    std::uint32_t map_units = 0;   ///< PicSizeInMapUnits
    bool frame_mbs_only = true;
    double frame_rate = 0;   ///< 0 = not said, or said absurdly
    /// max_num_reorder_frames, or 0 where the profile or picture order count type allows no reordering.
    std::optional<std::uint8_t> reorder_frames;
};

/// Picture parameter set, §7.3.2.2, as far as a slice header needs it.
struct Pps {
    std::uint8_t id = 0;
    std::uint8_t sps_id = 0;
    bool cabac = false;
    bool bottom_field_pic_order = false;
    std::uint8_t ref_idx_default[2] = {1, 1};   ///< num_ref_idx_lX_default_active
    bool weighted_pred = false;
    std::uint8_t weighted_bipred = 0;
    std::int8_t init_qp = 26;
    bool deblocking_control = false;
    bool redundant_pic_count = false;
};

/// Slice header, §7.3.3, down to slice_qp_delta.
struct Slice {
    PictureType type = PictureType::unknown;
    std::uint8_t pps_id = 0;
    bool first = false;       ///< first_mb_in_slice is 0
    bool reference = false;   ///< nal_ref_idc is not 0
    std::uint32_t frame_num = 0;
    std::uint32_t poc_lsb = 0;       ///< pic_order_cnt_lsb, for poc_type 0
    std::optional<std::int8_t> qp;   ///< empty where the header could not be read that far
};

/// The parameter set a slice needs in its header, without the rest of the header.
struct SliceStart {
    PictureType type = PictureType::unknown;
    std::uint8_t pps_id = 0;
};

/// Size beyond picture_side_max, cropping beyond the picture, more than 16 reference frames: malformed.
/// A broken VUI is read as if it were absent.
Result<Sps> read_sps(ByteSpan nal);
Result<Pps> read_pps(ByteSpan nal);
Result<SliceStart> read_slice_start(ByteSpan nal);
Result<Slice> read_slice(ByteSpan nal, const Sps& sps, const Pps& pps);

/// "avc1.64001f"
std::string codec_string(const Sps& sps);

}   // namespace millrace::media::h264
