#include "media/h265.hpp"
#include "media/h265_syntax.hpp"
#include "media/nal.hpp"

namespace millrace::media::h265 {

namespace {

constexpr std::uint32_t tile_columns_max = 20;   // table A.8, level 6.2
constexpr std::uint32_t tile_rows_max = 22;

void skip_tiles(BitReader& reader) {
    const std::uint32_t columns = reader.ue(tile_columns_max - 1) + 1;
    const std::uint32_t rows = reader.ue(tile_rows_max - 1) + 1;
    if (!reader.flag()) {   // uniform_spacing_flag
        for (std::uint32_t i = 2; i < columns + rows; ++i) {
            reader.ue();
        }
    }
    reader.flag();   // loop_filter_across_tiles_enabled_flag
}

void skip_deblocking(BitReader& reader) {
    if (!reader.flag()) {   // deblocking_filter_control_present_flag
        return;
    }
    reader.flag();          // deblocking_filter_override_enabled_flag
    if (!reader.flag()) {   // pps_deblocking_filter_disabled_flag
        reader.se();
        reader.se();
    }
}

std::int8_t read_init_qp(BitReader& reader) {
    const std::int32_t init_qp = reader.se();   // init_qp_minus26: -(26 + QpBdOffset) to +25
    if (init_qp < -74 || init_qp > 25) {
        reader.refuse();
        return 26;
    }
    return static_cast<std::int8_t>(26 + init_qp);
}

}   // namespace

Result<Pps> read_pps(ByteSpan nal) {
    if (type_of(nal) != NalType::pps || nal.size() > parameter_set_bytes_max) {
        return fail(Errc::malformed, "not an H.265 picture parameter set");
    }
    BitReader reader{nal.subspan(nal_header_size), BitReader::Form::nal};
    Pps pps;
    pps.id = static_cast<std::uint8_t>(reader.ue(pps_id_max));
    pps.sps_id = static_cast<std::uint8_t>(reader.ue(sps_id_max));
    pps.dependent_slices = reader.flag();
    pps.output_flag = reader.flag();
    pps.extra_slice_header_bits = static_cast<std::uint8_t>(reader.bits(3));
    reader.flag();   // sign_data_hiding_enabled_flag
    pps.cabac_init = reader.flag();
    pps.ref_idx_default[0] = static_cast<std::uint8_t>(reader.ue(ref_idx_max - 1) + 1);
    pps.ref_idx_default[1] = static_cast<std::uint8_t>(reader.ue(ref_idx_max - 1) + 1);
    pps.init_qp = read_init_qp(reader);
    reader.bits(2);   // constrained_intra_pred_flag, transform_skip_enabled_flag
    if (reader.flag()) {
        reader.ue();   // diff_cu_qp_delta_depth
    }
    reader.se();     // pps_cb_qp_offset
    reader.se();     // pps_cr_qp_offset
    reader.flag();   // pps_slice_chroma_qp_offsets_present_flag
    pps.weighted_pred = reader.flag();
    pps.weighted_bipred = reader.flag();
    reader.flag();   // transquant_bypass_enabled_flag
    pps.tiles = reader.flag();
    pps.entropy_sync = reader.flag();
    if (pps.tiles) {
        skip_tiles(reader);
    }
    reader.flag();   // pps_loop_filter_across_slices_enabled_flag
    skip_deblocking(reader);
    if (reader.flag()) {   // pps_scaling_list_data_present_flag
        skip_scaling_lists(reader);
    }
    pps.list_modification = reader.flag();
    reader.ue();     // log2_parallel_merge_level_minus2
    reader.flag();   // slice_segment_header_extension_present_flag
    if (reader.flag()) {
        // Range, multilayer, 3D, SCC, then four more bits; the range extension leaves slice headers alone.
        pps.slices_unknown = (reader.bits(8) & 0x7FU) != 0;
    }
    if (!reader.ok()) {
        return fail(Errc::malformed, "broken H.265 picture parameter set");
    }
    return pps;
}

}   // namespace millrace::media::h265
