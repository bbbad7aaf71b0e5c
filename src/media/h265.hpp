#pragma once

#include "base/result.hpp"
#include "media/access_unit.hpp"
#include "media/bit_reader.hpp"

#include <array>
#include <string>

/// The syntax of H.265 (ITU-T H.265) as far as a server that never decodes needs it. Pure functions.
/// Every function that takes a NAL unit takes it with its two header bytes and with emulation prevention.
namespace millrace::media::h265 {

/// nal_unit_type, table 7-1: 0 to 31 are slices.
enum class NalType : std::uint8_t {
    radl_n = 6,
    radl_r = 7,
    rasl_n = 8,
    rasl_r = 9,
    bla_w_lp = 16,
    bla_w_radl = 17,
    bla_n_lp = 18,
    idr_w_radl = 19,
    idr_n_lp = 20,
    cra = 21,
    reserved_irap_23 = 23,
    vps = 32,
    sps = 33,
    pps = 34,
    access_unit_delimiter = 35,
    end_of_sequence = 36,
    end_of_bitstream = 37,
    filler = 38,
    prefix_sei = 39,
    suffix_sei = 40,
};

inline constexpr std::size_t nal_header_size = 2;

/// The type of a NAL unit of at least two bytes; a shorter one has a type that nobody uses (63).
NalType type_of(ByteSpan nal);
/// nuh_layer_id; 0 is the base layer, the only one we look into.
unsigned layer_of(ByteSpan nal);
constexpr bool is_vcl(NalType type) {
    return static_cast<std::uint8_t>(type) <= 31;
}
/// Intra random access point: BLA, IDR, CRA.
constexpr bool is_irap(NalType type) {
    return type >= NalType::bla_w_lp && type <= NalType::reserved_irap_23;
}
constexpr bool is_idr(NalType type) {
    return type == NalType::idr_w_radl || type == NalType::idr_n_lp;
}
/// RADL and RASL: shown before the random access point they follow.
constexpr bool is_leading(NalType type) {
    return type >= NalType::radl_n && type <= NalType::rasl_r;
}

/// The general part of profile_tier_level, §7.3.3.
struct ProfileTierLevel {
    std::uint8_t space = 0;
    bool high_tier = false;
    std::uint8_t profile = 0;
    std::uint32_t compatibility = 0;   ///< general_profile_compatibility_flag[0] in the top bit
    std::array<std::uint8_t, 6> constraints{};
    std::uint8_t level = 0;
};

/// st_ref_pic_set, §7.3.7, as §7.4.8 derives it.
struct ShortTermSet {
    std::uint8_t negative = 0;
    std::uint8_t positive = 0;
    std::array<std::int32_t, 16> delta{};   ///< negative ones, then positive ones, nearest first
    std::array<bool, 16> used{};            ///< used_by_curr_pic

    std::uint8_t count() const { return static_cast<std::uint8_t>(negative + positive); }
};

/// What we need of a video parameter set (H.265 §7.3.2.1).
struct Vps {
    std::uint8_t id = 0;
    double frame_rate = 0;   ///< 0 = not said
};

/// Sequence parameter set, §7.3.2.2.
struct Sps {
    std::uint8_t id = 0;
    std::uint8_t vps_id = 0;
    std::uint8_t sub_layers = 1;
    bool temporal_id_nesting = false;
    ProfileTierLevel level;
    std::uint8_t chroma_format = 1;
    bool separate_colour_planes = false;
    std::uint32_t width = 0;   ///< luma samples after the conformance window
    std::uint32_t height = 0;
    std::uint8_t bit_depth_luma = 8;
    std::uint8_t bit_depth_chroma = 8;
    std::uint8_t poc_lsb_bits = 4;
    std::uint8_t reorder_frames = 0;   ///< sps_max_num_reorder_pics of the highest sub-layer
    std::uint8_t address_bits = 0;     ///< of slice_segment_address
    bool sample_adaptive_offset = false;
    std::vector<ShortTermSet> short_term_sets;
    bool long_term = false;
    std::uint8_t long_term_refs = 0;    ///< num_long_term_ref_pics_sps
    std::uint32_t long_term_used = 0;   ///< used_by_curr_pic_lt_sps_flag, bit i
    bool temporal_mvp = false;
    double frame_rate = 0;   ///< 0 = not said
    std::uint16_t min_spatial_segmentation = 0;
    bool slices_unknown = false;   ///< an extension changes the slice header
};

/// Picture parameter set, §7.3.2.3, as far as a slice header needs it.
struct Pps {
    std::uint8_t id = 0;
    std::uint8_t sps_id = 0;
    bool dependent_slices = false;
    bool output_flag = false;
    std::uint8_t extra_slice_header_bits = 0;
    bool cabac_init = false;
    std::uint8_t ref_idx_default[2] = {1, 1};
    std::int8_t init_qp = 26;
    bool weighted_pred = false;
    bool weighted_bipred = false;
    bool tiles = false;
    bool entropy_sync = false;
    bool list_modification = false;
    bool slices_unknown = false;   ///< an extension changes the slice header
};

/// Slice segment header, §7.3.6.1, down to slice_qp_delta.
struct Slice {
    PictureType type = PictureType::unknown;   ///< unknown in a dependent slice segment
    std::uint8_t pps_id = 0;
    bool first = false;
    std::uint32_t poc_lsb = 0;
    std::optional<std::int8_t> qp;   ///< empty where the header could not be read that far
};

/// Size beyond picture_side_max, window beyond the picture, more than 16 reference pictures: malformed.
/// A broken VUI is read as if it were absent.
Result<Vps> read_vps(ByteSpan nal);
Result<Sps> read_sps(ByteSpan nal);
Result<Pps> read_pps(ByteSpan nal);
/// slice_pic_parameter_set_id, which says what the rest of the header means.
Result<std::uint8_t> read_slice_pps_id(ByteSpan nal);
Result<Slice> read_slice(ByteSpan nal, const Sps& sps, const Pps& pps);

/// Reads the set of that index; `sets` are the earlier ones of the SPS. In a slice header `index` is their
/// number. A broken one makes the reader not ok.
ShortTermSet read_short_term_set(BitReader& reader, std::size_t index, const std::vector<ShortTermSet>& sets,
                                 bool in_slice);

/// "hvc1.1.6.L93.B0", ISO/IEC 14496-15 annex E.3.
std::string codec_string(const Sps& sps);

}   // namespace millrace::media::h265
