#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

namespace millrace::media {

/// SliceQpY of a picture's slices, as their headers say it: 26 + pic_init_qp_minus26 + slice_qp_delta (H.264
/// equation 7-30, H.265 equation 7-54). What an encoder adds to it block by block (adaptive quantisation) is
/// not in it.
struct SliceQp {
    float average = 0;   ///< over the slices, each counting once
    std::int8_t min = 0;
    std::int8_t max = 0;
};

/// Gathers the slices of one picture.
class SliceQpSum {
public:
    void add(std::int8_t qp) {
        min_ = std::min(min_, qp);
        max_ = std::max(max_, qp);
        sum_ += qp;
        ++slices_;
    }
    /// Nothing: no slice could be read so far.
    std::optional<SliceQp> result() const {
        return slices_ == 0 ? std::nullopt
                            : std::optional{SliceQp{static_cast<float>(sum_) / static_cast<float>(slices_),
                                                    min_, max_}};
    }

private:
    std::int32_t sum_ = 0;
    std::int32_t slices_ = 0;
    std::int8_t min_ = INT8_MAX;
    std::int8_t max_ = INT8_MIN;
};

}   // namespace millrace::media
