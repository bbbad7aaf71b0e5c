#include "media/h264.hpp"

namespace millrace::media::h264 {

namespace {

// §7.4.3: at most 32 reference fields; 66 commands cover a decoded picture buffer of fields, and the end.
constexpr std::uint32_t ref_idx_active_max = 32;
constexpr unsigned list_changes_max = 66;

/// slice_type, table 7-6, without "all slices of the picture are so" (5 to 9).
enum SliceType : std::uint8_t { type_p, type_b, type_i, type_sp, type_si };

PictureType picture_type(std::uint32_t slice_type) {
    switch (slice_type % 5) {
        case type_p:
        case type_sp: return PictureType::p;
        case type_b: return PictureType::b;
        default: return PictureType::i;
    }
}

/// A slice header on its way to slice_qp_delta.
struct Reading {
    BitReader& reader;
    const Sps& sps;
    const Pps& pps;
    NalType nal_type;
    bool reference = false;
    SliceType type = type_i;
    bool field = false;
    std::uint32_t ref_idx_active[2] = {0, 0};

    bool predicted() const { return type == type_p || type == type_sp || type == type_b; }
    bool bipredicted() const { return type == type_b; }
};

void read_picture_order(Reading& at, Slice& slice) {
    BitReader& reader = at.reader;
    const bool frame_of_fields = at.pps.bottom_field_pic_order && !at.field;
    if (at.sps.poc_type == 0) {
        slice.poc_lsb = reader.bits(at.sps.poc_lsb_bits);
        if (frame_of_fields) {
            reader.se();
        }
    } else if (at.sps.poc_type == 1 && !at.sps.delta_poc_always_zero) {
        reader.se();
        if (frame_of_fields) {
            reader.se();
        }
    }
}

void read_reference_counts(Reading& at) {
    at.ref_idx_active[0] = at.pps.ref_idx_default[0];
    at.ref_idx_active[1] = at.pps.ref_idx_default[1];
    if (at.reader.flag()) {
        at.ref_idx_active[0] = at.reader.ue(ref_idx_active_max - 1) + 1;
        if (at.bipredicted()) {
            at.ref_idx_active[1] = at.reader.ue(ref_idx_active_max - 1) + 1;
        }
    }
}

// ref_pic_list_modification, §7.3.3.1
void skip_list_changes(Reading& at) {
    const unsigned lists = at.bipredicted() ? 2 : 1;
    for (unsigned list = 0; list < lists; ++list) {
        if (!at.reader.flag()) {
            continue;
        }
        unsigned changes = 0;
        while (at.reader.ok() && at.reader.ue(3) != 3) {
            at.reader.ue();
            if (++changes > list_changes_max) {
                at.reader.refuse();
            }
        }
    }
}

// pred_weight_table, §7.3.3.2
void skip_weights(Reading& at) {
    const bool chroma = !at.sps.separate_colour_planes && at.sps.chroma_format != 0;
    at.reader.ue();
    if (chroma) {
        at.reader.ue();
    }
    const unsigned lists = at.bipredicted() ? 2 : 1;
    for (unsigned list = 0; list < lists; ++list) {
        for (std::uint32_t i = 0; i < at.ref_idx_active[list] && at.reader.ok(); ++i) {
            if (at.reader.flag()) {
                at.reader.se();
                at.reader.se();
            }
            if (chroma && at.reader.flag()) {
                for (unsigned component = 0; component < 4; ++component) {
                    at.reader.se();
                }
            }
        }
    }
}

// dec_ref_pic_marking, §7.3.3.3
void skip_reference_marking(Reading& at) {
    if (at.nal_type == NalType::idr_slice) {
        at.reader.bits(2);
        return;
    }
    if (!at.reader.flag()) {
        return;
    }
    for (unsigned commands = 0; at.reader.ok(); ++commands) {
        const std::uint32_t command = at.reader.ue(6);
        if (command == 0) {
            return;
        }
        if (command != 5) {
            at.reader.ue();
        }
        if (command == 3) {
            at.reader.ue();
        }
        if (commands == list_changes_max) {
            at.reader.refuse();
        }
    }
}

std::optional<std::int8_t> read_qp(Reading& at) {
    if (at.pps.redundant_pic_count) {
        at.reader.ue();
    }
    if (at.bipredicted()) {
        at.reader.flag();   // direct_spatial_mv_pred_flag
    }
    if (at.predicted()) {
        read_reference_counts(at);
        skip_list_changes(at);
        const bool weighted = at.bipredicted() ? at.pps.weighted_bipred == 1 : at.pps.weighted_pred;
        if (weighted) {
            skip_weights(at);
        }
    }
    if (at.reference) {
        skip_reference_marking(at);
    }
    if (at.pps.cabac && at.predicted()) {
        at.reader.ue();   // cabac_init_idc
    }
    const std::int64_t qp = std::int64_t{at.pps.init_qp} + at.reader.se();
    const int lowest = -6 * (at.sps.bit_depth_luma - 8);
    if (!at.reader.ok() || qp < lowest || qp > 51) {
        return std::nullopt;
    }
    return static_cast<std::int8_t>(qp);
}

}   // namespace

Result<SliceStart> read_slice_start(ByteSpan nal) {
    if (!is_vcl(type_of(nal))) {
        return fail(Errc::malformed, "not an H.264 slice");
    }
    BitReader reader{nal.subspan(1), BitReader::Form::nal};
    SliceStart start;
    reader.ue();   // first_mb_in_slice
    const NalType type = type_of(nal);
    if (type == NalType::partition_b || type == NalType::partition_c) {
        return start;   // only partition A has a slice header
    }
    start.type = picture_type(reader.ue(9));
    start.pps_id = static_cast<std::uint8_t>(reader.ue(255));
    if (!reader.ok()) {
        return fail(Errc::malformed, "broken H.264 slice header");
    }
    return start;
}

Result<Slice> read_slice(ByteSpan nal, const Sps& sps, const Pps& pps) {
    const NalType nal_type = type_of(nal);
    if (nal_type != NalType::slice && nal_type != NalType::partition_a && nal_type != NalType::idr_slice) {
        return fail(Errc::malformed, "not an H.264 slice");
    }
    BitReader reader{nal.subspan(1), BitReader::Form::nal};
    Reading at{.reader = reader, .sps = sps, .pps = pps, .nal_type = nal_type};
    Slice slice;
    slice.first = reader.ue() == 0;
    const std::uint32_t type = reader.ue(9);
    slice.type = picture_type(type);
    slice.pps_id = static_cast<std::uint8_t>(reader.ue(255));
    slice.reference = at.reference = (std::to_integer<unsigned>(nal[0]) & 0x60U) != 0;
    at.type = static_cast<SliceType>(type % 5);
    if (sps.separate_colour_planes) {
        reader.bits(2);
    }
    slice.frame_num = reader.bits(sps.frame_num_bits);
    if (!sps.frame_mbs_only) {
        at.field = reader.flag();
        if (at.field) {
            reader.flag();   // bottom_field_flag
        }
    }
    if (nal_type == NalType::idr_slice) {
        reader.ue();   // idr_pic_id
    }
    read_picture_order(at, slice);
    if (!reader.ok()) {
        return fail(Errc::malformed, "broken H.264 slice header");
    }
    slice.qp = read_qp(at);
    return slice;
}

}   // namespace millrace::media::h264
