#include "media/h264.hpp"
#include "media/nal.hpp"

#include <fmt/format.h>

namespace millrace::media::h264 {

namespace {

constexpr std::uint32_t sps_id_max = 31;
constexpr std::uint32_t pps_id_max = 255;
constexpr std::uint32_t ref_frames_max = 16;           // A.3.1: MaxDpbFrames is never more
constexpr std::uint32_t poc_cycle_max = 255;           // num_ref_frames_in_pic_order_cnt_cycle, §7.4.2.1.1
constexpr std::uint32_t slice_groups_max = 8;          // A.2.3: of the extended profile
constexpr std::uint32_t ref_idx_max = 31;              // §7.4.2.2
constexpr std::uint8_t extended_sample_aspect = 255;   // table E-1

/// Profiles whose SPS has the chroma format and scaling lists, §7.3.2.1.1.
bool has_chroma_format(std::uint8_t profile) {
    switch (profile) {
        case 100:
        case 110:
        case 122:
        case 244:
        case 44:
        case 83:
        case 86:
        case 118:
        case 128:
        case 138:
        case 139:
        case 134:
        case 135: return true;
        default: return false;
    }
}

// §7.3.2.1.1.1; the values themselves are of no use to us.
void skip_scaling_list(BitReader& reader, unsigned size) {
    std::uint32_t next = 8;
    for (unsigned i = 0; i < size && next != 0 && reader.ok(); ++i) {
        next = (next + static_cast<std::uint32_t>(reader.se())) & 0xFFU;
    }
}

void read_chroma(BitReader& reader, Sps& sps) {
    sps.chroma_format = static_cast<std::uint8_t>(reader.ue(3));
    if (sps.chroma_format == 3) {
        sps.separate_colour_planes = reader.flag();
    }
    sps.bit_depth_luma = static_cast<std::uint8_t>(8 + reader.ue(6));
    sps.bit_depth_chroma = static_cast<std::uint8_t>(8 + reader.ue(6));
    reader.flag();   // qpprime_y_zero_transform_bypass_flag
    if (reader.flag()) {
        const unsigned lists = sps.chroma_format == 3 ? 12 : 8;
        for (unsigned i = 0; i < lists; ++i) {
            if (reader.flag()) {
                skip_scaling_list(reader, i < 6 ? 16 : 64);
            }
        }
    }
}

void read_picture_order(BitReader& reader, Sps& sps) {
    sps.poc_type = static_cast<std::uint8_t>(reader.ue(2));
    if (sps.poc_type == 0) {
        sps.poc_lsb_bits = static_cast<std::uint8_t>(4 + reader.ue(12));
    } else if (sps.poc_type == 1) {
        sps.delta_poc_always_zero = reader.flag();
        reader.se();   // offset_for_non_ref_pic
        reader.se();   // offset_for_top_to_bottom_field
        const std::uint32_t cycle = reader.ue(poc_cycle_max);
        for (std::uint32_t i = 0; i < cycle && reader.ok(); ++i) {
            reader.se();
        }
    }
}

/// The size in luma samples after cropping, §7.4.2.1.1 (7-13 to 7-22).
void read_size(BitReader& reader, Sps& sps) {
    constexpr std::uint32_t macroblocks_max = picture_side_max / 16;
    const std::uint32_t columns = reader.ue(macroblocks_max - 1) + 1;
    const std::uint32_t rows = reader.ue(macroblocks_max - 1) + 1;
    sps.frame_mbs_only = reader.flag();
    if (!sps.frame_mbs_only) {
        reader.flag();   // mb_adaptive_frame_field_flag
    }
    reader.flag();   // direct_8x8_inference_flag
    const std::uint32_t field_factor = sps.frame_mbs_only ? 1 : 2;
    sps.map_units = columns * rows;
    sps.width = columns * 16;
    sps.height = rows * 16 * field_factor;
    if (!reader.flag()) {
        return;
    }
    const bool planar = sps.separate_colour_planes || sps.chroma_format == 0;
    const std::uint64_t unit_x = !planar && sps.chroma_format <= 2 ? 2 : 1;
    const std::uint64_t unit_y = (!planar && sps.chroma_format == 1 ? 2 : 1) * field_factor;
    std::uint64_t crop[4];   // left, right, top, bottom
    for (std::uint64_t& side : crop) {
        side = reader.ue();
    }
    const std::uint64_t across = (crop[0] + crop[1]) * unit_x;
    const std::uint64_t down = (crop[2] + crop[3]) * unit_y;
    if (across >= sps.width || down >= sps.height) {
        reader.refuse();
        return;
    }
    sps.width -= static_cast<std::uint32_t>(across);
    sps.height -= static_cast<std::uint32_t>(down);
}

// §E.1.2. False where the counts are beyond the specification.
bool skip_hrd(BitReader& reader) {
    const std::uint32_t counts = reader.ue(31) + 1;
    reader.bits(8);   // bit_rate_scale, cpb_size_scale
    for (std::uint32_t i = 0; i < counts && reader.ok(); ++i) {
        reader.ue();
        reader.ue();
        reader.flag();
    }
    reader.bits(20);   // lengths of delays and time offset
    return reader.ok();
}

double frame_rate_of(std::uint32_t units_in_tick, std::uint32_t time_scale) {
    if (units_in_tick == 0 || time_scale == 0) {
        return 0;
    }
    // Two ticks a frame: the tick is that of a field (§E.2.1).
    const double rate = static_cast<double>(time_scale) / (2.0 * units_in_tick);
    return rate <= frame_rate_max ? rate : 0;
}

void skip_appearance(BitReader& reader) {
    if (reader.flag() && reader.u8() == extended_sample_aspect) {
        reader.bits(32);
    }
    if (reader.flag()) {
        reader.flag();   // overscan_appropriate_flag
    }
    if (reader.flag()) {   // video_signal_type_present_flag
        reader.bits(4);
        if (reader.flag()) {
            reader.bits(24);
        }
    }
    if (reader.flag()) {   // chroma_loc_info_present_flag
        reader.ue();
        reader.ue();
    }
}

/// Video usability information, §E.1.1. What it says counts only if all of it could be read.
void read_vui(BitReader& reader, Sps& sps) {
    skip_appearance(reader);
    double frame_rate = 0;
    if (reader.flag()) {
        const std::uint32_t units = reader.bits(32);
        frame_rate = frame_rate_of(units, reader.bits(32));
        reader.flag();   // fixed_frame_rate_flag
    }
    if (reader.ok()) {
        sps.frame_rate = frame_rate;
    }
    const bool nal_hrd = reader.flag() && skip_hrd(reader);
    const bool vcl_hrd = reader.flag() && skip_hrd(reader);
    if (nal_hrd || vcl_hrd) {
        reader.flag();   // low_delay_hrd_flag
    }
    reader.flag();   // pic_struct_present_flag
    if (!reader.flag()) {
        return;
    }
    reader.flag();   // motion_vectors_over_pic_boundaries_flag
    for (unsigned i = 0; i < 4; ++i) {
        reader.ue();
    }
    const std::uint32_t reorder = reader.ue(ref_frames_max);
    const std::uint32_t buffering = reader.ue(ref_frames_max);   // max_dec_frame_buffering
    if (reader.ok() && reorder <= buffering) {
        sps.reorder_frames = static_cast<std::uint8_t>(reorder);
    }
}

/// No B slices in the baseline profile; output order is decoding order with poc_type 2 (§8.2.1.3) and in
/// the all-intra profiles (constraint_set3_flag, §A.2.8 to A.2.11).
bool cannot_reorder(const Sps& sps) {
    const bool intra_profile =
        sps.profile == 44 ||
        ((sps.profile == 100 || sps.profile == 110 || sps.profile == 122 || sps.profile == 244) &&
         (sps.constraints & 0x10U) != 0);
    return sps.poc_type == 2 || sps.profile == 66 || intra_profile;
}

}   // namespace

NalType type_of(ByteSpan nal) {
    return nal.empty() ? NalType{}
                       : NalType{static_cast<std::uint8_t>(std::to_integer<unsigned>(nal[0]) & 0x1FU)};
}

Result<Sps> read_sps(ByteSpan nal) {
    if (type_of(nal) != NalType::sps || nal.size() > parameter_set_bytes_max) {
        return fail(Errc::malformed, "not an H.264 sequence parameter set");
    }
    BitReader reader{nal.subspan(1), BitReader::Form::nal};
    Sps sps;
    sps.profile = reader.u8();
    sps.constraints = reader.u8();
    sps.level = reader.u8();
    sps.id = static_cast<std::uint8_t>(reader.ue(sps_id_max));
    if (has_chroma_format(sps.profile)) {
        read_chroma(reader, sps);
    }
    sps.frame_num_bits = static_cast<std::uint8_t>(4 + reader.ue(12));
    read_picture_order(reader, sps);
    sps.ref_frames = static_cast<std::uint8_t>(reader.ue(ref_frames_max));
    reader.flag();   // gaps_in_frame_num_value_allowed_flag
    read_size(reader, sps);
    const bool has_vui = reader.flag();
    if (!reader.ok()) {
        return fail(Errc::malformed, "broken H.264 sequence parameter set");
    }
    if (has_vui) {
        read_vui(reader, sps);
    }
    if (cannot_reorder(sps)) {
        sps.reorder_frames = 0;
    }
    return sps;
}

namespace {

// §7.3.2.2, with num_slice_groups_minus1 > 0.
void skip_slice_groups(BitReader& reader, std::uint32_t groups) {
    const std::uint32_t map_type = reader.ue(6);
    if (map_type == 0) {
        for (std::uint32_t i = 0; i < groups; ++i) {
            reader.ue();
        }
    } else if (map_type == 2) {
        for (std::uint32_t i = 1; i < groups; ++i) {
            reader.ue();
            reader.ue();
        }
    } else if (map_type >= 3 && map_type <= 5) {
        reader.flag();
        reader.ue();
    } else if (map_type == 6) {
        const std::size_t map_units = std::size_t{reader.ue()} + 1;
        reader.skip(map_units * std::bit_width(groups - 1));
    }
}

}   // namespace

Result<Pps> read_pps(ByteSpan nal) {
    if (type_of(nal) != NalType::pps || nal.size() > parameter_set_bytes_max) {
        return fail(Errc::malformed, "not an H.264 picture parameter set");
    }
    BitReader reader{nal.subspan(1), BitReader::Form::nal};
    Pps pps;
    pps.id = static_cast<std::uint8_t>(reader.ue(pps_id_max));
    pps.sps_id = static_cast<std::uint8_t>(reader.ue(sps_id_max));
    pps.cabac = reader.flag();
    pps.bottom_field_pic_order = reader.flag();
    const std::uint32_t groups = reader.ue(slice_groups_max - 1) + 1;
    if (groups > 1) {
        skip_slice_groups(reader, groups);
    }
    pps.ref_idx_default[0] = static_cast<std::uint8_t>(reader.ue(ref_idx_max) + 1);
    pps.ref_idx_default[1] = static_cast<std::uint8_t>(reader.ue(ref_idx_max) + 1);
    pps.weighted_pred = reader.flag();
    pps.weighted_bipred = static_cast<std::uint8_t>(reader.bits(2));
    const std::int32_t init_qp = reader.se();   // pic_init_qp_minus26: -(26 + QpBdOffset) to +25
    reader.se();                                // pic_init_qs_minus26
    reader.se();                                // chroma_qp_index_offset
    pps.deblocking_control = reader.flag();
    reader.flag();   // constrained_intra_pred_flag
    pps.redundant_pic_count = reader.flag();
    if (!reader.ok() || init_qp < -62 || init_qp > 25 || pps.weighted_bipred > 2) {
        return fail(Errc::malformed, "broken H.264 picture parameter set");
    }
    pps.init_qp = static_cast<std::int8_t>(26 + init_qp);
    return pps;
}

std::string codec_string(const Sps& sps) {
    return fmt::format("avc1.{:02x}{:02x}{:02x}", sps.profile, sps.constraints, sps.level);
}

}   // namespace millrace::media::h264
