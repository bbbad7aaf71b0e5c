#include "hub/segment_seat.hpp"

#include <algorithm>

namespace millrace::hub {

std::string_view SegmentSeats::key(std::string_view stream, std::string_view form,
                                   std::string_view viewer_key) {
    // Neither a stream's name nor a form has a line's end in it.
    key_.assign(stream).append("\n").append(form).append("\n").append(viewer_key);
    return key_;
}

const SegmentSeat* SegmentSeats::find(std::string_view stream, std::string_view form,
                                      std::string_view viewer_key) {
    const auto found = seats_.find(key(stream, form, viewer_key));
    if (found == seats_.end()) {
        return nullptr;
    }
    if (!found->second.is_open()) {
        seats_.erase(found);
        return nullptr;
    }
    return &found->second;
}

void SegmentSeats::keep(std::string_view stream, std::string_view form, std::string_view viewer_key,
                        SegmentSeat seat) {
    if (!seat.is_open()) {
        return;
    }
    make_room();
    seats_.insert_or_assign(std::string{key(stream, form, viewer_key)}, std::move(seat));
}

void SegmentSeats::make_room() {
    if (seats_.size() < sweep_at_) {
        return;
    }
    std::erase_if(seats_, [](const auto& one) { return !one.second.is_open(); });
    if (seats_.size() >= seats_max) {
        seats_.clear();
    }
    constexpr std::size_t sweep_min = 64;
    sweep_at_ = std::min(std::max(2 * seats_.size(), sweep_min), seats_max);
}

}   // namespace millrace::hub
