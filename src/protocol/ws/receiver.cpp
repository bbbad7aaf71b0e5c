#include "protocol/ws/receiver.hpp"

#include "base/byte_reader.hpp"

#include <algorithm>

namespace millrace::ws {

namespace {

// RFC 6455 §7.4.2, and the codes registered since.
bool may_be_sent(std::uint16_t code) {
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

Heard<> check_close(ByteSpan payload) {
    if (payload.empty()) {
        return {};
    }
    if (payload.size() == 1) {
        return fault(CloseCode::protocol_error, "a close frame with half a code");
    }
    ByteReader reader{payload};
    if (!may_be_sent(reader.u16())) {
        return fault(CloseCode::protocol_error, "a close frame with a code that is not sent");
    }
    Utf8Check reason;
    if (!reason.take(reader.rest()) || !reason.complete()) {
        return fault(CloseCode::bad_text, "a close frame's reason is not UTF-8");
    }
    return {};
}

}   // namespace

Heard<std::optional<Message>> Receiver::next(ByteSpan& bytes, Instant now) {
    for (;;) {
        if (!frame_) {
            auto head = heads_.next(bytes);
            if (!head) {
                return std::unexpected(head.error());
            }
            if (!*head) {
                return std::nullopt;
            }
            if (auto begun = begin(**head, now); !begun) {
                return std::unexpected(begun.error());
            }
        }
        const std::size_t count = std::min<std::uint64_t>(frame_->size - taken_, bytes.size());
        if (auto taken = take(bytes.first(count)); !taken) {
            return std::unexpected(taken.error());
        }
        bytes = bytes.subspan(count);
        if (taken_ < frame_->size) {
            return std::nullopt;
        }
        auto message = finish_frame();
        if (!message || *message) {
            return message;
        }
    }
}

Heard<> Receiver::begin(const FrameHead& head, Instant now) {
    if (role_ == Role::server && !rate_.spend(now)) {
        return fault(CloseCode::policy, "too many frames");
    }
    if (head.mask.has_value() != (role_ == Role::server)) {
        return fault(CloseCode::protocol_error,
                     head.mask ? "a masked frame from a server" : "an unmasked frame from a client");
    }
    if (!is_control(head.opcode)) {
        if ((head.opcode == Opcode::continuation) != kind_.has_value()) {
            return fault(CloseCode::protocol_error,
                         kind_ ? "a new message inside of one in fragments" : "a continuation of no message");
        }
        if (head.size > limits_.message_size_max - message_size_) {
            return fault(CloseCode::too_big, "a message larger than what is taken");
        }
        message_size_ += head.size;
        kind_ = kind_.value_or(head.opcode);
    }
    frame_ = head;
    taken_ = 0;
    return {};
}

Heard<> Receiver::take(ByteSpan part) {
    const bool control = is_control(frame_->opcode);
    const bool checked = !control && kind_ == Opcode::text;
    if (!control && limits_.drops_messages && !checked) {
        taken_ += part.size();
        return {};
    }
    // What is dropped goes through here too, in pieces, because a mask hides whether it is UTF-8.
    std::vector<std::byte>& into = control ? control_ : message_;
    const std::size_t before = into.size();
    into.insert(into.end(), part.begin(), part.end());
    const std::span<std::byte> fresh = std::span{into}.subspan(before);
    if (frame_->mask) {
        apply_mask(fresh, *frame_->mask, taken_);
    }
    taken_ += part.size();
    if (checked && !text_.take(fresh)) {
        return fault(CloseCode::bad_text, "a text message is not UTF-8");
    }
    if (!control && limits_.drops_messages) {
        message_ = {};
    }
    return {};
}

Heard<std::optional<Message>> Receiver::finish_frame() {
    const FrameHead head = *std::exchange(frame_, std::nullopt);
    if (is_control(head.opcode)) {
        Message message{head.opcode, std::exchange(control_, {})};
        if (head.opcode == Opcode::close) {
            if (auto checked = check_close(message.payload); !checked) {
                return std::unexpected(checked.error());
            }
        }
        return message;
    }
    if (!head.last) {
        return std::nullopt;
    }
    if (!text_.complete()) {
        return fault(CloseCode::bad_text, "a text message ends within a character");
    }
    message_size_ = 0;
    return Message{*std::exchange(kind_, std::nullopt), std::exchange(message_, {})};
}

CloseCode code_of(const Message& close) {
    ByteReader reader{close.payload};
    const std::uint16_t code = reader.u16();
    return reader.ok() ? CloseCode{code} : CloseCode::no_status;
}

}   // namespace millrace::ws
