#include "protocol/ws/conversation.hpp"

namespace millrace::ws {

static_assert(ProtocolMachine<Conversation>);

Result<> Conversation::receive(ByteSpan bytes, Instant now) {
    while (state_ != State::finished) {
        auto message = receiver_.next(bytes, now);
        if (!message) {
            if (state_ == State::open) {
                append_close(last_words_, message.error().code, mask());
            }
            finish();
            return fail(Errc::malformed, message.error().what);
        }
        if (!*message) {
            return {};
        }
        if (auto heard = hear(std::move(**message)); !heard) {
            return heard;
        }
    }
    return fail(Errc::closed, "the conversation is over");
}

Result<> Conversation::hear(Message message) {
    switch (message.kind) {
        case Opcode::close:
            if (state_ == State::open) {
                append_close(last_words_, code_of(message), mask());   // RFC 6455 §5.5.1: its code
            }
            events_.emplace_back(Closed{code_of(message)});
            finish();
            return fail(Errc::closed, "the peer closed the WebSocket");
        case Opcode::ping:
            if (state_ == State::open) {
                say(Opcode::pong, message.payload);
            }
            return {};
        case Opcode::pong: return {};
        default: events_.emplace_back(std::move(message)); return {};
    }
}

Result<> Conversation::advance(Instant now) {
    if (now < deadline_) {
        return {};
    }
    finish();
    return fail(Errc::timed_out, "the peer did not answer our close");
}

std::optional<Conversation::Event> Conversation::next_event() {
    if (events_.empty()) {
        return std::nullopt;
    }
    Event event = std::move(events_.front());
    events_.pop_front();
    return event;
}

void Conversation::send(Opcode kind, ByteSpan payload) {
    if (state_ == State::open || !last_words_.empty()) {
        say(kind, payload);
    }
}

std::vector<std::byte> Conversation::next_output() {
    output_.insert(output_.end(), last_words_.begin(), last_words_.end());
    last_words_.clear();
    return std::exchange(output_, {});
}

void Conversation::finish() {
    state_ = State::finished;
    deadline_ = Instant::never();
}

void Conversation::close(CloseCode code, Instant now) {
    if (state_ == State::open) {
        append_close(output_, code, mask());
        state_ = State::closing;
        deadline_ = now + close_timeout;
    }
}

void Conversation::say(Opcode opcode, ByteSpan payload) {
    append_frame(output_, {.opcode = opcode, .last = true, .mask = mask(), .size = payload.size()}, payload);
}

std::optional<Mask> Conversation::mask() {
    if (masks_ == nullptr) {
        return std::nullopt;
    }
    Mask mask;
    masks_->fill(mask);
    return mask;
}

}   // namespace millrace::ws
