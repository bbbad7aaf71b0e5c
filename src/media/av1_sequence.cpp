#include "media/av1.hpp"
#include "media/bit_reader.hpp"
#include "media/nal.hpp"

#include <fmt/format.h>

namespace millrace::media::av1 {

namespace {

constexpr std::uint32_t select_from_frame = 2;   // SELECT_SCREEN_CONTENT_TOOLS, SELECT_INTEGER_MV
constexpr unsigned level_with_tier = 7;          // §5.5.1: levels above it have seq_tier

struct DecoderModel {
    bool present = false;
    unsigned delay_bits = 0;   ///< buffer_delay_length_minus_1 + 1
};

// uvlc(), §4.10.3: unlike ue() it allows 32 zeros and more, which mean 2^32 - 1.
std::uint32_t read_uvlc(BitReader& reader) {
    unsigned zeros = 0;
    while (reader.ok() && !reader.flag()) {
        ++zeros;
    }
    if (zeros >= 32 || !reader.ok()) {
        return UINT32_MAX;
    }
    return (1U << zeros) - 1U + reader.bits(zeros);
}

// timing_info, §5.5.3
double read_frame_rate(BitReader& reader) {
    const std::uint32_t units_in_tick = reader.bits(32);
    const std::uint32_t time_scale = reader.bits(32);
    const bool equal_intervals = reader.flag();
    const double ticks = equal_intervals ? double{1} + read_uvlc(reader) : 1;
    if (!equal_intervals || units_in_tick == 0 || !reader.ok()) {
        return 0;
    }
    const double rate = time_scale / (units_in_tick * ticks);
    return rate <= frame_rate_max ? rate : 0;
}

void read_operating_point(BitReader& reader, SequenceHeader& sequence, const DecoderModel& model) {
    reader.bits(12);   // operating_point_idc
    const auto level = static_cast<std::uint8_t>(reader.bits(5));
    const bool tier = level > level_with_tier && reader.flag();
    sequence.level = level;
    sequence.tier = tier;
    if (model.present && reader.flag()) {   // decoder_model_present_for_this_op
        reader.skip(std::size_t{model.delay_bits} * 2 + 1);
    }
}

void read_operating_points(BitReader& reader, SequenceHeader& sequence) {
    DecoderModel model;
    if (reader.flag()) {   // timing_info_present_flag
        sequence.frame_rate = read_frame_rate(reader);
        model.present = reader.flag();
        if (model.present) {
            model.delay_bits = reader.bits(5) + 1;
            reader.skip(32 + 5 + 5);
        }
    }
    const bool has_delay = reader.flag();   // initial_display_delay_present_flag
    const unsigned points = reader.bits(5) + 1;
    for (unsigned i = 0; i < points; ++i) {
        SequenceHeader other;
        read_operating_point(reader, i == 0 ? sequence : other, model);
        if (has_delay && reader.flag()) {
            reader.bits(4);
        }
    }
}

/// The tools between the size and the colours, of which we need none.
void skip_tools(BitReader& reader, const SequenceHeader& sequence) {
    if (!sequence.reduced_still_picture_header && reader.flag()) {   // frame_id_numbers_present_flag
        reader.bits(4 + 3);
    }
    reader.bits(3);   // 128x128 superblocks, filter intra, intra edge filter
    if (sequence.reduced_still_picture_header) {
        reader.bits(3);   // superres, cdef, restoration
        return;
    }
    reader.bits(4);   // interintra, masked compound, warped motion, dual filter
    const bool order_hint = reader.flag();
    if (order_hint) {
        reader.bits(2);
    }
    const std::uint32_t screen_content = reader.flag() ? select_from_frame : reader.bits(1);
    if (screen_content > 0 && !reader.flag()) {   // seq_choose_integer_mv
        reader.bits(1);
    }
    if (order_hint) {
        reader.bits(3);
    }
    reader.bits(3);   // superres, cdef, restoration
}

struct ColourCodes {
    std::uint32_t primaries = 2;
    std::uint32_t transfer = 2;
    std::uint32_t matrix = 2;
    /// sRGB in 4:4:4 without a range flag, §5.5.2.
    bool is_srgb() const { return primaries == 1 && transfer == 13 && matrix == 0; }
};

// color_config, §5.5.2
void read_colours(BitReader& reader, SequenceHeader& sequence) {
    const bool high_depth = reader.flag();
    sequence.bit_depth = high_depth ? 10 : 8;
    if (sequence.profile == 2 && high_depth && reader.flag()) {
        sequence.bit_depth = 12;
    }
    sequence.monochrome = sequence.profile != 1 && reader.flag();
    ColourCodes codes;
    if (reader.flag()) {
        codes = {.primaries = reader.bits(8), .transfer = reader.bits(8), .matrix = reader.bits(8)};
    }
    if (sequence.monochrome) {
        reader.flag();   // color_range; subsampling is 1, 1
        return;
    }
    if (codes.is_srgb()) {
        sequence.subsampling_x = false;
        sequence.subsampling_y = false;
        return;
    }
    reader.flag();   // color_range
    sequence.subsampling_x = sequence.profile != 1;
    sequence.subsampling_y = sequence.profile == 0;
    if (sequence.profile == 2 && sequence.bit_depth == 12) {
        sequence.subsampling_x = reader.flag();
        sequence.subsampling_y = sequence.subsampling_x && reader.flag();
    }
    if (sequence.subsampling_x && sequence.subsampling_y) {
        sequence.chroma_sample_position = static_cast<std::uint8_t>(reader.bits(2));
    }
}

}   // namespace

Result<SequenceHeader> read_sequence_header(ByteSpan payload) {
    BitReader reader{payload};
    SequenceHeader sequence;
    sequence.profile = static_cast<std::uint8_t>(reader.bits(3));
    sequence.still_picture = reader.flag();
    sequence.reduced_still_picture_header = reader.flag();
    if (sequence.reduced_still_picture_header) {
        sequence.level = static_cast<std::uint8_t>(reader.bits(5));
    } else {
        read_operating_points(reader, sequence);
    }
    const unsigned width_bits = reader.bits(4) + 1;
    const unsigned height_bits = reader.bits(4) + 1;
    sequence.width = reader.bits(width_bits) + 1;
    sequence.height = reader.bits(height_bits) + 1;
    skip_tools(reader, sequence);
    read_colours(reader, sequence);
    if (!reader.ok() || sequence.profile > 2 || sequence.width > picture_side_max ||
        sequence.height > picture_side_max) {
        return fail(Errc::malformed, "broken AV1 sequence header");
    }
    return sequence;
}

std::string codec_string(const SequenceHeader& sequence) {
    return fmt::format("av01.{}.{:02}{}.{:02}", sequence.profile, sequence.level, sequence.tier ? 'H' : 'M',
                       sequence.bit_depth);
}

}   // namespace millrace::media::av1
