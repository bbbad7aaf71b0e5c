#pragma once

#include "base/result.hpp"
#include "media/track.hpp"

#include <span>

namespace millrace::media::h264 {

/// What an avcC says: the parameter sets, and how many bytes the NAL unit lengths have that come with it.
struct AvcConfiguration {
    TrackConfig config;
    unsigned length_size = 4;   ///< 1, 2 or 4
};

/// Reads an AVCDecoderConfigurationRecord. No parameter set, one that does not parse, a length beyond the
/// record, lengthSizeMinusOne 2: malformed.
Result<AvcConfiguration> read_avcc(ByteSpan record);

/// The record for a configuration, with 4-byte lengths; empty for a configuration without SPS.
std::vector<std::byte> write_avcc(const TrackConfig& config);

/// A configuration from bare parameter sets (SDP's sprop-parameter-sets, in-band ones), in any order, NAL
/// types other than SPS and PPS left out. A later one of the same id replaces the earlier.
Result<TrackConfig> config_from(std::span<const ByteSpan> nals);

}   // namespace millrace::media::h264
