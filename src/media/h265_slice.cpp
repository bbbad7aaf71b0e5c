#include "media/h265.hpp"
#include "media/h265_syntax.hpp"

#include <bit>

namespace millrace::media::h265 {

namespace {

constexpr std::uint32_t long_term_max = 32;

/// slice_type, table 7-7.
enum SliceType : std::uint8_t { type_b, type_p, type_i };

PictureType picture_type(SliceType type) {
    switch (type) {
        case type_b: return PictureType::b;
        case type_p: return PictureType::p;
        case type_i: return PictureType::i;
    }
    return PictureType::unknown;
}

/// A slice segment header on its way to slice_qp_delta.
struct Reading {
    BitReader& reader;
    const Sps& sps;
    const Pps& pps;
    NalType nal_type;
    SliceType type = type_i;
    bool temporal_mvp = false;
    std::uint32_t pictures = 0;   ///< NumPicTotalCurr
    std::uint32_t ref_idx_active[2] = {1, 1};

    bool has_chroma() const { return sps.chroma_format != 0 && !sps.separate_colour_planes; }
    unsigned lists() const { return type == type_b ? 2 : 1; }
};

// §7.3.6.1, from num_long_term_sps to the end of its loop.
void read_long_term(Reading& at) {
    BitReader& reader = at.reader;
    const unsigned refs_of_sps = at.sps.long_term_refs;
    const std::uint32_t from_sps = refs_of_sps == 0 ? 0 : reader.ue(refs_of_sps);
    const std::uint32_t own = reader.ue(long_term_max);
    for (std::uint32_t i = 0; i < from_sps + own && reader.ok(); ++i) {
        bool used = false;
        if (i < from_sps) {
            const auto index_bits = static_cast<unsigned>(std::bit_width(refs_of_sps - 1));
            const std::uint32_t index = reader.bits(index_bits);
            used = (at.sps.long_term_used >> index & 1U) != 0;
        } else {
            reader.bits(at.sps.poc_lsb_bits);
            used = reader.flag();
        }
        at.pictures += used ? 1 : 0;
        if (reader.flag()) {   // delta_poc_msb_present_flag
            reader.ue();
        }
    }
}

void read_references(Reading& at) {
    BitReader& reader = at.reader;
    const std::vector<ShortTermSet>& sets = at.sps.short_term_sets;
    ShortTermSet own;
    const ShortTermSet* set = &own;
    if (!reader.flag()) {   // short_term_ref_pic_set_sps_flag
        own = read_short_term_set(reader, sets.size(), sets, true);
    } else if (sets.empty()) {
        reader.refuse();
    } else {
        const std::uint32_t index = reader.bits(static_cast<unsigned>(std::bit_width(sets.size() - 1)));
        if (index < sets.size()) {
            set = &sets[index];
        } else {
            reader.refuse();
        }
    }
    for (std::size_t i = 0; i < set->count(); ++i) {
        at.pictures += set->used[i] ? 1 : 0;
    }
    if (at.sps.long_term) {
        read_long_term(at);
    }
    at.temporal_mvp = at.sps.temporal_mvp && reader.flag();
}

// ref_pic_lists_modification, §7.3.6.2
void skip_list_changes(Reading& at) {
    const auto entry_bits = static_cast<unsigned>(std::bit_width(at.pictures - 1));
    for (unsigned list = 0; list < at.lists(); ++list) {
        if (at.reader.flag()) {
            at.reader.skip(std::size_t{entry_bits} * at.ref_idx_active[list]);
        }
    }
}

// pred_weight_table, §7.3.6.3: all flags of a list come before its weights.
void skip_weights(Reading& at) {
    BitReader& reader = at.reader;
    reader.ue();
    if (at.has_chroma()) {
        reader.se();
    }
    for (unsigned list = 0; list < at.lists(); ++list) {
        const std::uint32_t count = at.ref_idx_active[list];
        const std::uint32_t luma = reader.bits(count);
        const std::uint32_t chroma = at.has_chroma() ? reader.bits(count) : 0;
        for (std::uint32_t i = count; i-- != 0;) {
            const unsigned values = ((luma >> i & 1U) != 0 ? 2 : 0) + ((chroma >> i & 1U) != 0 ? 4 : 0);
            for (unsigned value = 0; value < values; ++value) {
                reader.se();
            }
        }
    }
}

void read_prediction(Reading& at) {
    BitReader& reader = at.reader;
    at.ref_idx_active[0] = at.pps.ref_idx_default[0];
    at.ref_idx_active[1] = at.pps.ref_idx_default[1];
    if (reader.flag()) {   // num_ref_idx_active_override_flag
        for (unsigned list = 0; list < at.lists(); ++list) {
            at.ref_idx_active[list] = reader.ue(ref_idx_max - 1) + 1;
        }
    }
    if (at.pps.list_modification && at.pictures > 1) {
        skip_list_changes(at);
    }
    if (at.type == type_b) {
        reader.flag();   // mvd_l1_zero_flag
    }
    if (at.pps.cabac_init) {
        reader.flag();
    }
    if (at.temporal_mvp) {
        const bool from_l0 = at.type != type_b || reader.flag();
        if (at.ref_idx_active[from_l0 ? 0 : 1] > 1) {
            reader.ue();   // collocated_ref_idx
        }
    }
    if (at.type == type_p ? at.pps.weighted_pred : at.pps.weighted_bipred) {
        skip_weights(at);
    }
    reader.ue();   // five_minus_max_num_merge_cand
}

std::optional<std::int8_t> read_qp(Reading& at) {
    if (at.sps.slices_unknown || at.pps.slices_unknown) {
        return std::nullopt;
    }
    if (at.sps.sample_adaptive_offset) {
        at.reader.flag();
        if (at.has_chroma()) {
            at.reader.flag();
        }
    }
    if (at.type != type_i) {
        read_prediction(at);
    }
    const std::int64_t qp = std::int64_t{at.pps.init_qp} + at.reader.se();
    const int lowest = -6 * (at.sps.bit_depth_luma - 8);
    if (!at.reader.ok() || qp < lowest || qp > 51) {
        return std::nullopt;
    }
    return static_cast<std::int8_t>(qp);
}

/// The fields before slice_type. False in a dependent slice segment, which has none of what follows.
bool read_address(Reading& at, bool first) {
    if (first) {
        return true;
    }
    const bool dependent = at.pps.dependent_slices && at.reader.flag();
    at.reader.bits(at.sps.address_bits);
    return !dependent;
}

}   // namespace

Result<std::uint8_t> read_slice_pps_id(ByteSpan nal) {
    if (!is_vcl(type_of(nal))) {
        return fail(Errc::malformed, "not an H.265 slice");
    }
    BitReader reader{nal.subspan(nal_header_size), BitReader::Form::nal};
    reader.flag();   // first_slice_segment_in_pic_flag
    if (is_irap(type_of(nal))) {
        reader.flag();   // no_output_of_prior_pics_flag
    }
    const std::uint32_t id = reader.ue(pps_id_max);
    if (!reader.ok()) {
        return fail(Errc::malformed, "broken H.265 slice header");
    }
    return static_cast<std::uint8_t>(id);
}

Result<Slice> read_slice(ByteSpan nal, const Sps& sps, const Pps& pps) {
    const NalType nal_type = type_of(nal);
    if (!is_vcl(nal_type)) {
        return fail(Errc::malformed, "not an H.265 slice");
    }
    BitReader reader{nal.subspan(nal_header_size), BitReader::Form::nal};
    Reading at{.reader = reader, .sps = sps, .pps = pps, .nal_type = nal_type};
    Slice slice;
    slice.first = reader.flag();
    if (is_irap(nal_type)) {
        reader.flag();
    }
    slice.pps_id = static_cast<std::uint8_t>(reader.ue(pps_id_max));
    if (!read_address(at, slice.first)) {
        return slice;
    }
    reader.bits(pps.extra_slice_header_bits);
    at.type = static_cast<SliceType>(reader.ue(2));
    if (pps.output_flag) {
        reader.flag();
    }
    if (sps.separate_colour_planes) {
        reader.bits(2);
    }
    if (!is_idr(nal_type)) {
        slice.poc_lsb = reader.bits(sps.poc_lsb_bits);
    }
    if (!reader.ok()) {
        return fail(Errc::malformed, "broken H.265 slice header");
    }
    slice.type = picture_type(at.type);
    if (!is_idr(nal_type)) {
        read_references(at);
    }
    slice.qp = read_qp(at);
    return slice;
}

}   // namespace millrace::media::h265
