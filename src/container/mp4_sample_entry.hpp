#pragma once

#include "base/result.hpp"
#include "container/mp4_box.hpp"
#include "container/mp4_init.hpp"

#include <cstdint>
#include <optional>
#include <vector>

/// Sample entries: how the samples of a track are coded.
namespace millrace::mp4 {

/// Appends the sample entry of a carried configuration.
void write_sample_entry(std::vector<std::byte>& out, const media::TrackConfig& config, ParameterSets where);

/// What a sample entry says.
struct SampleEntry {
    media::Codec codec = media::Codec::h264;
    std::optional<media::TrackConfig> config;   ///< none where the parameter sets are in band only
    unsigned length_size = 4;                   ///< of NAL units
};

/// Nothing for a codec that we do not carry. Encrypted samples are unsupported.
Result<std::optional<SampleEntry>> read_sample_entry(const Box& entry, BoxPath& path);

}   // namespace millrace::mp4
