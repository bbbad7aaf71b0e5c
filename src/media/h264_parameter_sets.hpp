#pragma once

#include "media/h264.hpp"
#include "media/parameter_set_table.hpp"

namespace millrace::media::h264 {

/// The parameter sets of one H.264 track. One thread.
class ParameterSets {
public:
    /// Takes an SPS or PPS; another one of its id is replaced. Whether anything changed. All together are
    /// bounded by parameter_sets_bytes_max.
    Result<bool> put(ByteSpan nal);

    const Sps* sps(std::uint8_t id) const { return sps_.find(id); }
    const Pps* pps(std::uint8_t id) const { return pps_.find(id); }
    /// Whether there is a pair that a slice could refer to.
    bool usable() const;
    /// The track's configuration, its size and names from the SPS given, or the first usable one.
    Result<TrackConfig> config(const Sps* active = nullptr) const;

private:
    ParameterSetTable<Sps> sps_;
    ParameterSetTable<Pps> pps_;
};

}   // namespace millrace::media::h264
