#include "protocol/link/talk.hpp"

#include "base/byte_reader.hpp"
#include "protocol/media_link/message.hpp"

namespace millrace::link {

namespace {

constexpr std::size_t length_size = 4;

}   // namespace

Talk::Talk(const Hello& hello, Instant now)
    : side_{Side::caller}, due_{now + answer_max}, direction_{hello.direction} {
    say(hello);
}

void Talk::say(const Message& message) {
    // What does not fit is a name that no host has: it will refuse what it hears instead.
    if (!write(output_, message)) {
        [[maybe_unused]] const Result<> said = write(output_, Refusal{Errc::malformed, "too long a name"});
    }
}

/// Whether media goes from here to the peer.
bool Talk::sends() const {
    return (side_ == Side::caller) == (direction_ != Direction::play);
}

std::size_t Talk::message_max() const {
    if (phase_ != Phase::open) {
        return greeting_bytes_max;
    }
    return sends() ? Note::bytes_max + 1 : media_link::message_bytes_max;
}

Result<> Talk::advance(Instant now) {
    if (now < due_) {
        return {};
    }
    if (phase_ == Phase::open) {
        return fail(Errc::timed_out, "no media came for too long");
    }
    return fail(Errc::timed_out, side_ == Side::host ? "it did not say what it wants within 5 s"
                                                     : "the server let nobody in, and did not say why");
}

std::optional<Talk::Event> Talk::next_event() {
    if (events_.empty()) {
        return std::nullopt;
    }
    std::optional<Event> event{std::move(events_.front())};
    events_.pop_front();
    return event;
}

Result<> Talk::receive(ByteSpan bytes, Instant now) {
    received_ += bytes.size();
    input_.insert(input_.end(), bytes.begin(), bytes.end());
    ByteSpan rest{input_};
    Result<> taken;
    while (taken && rest.size() >= length_size) {
        const std::uint32_t length = ByteReader{rest}.u32();
        if (length == 0 || length > message_max()) {
            taken = fail(Errc::exhausted, "a message of a size that the link does not have");
        } else if (rest.size() - length_size < length) {
            break;
        } else {
            taken = take_message(rest.subspan(length_size, length), now);
            rest = rest.subspan(length_size + length);
        }
    }
    input_.erase(input_.begin(), input_.end() - static_cast<std::ptrdiff_t>(taken ? rest.size() : 0));
    return taken;
}

Result<> Talk::take_message(ByteSpan bytes, Instant now) {
    Result<std::optional<Message>> message = read(bytes);
    if (!message) {
        return std::unexpected(message.error());
    }
    if (!*message) {
        return {};
    }
    if (std::holds_alternative<Refusal>(**message)) {
        due_ = Instant::never();
        events_.push_back(std::move(**message));
        return {};
    }
    return phase_ == Phase::open ? take_media(std::move(**message), now)
                                 : take_greeting(std::move(**message), now);
}

Result<> Talk::take_greeting(Message message, Instant now) {
    const auto* const hello = std::get_if<Hello>(&message);
    const auto* const welcome = std::get_if<Welcome>(&message);
    const bool awaited =
        side_ == Side::host ? hello != nullptr && phase_ == Phase::before : welcome != nullptr;
    if (!awaited) {
        return fail(Errc::malformed, "a message that is not for here and now");
    }
    if ((hello != nullptr ? hello->version : welcome->version) != version) {
        constexpr std::string_view words =
            "the two ends speak different versions of the link: update the older";
        refuse(Errc::unsupported, std::string{words});
        return fail(Errc::unsupported, words);
    }
    phase_ = side_ == Side::host ? Phase::answering : Phase::open;
    due_ = Instant::never();
    if (phase_ == Phase::open && !sends()) {
        wait_for_media(now);
    }
    direction_ = hello != nullptr ? hello->direction : direction_;
    events_.push_back(std::move(message));
    return {};
}

Result<> Talk::take_media(Message message, Instant now) {
    const bool back = std::holds_alternative<Wish>(message) || std::holds_alternative<Note>(message);
    if (back != sends() || std::holds_alternative<Hello>(message) ||
        std::holds_alternative<Welcome>(message)) {
        return fail(Errc::malformed, "a message that is not for here and now");
    }
    if (const auto* const proof = std::get_if<ChunkProof>(&message)) {
        checker_.take(*proof);
        return {};
    }
    Result<> taken;
    if (auto* const track = std::get_if<media::Track>(&message)) {
        taken = tracks_.take(*track);
    } else if (auto* const unit = std::get_if<media::AccessUnit>(&message)) {
        taken = tracks_.take(*unit);
        if (taken) {
            checker_.take(*unit);
            ++since_cut_;
            wait_for_media(now);
        }
    } else if (auto* const cut = std::get_if<SegmentCut>(&message)) {
        cut->whole = seen_cut_ && cut->units == since_cut_;
        seen_cut_ = true;
        since_cut_ = 0;
    }
    if (taken) {
        events_.push_back(std::move(message));
    }
    return taken;
}

void Talk::welcome(Hops hops) {
    say(Welcome{.hops = std::move(hops)});
    phase_ = Phase::open;
}

void Talk::refuse(Errc code, std::string words) {
    say(Refusal{code, std::move(words)});
}

void Talk::wish(Wish wish) {
    if (phase_ == Phase::open && !sends()) {
        say(wish);
    }
}

void Talk::note(Bytes json) {
    if (phase_ == Phase::open && !sends()) {
        say(Note{std::move(json)});
    }
}

}   // namespace millrace::link
