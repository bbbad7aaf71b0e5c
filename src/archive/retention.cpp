#include "archive/retention.hpp"

#include <algorithm>
#include <map>

namespace millrace::archive {

namespace {

std::int64_t in_microseconds(Duration duration) {
    return std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
}

bool stays(const Stock::File& file) {
    return file.open || file.pinned || file.unmoved;
}

}   // namespace

std::vector<std::uint64_t> to_remove(const Stock& stock, const Keep& keep) {
    std::vector<const Stock::File*> oldest_first;
    std::map<std::string_view, std::uint64_t> of_stream;
    std::uint64_t all = 0;
    for (const Stock::File& file : stock.files) {
        oldest_first.push_back(&file);
        of_stream[file.stream] += file.bytes;
        all += file.bytes;
    }
    std::ranges::sort(oldest_first, {},
                      [](const auto* file) { return std::tuple{file->unsent, file->span.from, file->id}; });
    std::uint64_t free = stock.free;
    std::uint64_t removable = 0;
    for (const Stock::File& file : stock.files) {
        removable += stays(file) ? 0 : file.bytes;
    }
    // Somebody else fills the disk: all we have would go, and be of no help.
    const std::uint64_t free_min = free + removable < keep.free_min ? 0 : keep.free_min;
    std::vector<std::uint64_t> going;
    for (const Stock::File* const file : oldest_first) {
        const bool old =
            stock.now && keep.age_max && !file->unsent &&
            file->span.to.microseconds < stock.now->microseconds - in_microseconds(*keep.age_max);
        const bool over = (keep.bytes_max && all > *keep.bytes_max) ||
                          (keep.stream_bytes_max && of_stream[file->stream] > *keep.stream_bytes_max);
        if (stays(*file) || !(old || over || free < free_min)) {
            continue;
        }
        going.push_back(file->id);
        of_stream[file->stream] -= file->bytes;
        all -= file->bytes;
        free += file->bytes;
    }
    return going;
}

std::optional<WallTime> ClockTrust::believe(WallTime utc, Instant now) {
    const std::optional<WallTime> last = utc_ ? utc_ : before_;
    if (last) {
        const std::int64_t went = utc.microseconds - last->microseconds;
        const std::int64_t should = utc_ ? in_microseconds(now - at_) : 0;
        if (std::abs(went - should) > in_microseconds(jump_max)) {
            held_ = now;
        }
    }
    utc_ = utc;
    at_ = now;
    if (held_ && now - *held_ >= hold) {
        held_.reset();
    }
    return held_ ? std::nullopt : std::optional{utc};
}

}   // namespace millrace::archive
