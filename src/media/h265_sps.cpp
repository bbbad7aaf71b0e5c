#include "media/h265.hpp"
#include "media/h265_syntax.hpp"
#include "media/nal.hpp"

#include <fmt/format.h>

namespace millrace::media::h265 {

namespace {

constexpr std::uint32_t sub_layers_max = 7;
constexpr std::uint32_t short_term_sets_max = 64;   // §7.4.3.2.1
constexpr std::uint32_t long_term_refs_max = 32;
constexpr std::uint8_t extended_sample_aspect = 255;   // table E.1

// sub_layer_ordering_info, in VPS and SPS alike. Gives the reorder depth of the highest sub-layer.
std::uint8_t read_ordering(BitReader& reader, unsigned sub_layers) {
    const bool each = reader.flag();
    std::uint32_t reorder = 0;
    for (unsigned i = each ? 0 : sub_layers - 1; i < sub_layers; ++i) {
        reader.ue(ref_pictures_max);             // max_dec_pic_buffering_minus1
        reorder = reader.ue(ref_pictures_max);   // max_num_reorder_pics
        reader.ue();                             // max_latency_increase_plus1
    }
    return static_cast<std::uint8_t>(reorder);
}

double frame_rate_of(std::uint32_t units_in_tick, std::uint32_t time_scale) {
    if (units_in_tick == 0 || time_scale == 0) {
        return 0;
    }
    const double rate = static_cast<double>(time_scale) / units_in_tick;
    return rate <= frame_rate_max ? rate : 0;
}

/// What one unit of chroma is in luma samples, table 6-1.
std::uint64_t chroma_width(std::uint8_t chroma_format) {
    return chroma_format == 1 || chroma_format == 2 ? 2 : 1;
}
std::uint64_t chroma_height(std::uint8_t chroma_format) {
    return chroma_format == 1 ? 2 : 1;
}

void read_size(BitReader& reader, Sps& sps) {
    sps.width = reader.ue(picture_side_max);
    sps.height = reader.ue(picture_side_max);
    if (sps.width == 0 || sps.height == 0) {
        reader.refuse();
    }
}

/// The conformance window, §7.4.3.2.1; it comes right after the size.
void read_window(BitReader& reader, Sps& sps) {
    if (!reader.flag()) {
        return;
    }
    std::uint64_t offset[4];   // left, right, top, bottom
    for (std::uint64_t& side : offset) {
        side = reader.ue();
    }
    const std::uint64_t across = (offset[0] + offset[1]) * chroma_width(sps.chroma_format);
    const std::uint64_t down = (offset[2] + offset[3]) * chroma_height(sps.chroma_format);
    if (across >= sps.width || down >= sps.height) {
        reader.refuse();
        return;
    }
    sps.width -= static_cast<std::uint32_t>(across);
    sps.height -= static_cast<std::uint32_t>(down);
}

struct CodedSize {
    std::uint32_t width = 0;
    std::uint32_t height = 0;
};

/// Block sizes, of which slice_segment_address needs the number of coding tree blocks (7-10 to 7-20).
void read_blocks(BitReader& reader, Sps& sps, CodedSize coded) {
    const std::uint32_t smallest = reader.ue(3) + 3;
    const std::uint32_t tree_block = smallest + reader.ue(3);
    reader.ue();   // log2_min_luma_transform_block_size_minus2
    reader.ue();   // log2_diff_max_min_luma_transform_block_size
    reader.ue();   // max_transform_hierarchy_depth_inter
    reader.ue();   // max_transform_hierarchy_depth_intra
    const std::uint32_t side = 1U << tree_block;
    const std::uint32_t columns = (coded.width + side - 1) / side;
    const std::uint32_t rows = (coded.height + side - 1) / side;
    if (tree_block > 6 || columns == 0 || rows == 0) {
        reader.refuse();
        return;
    }
    sps.address_bits = static_cast<std::uint8_t>(std::bit_width(columns * rows - 1));
}

void read_reference_sets(BitReader& reader, Sps& sps) {
    const std::uint32_t count = reader.ue(short_term_sets_max);
    for (std::uint32_t i = 0; i < count && reader.ok(); ++i) {
        sps.short_term_sets.push_back(read_short_term_set(reader, i, sps.short_term_sets, false));
    }
    sps.long_term = reader.flag();
    if (!sps.long_term) {
        return;
    }
    sps.long_term_refs = static_cast<std::uint8_t>(reader.ue(long_term_refs_max));
    for (std::uint32_t i = 0; i < sps.long_term_refs; ++i) {
        reader.bits(sps.poc_lsb_bits);   // lt_ref_pic_poc_lsb_sps
        sps.long_term_used |= reader.bits(1) << i;
    }
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
    reader.bits(3);        // neutral chroma, field sequence, frame and field information
    if (reader.flag()) {   // default_display_window_flag
        for (unsigned i = 0; i < 4; ++i) {
            reader.ue();
        }
    }
}

/// Video usability information, §E.2.1. What it says counts only as far as it could be read.
void read_vui(BitReader& reader, Sps& sps) {
    skip_appearance(reader);
    if (reader.flag()) {
        const std::uint32_t units = reader.bits(32);
        const double frame_rate = frame_rate_of(units, reader.bits(32));
        if (reader.ok()) {
            sps.frame_rate = frame_rate;
        }
        if (reader.flag()) {
            reader.ue();   // vui_num_ticks_poc_diff_one_minus1
        }
        if (reader.flag()) {
            skip_hrd_parameters(reader, sps.sub_layers);
        }
    }
    if (reader.flag()) {   // bitstream_restriction_flag
        reader.bits(3);
        const std::uint32_t segmentation = reader.ue(4095);
        for (unsigned i = 0; i < 4; ++i) {
            reader.ue();
        }
        if (reader.ok()) {
            sps.min_spatial_segmentation = static_cast<std::uint16_t>(segmentation);
        }
    }
}

}   // namespace

NalType type_of(ByteSpan nal) {
    if (nal.size() < nal_header_size) {
        return NalType{63};
    }
    return NalType{static_cast<std::uint8_t>(std::to_integer<unsigned>(nal[0]) >> 1U & 0x3FU)};
}

unsigned layer_of(ByteSpan nal) {
    return nal.size() < nal_header_size
               ? 0
               : (std::to_integer<unsigned>(nal[0]) & 1U) << 5U | std::to_integer<unsigned>(nal[1]) >> 3U;
}

Result<Vps> read_vps(ByteSpan nal) {
    if (type_of(nal) != NalType::vps || nal.size() > parameter_set_bytes_max) {
        return fail(Errc::malformed, "not an H.265 video parameter set");
    }
    BitReader reader{nal.subspan(nal_header_size), BitReader::Form::nal};
    Vps vps;
    vps.id = static_cast<std::uint8_t>(reader.bits(4));
    reader.bits(8);   // base layer flags, vps_max_layers_minus1
    const std::uint32_t sub_layers = reader.bits(3) + 1;
    reader.bits(17);   // vps_temporal_id_nesting_flag, vps_reserved_0xffff_16bits
    if (!reader.ok() || sub_layers > sub_layers_max) {
        return fail(Errc::malformed, "broken H.265 video parameter set");
    }
    read_profile_tier_level(reader, sub_layers);
    read_ordering(reader, sub_layers);
    const std::uint32_t layer_id_max = reader.bits(6);
    const std::uint32_t layer_sets = reader.ue(1023);   // vps_num_layer_sets_minus1
    reader.skip(std::size_t{layer_sets} * (layer_id_max + 1));
    if (reader.flag()) {
        const std::uint32_t units = reader.bits(32);
        const double frame_rate = frame_rate_of(units, reader.bits(32));
        vps.frame_rate = reader.ok() ? frame_rate : 0;
    }
    return vps;
}

Result<Sps> read_sps(ByteSpan nal) {
    if (type_of(nal) != NalType::sps || nal.size() > parameter_set_bytes_max) {
        return fail(Errc::malformed, "not an H.265 sequence parameter set");
    }
    BitReader reader{nal.subspan(nal_header_size), BitReader::Form::nal};
    Sps sps;
    sps.vps_id = static_cast<std::uint8_t>(reader.bits(4));
    sps.sub_layers = static_cast<std::uint8_t>(reader.bits(3) + 1);
    if (sps.sub_layers > sub_layers_max) {
        reader.refuse();
        sps.sub_layers = 1;
    }
    sps.temporal_id_nesting = reader.flag();
    sps.level = read_profile_tier_level(reader, sps.sub_layers);
    sps.id = static_cast<std::uint8_t>(reader.ue(sps_id_max));
    sps.chroma_format = static_cast<std::uint8_t>(reader.ue(3));
    sps.separate_colour_planes = sps.chroma_format == 3 && reader.flag();
    read_size(reader, sps);
    const CodedSize coded{.width = sps.width, .height = sps.height};
    read_window(reader, sps);
    sps.bit_depth_luma = static_cast<std::uint8_t>(8 + reader.ue(8));
    sps.bit_depth_chroma = static_cast<std::uint8_t>(8 + reader.ue(8));
    sps.poc_lsb_bits = static_cast<std::uint8_t>(4 + reader.ue(12));
    sps.reorder_frames = read_ordering(reader, sps.sub_layers);
    read_blocks(reader, sps, coded);
    if (reader.flag() && reader.flag()) {   // scaling_list_enabled_flag, sps_scaling_list_data_present_flag
        skip_scaling_lists(reader);
    }
    reader.flag();   // amp_enabled_flag
    sps.sample_adaptive_offset = reader.flag();
    if (reader.flag()) {   // pcm_enabled_flag
        reader.bits(8);
        reader.ue();
        reader.ue();
        reader.flag();
    }
    read_reference_sets(reader, sps);
    sps.temporal_mvp = reader.flag();
    reader.flag();   // strong_intra_smoothing_enabled_flag
    const bool has_vui = reader.flag();
    if (!reader.ok()) {
        return fail(Errc::malformed, "broken H.265 sequence parameter set");
    }
    if (has_vui) {
        read_vui(reader, sps);
    }
    if (reader.flag()) {   // sps_extension_present_flag: range, multilayer, 3D, SCC, then four more bits
        const std::uint32_t extensions = reader.bits(8);
        sps.slices_unknown = (extensions & 0x7FU) != 0;
    }
    sps.slices_unknown = sps.slices_unknown || !reader.ok();
    return sps;
}

std::string codec_string(const Sps& sps) {
    const ProfileTierLevel& level = sps.level;
    static constexpr std::string_view spaces[] = {"", "A", "B", "C"};
    std::uint32_t reversed = 0;
    for (unsigned bit = 0; bit < 32; ++bit) {
        reversed |= (level.compatibility >> bit & 1U) << (31 - bit);
    }
    std::string text = fmt::format("hvc1.{}{}.{:X}.{}{}", spaces[level.space & 3U], level.profile, reversed,
                                   level.high_tier ? 'H' : 'L', level.level);
    std::size_t said = level.constraints.size();
    while (said != 0 && level.constraints[said - 1] == 0) {
        --said;
    }
    for (std::size_t i = 0; i < said; ++i) {
        text += fmt::format(".{:X}", level.constraints[i]);
    }
    return text;
}

}   // namespace millrace::media::h265
