#include "protocol/link/tls_association.hpp"

#include "base/byte_reader.hpp"
#include "base/byte_writer.hpp"

#include <algorithm>

namespace millrace::link {

// A frame inside TLS: length 2, of what follows; a word 1, and what it says:
//
//    data    1 | bytes of the conversation, 1 to 16,384
//    ping    2 | 8 bytes, whatever the sender likes
//    pong    3 | the same, back
//    close   4 | why, as text
//
// Words of later versions are passed over.

namespace {
constexpr std::size_t length_size = 2;
}   // namespace

TlsAssociation::TlsAssociation(Role role, Tls tls, Instant now)
    : tls_{std::move(tls)}, began_at_{now}, heard_at_{now}, spoke_at_{now} {
    if (role == Role::client) {
        receive({}, now);
    }
}

void TlsAssociation::receive(ByteSpan bytes, Instant now) {
    if (ending_) {
        return;
    }
    const bool was_open = tls_.is_open();
    const Result<> taken = tls_.take(bytes, input_);
    if (!was_open && tls_.is_open()) {
        heard_at_ = now;
        spoke_at_ = now - speak_after;
    }
    take_frames(now);
    if (!taken) {
        end(taken.error().code, taken.error().what);
    }
}

void TlsAssociation::take_frames(Instant now) {
    std::size_t used = 0;
    while (!ending_) {
        ByteReader reader{ByteSpan{input_}.subspan(used)};
        const std::size_t size = reader.u16();
        if (!reader.ok()) {
            break;
        }
        if (size == 0 || size > message_max + 1) {
            end(Errc::malformed, "the peer's frames cannot be read");
            break;
        }
        if (reader.rest().size() < size) {
            break;
        }
        const ByteSpan frame = reader.rest().first(size);
        hear(static_cast<Word>(frame.front()), frame.subspan(1), now);
        used += length_size + size;
    }
    input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(used));
}

void TlsAssociation::hear(Word word, ByteSpan body, Instant now) {
    heard_at_ = now;
    ByteReader reader{body};
    switch (word) {
        case Word::data:
            if (!body.empty()) {
                messages_.emplace_back(body.begin(), body.end());
                unread_ += body.size();
            }
            break;
        case Word::ping:
            if (body.size() == stamp_size) {
                pong_ = reader.u64();
            }
            break;
        case Word::pong:
            // Only our own words come back; a peer that makes some up spoils its own figures.
            if (body.size() == stamp_size) {
                const Duration took =
                    now - Instant::from_nanoseconds(static_cast<std::int64_t>(reader.u64()));
                if (took >= 0ns && took < dead_after) {
                    round_trip_ = took;
                    round_trip_min_ = round_trip_min_ == 0ns ? took : std::min(round_trip_min_, took);
                }
            }
            break;
        case Word::close: end(Errc::closed, "the peer closed the link"); break;
        default: break;
    }
}

void TlsAssociation::advance(Instant now) {
    if (ending_) {
        return;
    }
    if (!tls_.is_open()) {
        if (now >= began_at_ + handshake_max) {
            end(Errc::timed_out, "no handshake of the link within 10 s");
        }
        return;
    }
    if (!wants_more()) {
        heard_at_ = now;   // what the peer says waits in the stream
    }
    if (now >= heard_at_ + dead_after) {
        end(Errc::timed_out, "the peer of the link fell silent");
        return;
    }
    if (now >= spoke_at_ + speak_after) {
        spoke_at_ = now;
        ping_ = static_cast<std::uint64_t>(now.nanoseconds());
    }
}

Instant TlsAssociation::deadline() const {
    if (ending_) {
        return Instant::never();
    }
    return tls_.is_open() ? std::min(heard_at_ + dead_after, spoke_at_ + speak_after)
                          : began_at_ + handshake_max;
}

std::vector<std::byte> TlsAssociation::next_output() {
    for (auto* const slot : {&pong_, &ping_}) {
        if (const std::optional<std::uint64_t> stamp = std::exchange(*slot, std::nullopt);
            stamp && is_open()) {
            std::vector<std::byte> body;
            ByteWriter writer{body};
            writer.u64(*stamp);
            say(slot == &pong_ ? Word::pong : Word::ping, body);
        }
    }
    return tls_.next_output();
}

Result<> TlsAssociation::send(ByteSpan message) {
    if (!is_open() || message.empty() || message.size() > message_max) {
        return fail(Errc::refused, "the link is not open, or the message too large");
    }
    say(Word::data, message);
    return ending_ ? Result<>{std::unexpected(*ending_)} : Result<>{};
}

std::optional<std::vector<std::byte>> TlsAssociation::next_message(Instant now) {
    if (messages_.empty()) {
        return std::nullopt;
    }
    if (!wants_more()) {
        heard_at_ = now;
    }
    std::optional<std::vector<std::byte>> first{std::move(messages_.front())};
    messages_.pop_front();
    unread_ -= first->size();
    return first;
}

void TlsAssociation::close(std::string_view reason) {
    if (is_open()) {
        say(Word::close, as_bytes(reason.substr(0, reason_max)));
    }
    end(Errc::cancelled, "the link was closed here");
}

void TlsAssociation::say(Word word, ByteSpan body) {
    std::vector<std::byte> frame;
    frame.reserve(length_size + 1 + body.size());
    ByteWriter writer{frame};
    writer.u16(static_cast<std::uint16_t>(body.size() + 1));
    writer.u8(static_cast<std::uint8_t>(word));
    writer.bytes(body);
    if (const Result<> said = tls_.say(frame); !said) {
        end(said.error().code, said.error().what);
    }
}

void TlsAssociation::end(Errc code, std::string_view why) {
    if (!ending_) {
        ending_ = Error{code, why};
    }
}

}   // namespace millrace::link
