#include "protocol/media_link/link.hpp"

#include "base/byte_reader.hpp"

namespace millrace::media_link {

namespace {

constexpr std::size_t length_size = 4;

}   // namespace

Link::Link(Side side, Instant now) : side_{side}, heard_at_{now} {
    [[maybe_unused]] const Result<> said = write(output_, Hello{});
}

Instant Link::deadline() const {
    return side_ == Side::server && !over_ ? heard_at_ + silence_max : Instant::never();
}

Result<> Link::advance(Instant now) {
    if (now < deadline()) {
        return {};
    }
    over_ = true;
    return fail(Errc::timed_out, "the child says nothing");
}

std::optional<Link::Event> Link::next_event() {
    if (events_.empty()) {
        return std::nullopt;
    }
    std::optional<Event> event{std::move(events_.front())};
    events_.pop_front();
    return event;
}

Result<> Link::receive(ByteSpan bytes, Instant now) {
    heard_at_ = now;
    input_.insert(input_.end(), bytes.begin(), bytes.end());
    ByteSpan rest{input_};
    Result<> taken;
    while (taken && rest.size() >= length_size) {
        const std::uint32_t length = ByteReader{rest}.u32();
        if (length == 0 || length > message_bytes_max) {
            taken = fail(Errc::exhausted, "a message of a size that the link does not have");
        } else if (rest.size() - length_size < length) {
            break;
        } else {
            taken = take_message(rest.subspan(length_size, length));
            rest = rest.subspan(length_size + length);
        }
    }
    if (!taken) {
        over_ = true;
        input_.clear();
        return taken;
    }
    input_.erase(input_.begin(), input_.end() - static_cast<std::ptrdiff_t>(rest.size()));
    return {};
}

Result<> Link::take_message(ByteSpan bytes) {
    if (over_) {
        return fail(Errc::malformed, "a message after the end");
    }
    Result<Message> message = read(bytes);
    if (!message) {
        return std::unexpected(message.error());
    }
    return accept(std::move(*message));
}

bool Link::allowed(const Message& message) const {
    if (std::holds_alternative<Hello>(message)) {
        return !greeted_;
    }
    if (std::holds_alternative<Start>(message)) {
        return greeted_ && side_ == Side::child && !started_;
    }
    if (std::holds_alternative<Command>(message) || std::holds_alternative<Release>(message)) {
        return started_ && side_ == Side::child;
    }
    if (std::holds_alternative<media::Track>(message) || std::holds_alternative<media::AccessUnit>(message)) {
        return started_;
    }
    return greeted_ && side_ == Side::server;
}

Result<> Link::accept(Message message) {
    if (!allowed(message)) {
        return fail(Errc::malformed, "a message that is not for here and now");
    }
    Result<> taken;
    if (const auto* hello = std::get_if<Hello>(&message)) {
        greeted_ = true;
        taken =
            hello->version == version ? Result<>{} : fail(Errc::unsupported, "another version of the link");
    } else if (std::holds_alternative<Start>(message)) {
        started_ = true;
    } else if (auto* track = std::get_if<media::Track>(&message)) {
        taken = theirs_.take(*track);
    } else if (auto* unit = std::get_if<media::AccessUnit>(&message)) {
        taken = theirs_.take(*unit);
    } else if (const auto* picture = std::get_if<Picture>(&message)) {
        taken = hand_over(picture->slot, true);
    } else if (const auto* release = std::get_if<Release>(&message)) {
        taken = hand_over(release->slot, false);
    } else if (std::holds_alternative<End>(message)) {
        over_ = true;
    }
    if (taken) {
        events_.push_back(std::move(message));
    }
    return taken;
}

Result<> Link::hand_over(std::size_t slot, bool to_server) {
    if (at_server_[slot] == to_server) {
        return fail(Errc::malformed, "a slot that is at the other end");
    }
    at_server_[slot] = to_server;
    return {};
}

Result<> Link::send(const Message& message) {
    if (const auto* unit = std::get_if<media::AccessUnit>(&message)) {
        if (unit->track >= tracks_max || unit->config == nullptr) {
            return fail(Errc::unsupported, "an access unit of no track");
        }
        if (ours_[unit->track] != unit->config) {
            const media::Track track{.id = unit->track,
                                     .kind = unit->kind(),
                                     .origin = {},
                                     .language = {},
                                     .config = unit->config};
            const Result<> said = send(track);
            if (!said) {
                return said;
            }
        }
    } else if (const auto* track = std::get_if<media::Track>(&message)) {
        if (track->id >= tracks_max) {
            return fail(Errc::unsupported, "a track beyond the link's last");
        }
        ours_[track->id] = track->config;
    } else if (std::holds_alternative<Start>(message)) {
        started_ = true;
    } else if (const auto* picture = std::get_if<Picture>(&message)) {
        const Result<> handed = hand_over(picture->slot, true);
        return handed ? write(output_, message) : handed;
    } else if (const auto* release = std::get_if<Release>(&message)) {
        const Result<> handed = hand_over(release->slot, false);
        return handed ? write(output_, message) : handed;
    }
    return write(output_, message);
}

}   // namespace millrace::media_link
