#include "hub/directory.hpp"
#include "hub/stream.hpp"

// What applications say of a stream's pictures: beside the frames, never in their bytes.

namespace millrace::hub {

bool Stream::admits(const media::TimedMessage& message, Instant now) {
    bool admitted = message_rate_.spend(now);
    for (std::size_t left = message.json.size() + 1023; admitted && left >= 1024; left -= 1024) {
        admitted = message_kilobytes_.spend(now);
    }
    return admitted;
}

Result<> Stream::say(media::TimedMessage& message) {
    const Instant now = handle_.home->now();
    Result<> taken;
    if (!publisher_ || !ready_) {
        taken = fail(Errc::not_found, "nobody publishes this stream now: results go beside its frames");
    } else if (!admits(message, now)) {
        taken = fail(Errc::throttled, "a stream takes 100 results and 512 KB of them a second");
    } else {
        taken = moments_.bind(message);
    }
    if (!taken) {
        ++messages_.refused;
        return taken;
    }
    ++messages_.taken;
    for (auto& [key, derived] : derived_) {
        derived->say(message, now);
    }
    directory_.tell_result(name_, message);
    return {};
}

}   // namespace millrace::hub
