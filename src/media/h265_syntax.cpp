#include "media/h265_syntax.hpp"

#include <algorithm>

namespace millrace::media::h265 {

namespace {

constexpr std::uint32_t cpb_count_max = 32;
constexpr std::uint32_t delta_max = 1U << 15U;   // §7.4.8: abs_delta_rps_minus1 and the like

/// Orders what §7.4.8 (7-61, 7-62) gathers: negative deltas from the nearest, then positive ones likewise.
ShortTermSet predicted_set(BitReader& reader, const ShortTermSet& reference, std::int32_t delta) {
    struct Entry {
        std::int32_t delta;
        bool used;
    };
    std::array<Entry, 17> kept{};
    std::size_t count = 0;
    for (std::size_t j = 0; j <= reference.count(); ++j) {
        const bool used = reader.flag();
        const bool use_delta = used || reader.flag();
        const std::int32_t sum = delta + (j < reference.count() ? reference.delta[j] : 0);
        if (use_delta && sum != 0) {
            kept[count++] = {.delta = sum, .used = used};
        }
    }
    ShortTermSet set;
    if (count > set.delta.size()) {
        reader.refuse();
        return set;
    }
    const auto end = kept.begin() + static_cast<std::ptrdiff_t>(count);
    std::sort(kept.begin(), end, [](const Entry& a, const Entry& b) {
        if ((a.delta < 0) != (b.delta < 0)) {
            return a.delta < 0;
        }
        return std::abs(a.delta) < std::abs(b.delta);
    });
    for (std::size_t i = 0; i < count; ++i) {
        set.delta[i] = kept[i].delta;
        set.used[i] = kept[i].used;
        ++(kept[i].delta < 0 ? set.negative : set.positive);
    }
    return set;
}

/// The deltas of one direction, each said as the distance to the one before.
void read_deltas(BitReader& reader, ShortTermSet& set, std::size_t from, int sign) {
    const std::size_t to = set.count();
    std::int32_t delta = 0;
    for (std::size_t i = from; i < to; ++i) {
        delta += sign * static_cast<std::int32_t>(reader.ue(delta_max - 1) + 1);
        set.delta[i] = delta;
        set.used[i] = reader.flag();
    }
}

}   // namespace

ShortTermSet read_short_term_set(BitReader& reader, std::size_t index, const std::vector<ShortTermSet>& sets,
                                 bool in_slice) {
    if (index != 0 && reader.flag()) {   // inter_ref_pic_set_prediction_flag
        const std::size_t back = in_slice ? std::size_t{reader.ue()} + 1 : 1;
        const bool negative = reader.flag();
        const auto distance = static_cast<std::int32_t>(reader.ue(delta_max - 1) + 1);
        if (back > index || index > sets.size()) {
            reader.refuse();
            return {};
        }
        return predicted_set(reader, sets[index - back], negative ? -distance : distance);
    }
    ShortTermSet set;
    const std::uint32_t negative = reader.ue(ref_pictures_max);
    const std::uint32_t positive = reader.ue(ref_pictures_max);
    if (negative + positive > set.delta.size()) {
        reader.refuse();
        return set;
    }
    set.negative = static_cast<std::uint8_t>(negative);
    read_deltas(reader, set, 0, -1);
    set.positive = static_cast<std::uint8_t>(positive);
    read_deltas(reader, set, negative, 1);
    return set;
}

ProfileTierLevel read_profile_tier_level(BitReader& reader, unsigned sub_layers) {
    ProfileTierLevel level;
    level.space = static_cast<std::uint8_t>(reader.bits(2));
    level.high_tier = reader.flag();
    level.profile = static_cast<std::uint8_t>(reader.bits(5));
    level.compatibility = reader.bits(32);
    for (std::uint8_t& byte : level.constraints) {
        byte = reader.u8();
    }
    level.level = reader.u8();
    std::array<bool, 8> has_profile{};
    std::array<bool, 8> has_level{};
    for (unsigned i = 0; i + 1 < sub_layers; ++i) {
        has_profile[i] = reader.flag();
        has_level[i] = reader.flag();
    }
    if (sub_layers > 1) {
        reader.bits(2 * (8 - (sub_layers - 1)));   // reserved_zero_2bits
    }
    for (unsigned i = 0; i + 1 < sub_layers; ++i) {
        reader.skip((has_profile[i] ? 88 : 0) + (has_level[i] ? 8 : 0));
    }
    return level;
}

// scaling_list_data, §7.3.4
void skip_scaling_lists(BitReader& reader) {
    for (unsigned size = 0; size < 4; ++size) {
        for (unsigned matrix = 0; matrix < 6; matrix += size == 3 ? 3 : 1) {
            if (!reader.flag()) {
                reader.ue();   // scaling_list_pred_matrix_id_delta
                continue;
            }
            const unsigned coefficients = std::min(64U, 1U << (4 + (size << 1U)));
            if (size > 1) {
                reader.se();   // scaling_list_dc_coef_minus8
            }
            for (unsigned i = 0; i < coefficients && reader.ok(); ++i) {
                reader.se();
            }
        }
    }
}

namespace {

struct CommonHrd {
    bool nal = false;
    bool vcl = false;
    bool sub_pictures = false;
};

CommonHrd read_common_hrd(BitReader& reader) {
    CommonHrd common;
    common.nal = reader.flag();
    common.vcl = reader.flag();
    if (!common.nal && !common.vcl) {
        return common;
    }
    common.sub_pictures = reader.flag();
    if (common.sub_pictures) {
        reader.bits(19);   // tick_divisor_minus2 and lengths
    }
    reader.bits(8);   // bit_rate_scale, cpb_size_scale
    if (common.sub_pictures) {
        reader.bits(4);   // cpb_size_du_scale
    }
    reader.bits(15);   // three lengths
    return common;
}

void skip_sub_layer_hrd(BitReader& reader, std::uint32_t cpb_count, bool sub_pictures) {
    for (std::uint32_t i = 0; i < cpb_count && reader.ok(); ++i) {
        reader.ue();
        reader.ue();
        if (sub_pictures) {
            reader.ue();
            reader.ue();
        }
        reader.flag();
    }
}

}   // namespace

void skip_hrd_parameters(BitReader& reader, unsigned sub_layers) {
    const CommonHrd common = read_common_hrd(reader);
    for (unsigned i = 0; i < sub_layers && reader.ok(); ++i) {
        const bool fixed_general = reader.flag();
        const bool fixed_within = fixed_general || reader.flag();
        bool low_delay = false;
        if (fixed_within) {
            reader.ue();   // elemental_duration_in_tc_minus1
        } else {
            low_delay = reader.flag();
        }
        const std::uint32_t cpb_count = low_delay ? 1 : reader.ue(cpb_count_max - 1) + 1;
        if (common.nal) {
            skip_sub_layer_hrd(reader, cpb_count, common.sub_pictures);
        }
        if (common.vcl) {
            skip_sub_layer_hrd(reader, cpb_count, common.sub_pictures);
        }
    }
}

}   // namespace millrace::media::h265
