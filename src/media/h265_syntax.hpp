#pragma once

#include "media/h265.hpp"

/// Parts that parameter sets and slice headers of H.265 share. A broken one makes the reader not ok.
namespace millrace::media::h265 {

inline constexpr std::uint32_t sps_id_max = 15;
inline constexpr std::uint32_t pps_id_max = 63;
inline constexpr std::uint32_t ref_pictures_max = 16;   // A.4.2: MaxDpbSize is never more
inline constexpr std::uint32_t ref_idx_max = 15;        // §7.4.7.1

ProfileTierLevel read_profile_tier_level(BitReader& reader, unsigned sub_layers);
void skip_scaling_lists(BitReader& reader);
/// hrd_parameters, §E.2.2, with the common part.
void skip_hrd_parameters(BitReader& reader, unsigned sub_layers);

}   // namespace millrace::media::h265
