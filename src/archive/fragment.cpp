#include "archive/fragment.hpp"

#include "media/time.hpp"

#include <utility>

namespace millrace::archive {

namespace {

constexpr std::int64_t microseconds = 1'000'000;

}   // namespace

std::optional<Fragment> FragmentTally::add(const RecordHead& head, std::uint64_t offset) {
    const std::uint64_t end = offset + head_size + head.body_size;
    const std::int64_t duration = media::rescale(head.duration, head.timescale, microseconds);
    const bool ends =
        (head.flags & RecordHead::uplinked) == 0 || (head.flags & RecordHead::ends_fragment) != 0;
    if (!head.begins()) {
        if (open_ && !harmed_ && open_->number == head.fragment) {
            whole_ = ends;
            open_->size = end - open_->offset;
            open_->duration_us += head.track == lead_ ? duration : 0;
        }
        return std::nullopt;
    }
    std::optional<Fragment> done = finish();
    lead_ = head.track;
    whole_ = ends;
    open_ = Fragment{.number = head.fragment,
                     .offset = offset,
                     .size = end - offset,
                     .utc = head.utc,
                     .media_us = media::rescale(head.dts, head.timescale, microseconds),
                     .duration_us = duration,
                     .key = (head.flags & RecordHead::key) != 0,
                     .discontinuity = (head.flags & RecordHead::discontinuity) != 0};
    return done;
}

void FragmentTally::harm() {
    harmed_ = true;
}

std::optional<Fragment> FragmentTally::finish() {
    harmed_ = false;
    std::optional<Fragment> done = std::exchange(open_, std::nullopt);
    return whole_ ? done : std::nullopt;
}

}   // namespace millrace::archive
