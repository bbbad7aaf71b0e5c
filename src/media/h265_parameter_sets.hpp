#pragma once

#include "media/h265.hpp"
#include "media/parameter_set_table.hpp"

namespace millrace::media::h265 {

/// The parameter sets of one H.265 track. One thread.
class ParameterSets {
public:
    /// Takes a VPS, SPS or PPS; another one of its id is replaced. Whether anything changed. All together are
    /// bounded by parameter_sets_bytes_max.
    Result<bool> put(ByteSpan nal);

    const Sps* sps(std::uint8_t id) const { return sps_.find(id); }
    const Pps* pps(std::uint8_t id) const { return pps_.find(id); }
    /// Whether a slice that refers to this SPS can be decoded: its VPS is here too.
    bool complete(const Sps& sps) const { return vps_.find(sps.vps_id) != nullptr; }
    /// The track's configuration, its size and names from the SPS given, or the first usable one.
    Result<TrackConfig> config(const Sps* active = nullptr) const;

private:
    ParameterSetTable<Vps> vps_;
    ParameterSetTable<Sps> sps_;
    ParameterSetTable<Pps> pps_;
};

}   // namespace millrace::media::h265
