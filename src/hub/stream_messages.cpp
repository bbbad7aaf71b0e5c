#include "hub/directory.hpp"
#include "hub/stream.hpp"

// What applications say of a stream's pictures, beside the frames and never in their bytes; and to the
// publisher.

namespace millrace::hub {

bool Stream::admits(const media::TimedMessage& message, Instant now) {
    bool admitted = message_rate_.spend(now);
    for (std::size_t left = message.body.size() + 1023; admitted && left >= 1024; left -= 1024) {
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
        if (message.source_pts) {
            // What the publisher's times were moved by holds for its messages, too.
            message.pts = *std::exchange(message.source_pts, std::nullopt) + source_shift_;
            message.capture = moments_.at(message.pts).value_or(handle_.home->clock().utc());
        } else {
            taken = moments_.bind(message);
        }
    }
    if (!taken) {
        ++messages_.refused;
        return taken;
    }
    ++messages_.taken;
    messages_said_.insert(message.kind);
    for (auto& [key, derived] : derived_) {
        derived->say(message, now);
    }
    for (auto& [key, packaged] : packaged_) {
        packaged->say(message);
    }
    if (recording_) {
        recording_->say(message);
    }
    directory_.tell_result(name_, message);
    return {};
}

Result<> Stream::send_back(Bytes message) {
    if (!publisher_) {
        return fail(Errc::not_found, "nobody publishes this stream now");
    }
    if (!publisher_->facts.hears) {
        return fail(Errc::unsupported,
                    "this stream's publisher takes no messages: one that comes by kcp:// does");
    }
    if (!back_rate_.spend(handle_.home->now())) {
        return fail(Errc::throttled, "a stream's publisher takes 10 messages a second");
    }
    publisher_->session.ask(AskMessage{std::move(message)});
    return {};
}

}   // namespace millrace::hub
