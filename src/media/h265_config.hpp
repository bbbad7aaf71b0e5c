#pragma once

#include "base/result.hpp"
#include "media/track.hpp"

#include <span>

namespace millrace::media::h265 {

/// What an hvcC says: the parameter sets, and how many bytes the NAL unit lengths have that come with it.
struct HevcConfiguration {
    TrackConfig config;
    unsigned length_size = 4;   ///< 1, 2 or 4
};

/// Reads an HEVCDecoderConfigurationRecord. A missing VPS, SPS or PPS, one that does not parse, a length
/// beyond the record, lengthSizeMinusOne 2: malformed. Arrays of other NAL types are left out.
Result<HevcConfiguration> read_hvcc(ByteSpan record);

/// The record for a configuration, with 4-byte lengths and complete arrays; empty without a usable SPS.
std::vector<std::byte> write_hvcc(const TrackConfig& config);

/// A configuration from bare parameter sets (SDP's sprop-vps, sprop-sps, sprop-pps), in any order, other NAL
/// types left out. A later one of the same id replaces the earlier.
Result<TrackConfig> config_from(std::span<const ByteSpan> nals);

}   // namespace millrace::media::h265
