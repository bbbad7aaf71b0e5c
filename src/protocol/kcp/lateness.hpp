#pragma once

#include "base/time.hpp"

#include <array>
#include <cstdint>

namespace millrace::kcp {

/// The share of segments whose first copy does not arrive, of some hundred last ones.
class LossShare {
public:
    static constexpr double memory = 256;   ///< segments
    static constexpr double at_first = 0.02;

    void add(bool lost) {
        weight_ = weight_ < memory ? weight_ + 1 : memory;
        share_ += ((lost ? 1.0 : 0.0) - share_) / weight_;
    }
    double share() const { return share_; }

private:
    double share_ = at_first;
    double weight_ = 32;   // what the first guess counts for
};

/// How late segments come that others overtook, and from it how long a gap is waited for. A gap may be a loss
/// or lateness: the rarer losses are, the longer waiting pays.
class Lateness {
public:
    static constexpr std::size_t longest_ms = 400;
    /// So many samples make the older ones count half.
    static constexpr std::uint32_t samples_max = 4'096;
    static constexpr Duration at_first = 10ms;

    /// How long after the first sign that it was overtaken a segment came; 0 if it was not.
    void add(Duration late);
    /// How long to wait, where so large a share is lost.
    Duration window(double loss);

private:
    std::array<std::uint32_t, longest_ms + 1> counts_{};
    std::uint32_t total_ = 0;
    std::size_t largest_ = 0;
    unsigned fresh_ = 0;   // samples since the window was worked out
    Duration window_ = at_first;
};

}   // namespace millrace::kcp
