#pragma once

#include "base/rate_limit.hpp"
#include "protocol/link/talk.hpp"

#include <functional>

namespace millrace::session {

/// What is left of the talk of one who sends once media comes from a shared log: it hears what the receiver
/// wishes, what applications say there, and why it ends.
class LinkBackChannel final : public BackChannel {
public:
    using OnWish = std::function<void(const link::Wish& wish)>;
    using OnRefusal = std::function<void(const std::string& words)>;
    using OnNote = std::function<void(const Bytes& json)>;
    /// Of what applications say; what is beyond is left out.
    static constexpr int notes_per_second_max = 20;
    static constexpr int notes_at_once_max = 40;

    /// Any may be empty.
    LinkBackChannel(link::Talk talk, OnWish on_wish, OnRefusal on_refusal, OnNote on_note = nullptr)
        : talk_{std::move(talk)},
          on_wish_{std::move(on_wish)},
          on_refusal_{std::move(on_refusal)},
          on_note_{std::move(on_note)} {}

    Result<> receive(ByteSpan bytes, Instant now) override {
        Result<> received = talk_.receive(bytes, now);
        while (const std::optional<link::Talk::Event> event = talk_.next_event()) {
            if (const auto* const refusal = std::get_if<link::Refusal>(&*event)) {
                if (on_refusal_) {
                    on_refusal_(refusal->words);
                }
                return fail(Errc::closed, "the peer ended it");
            }
            if (const auto* const wish = std::get_if<link::Wish>(&*event); wish != nullptr && on_wish_) {
                on_wish_(*wish);
            }
            if (const auto* const note = std::get_if<link::Note>(&*event);
                note != nullptr && on_note_ && notes_.spend(now)) {
                on_note_(note->json);
            }
        }
        return received;
    }
    std::vector<std::byte> next_output() override { return talk_.next_output(); }

private:
    link::Talk talk_;
    OnWish on_wish_;
    OnRefusal on_refusal_;
    OnNote on_note_;
    RateLimit<notes_per_second_max, notes_at_once_max> notes_;
};

}   // namespace millrace::session
