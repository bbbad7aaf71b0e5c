#include "protocol/link/association.hpp"

#include "base/byte_writer.hpp"

#include <algorithm>

namespace millrace::link {

// A datagram: number 8, then records of DTLS. Inside a record of data, a word and what it says:
//
//    kcp        1 | a datagram of the layer of parity below KCP (kcp/parity.cpp)
//    ping       2 | nothing: somebody is there
//    challenge  3 | 8 bytes by chance, to an address that is new
//    response   4 | the same, from there
//    close      5 | why, as text

namespace {

constexpr std::size_t datagram_max = 1'400;   // without IP and UDP
constexpr std::uint16_t window = 512;

}   // namespace

kcp::Settings link_settings() {
    kcp::Settings settings = *kcp::named_mode("video");
    settings.fec_wait = kcp::named_mode("video_fec")->fec_wait;
    settings.conv = 1;
    settings.mtu = datagram_max - id_size - Dtls::overhead - 1 - kcp::parity_header;
    // The largest datagram is what OpenSSL takes at once.
    settings.mtu = std::min(settings.mtu, Dtls::datagram_max - 1 - kcp::parity_header);
    settings.send_window = window;
    settings.receive_window = window;
    return settings;
}

Association::Association(Start start, Random& random, Instant now)
    : role_{start.role},
      dtls_{std::move(start.dtls)},
      id_{start.id},
      peer_{start.peer},
      random_{random},
      kcp_{link_settings(), now},
      parity_{start.parity ? std::nullopt : std::optional{0.0}},
      began_at_{now},
      heard_at_{now},
      spoke_at_{now} {
    if (role_ == Role::client) {
        if (const Result<> begun = dtls_.begin(); !begun) {
            end(begun.error().code, begun.error().what);
        }
        note_flight(now);
    }
}

void Association::receive(const PeerAddress& from, ByteSpan records, Instant now) {
    // Before there are keys an address is all there is to tell the peer by.
    if (ending_ || (!dtls_.is_open() && from != peer_)) {
        ++counters_.refused;
        return;
    }
    if (!dtls_.is_open() && ++handshake_datagrams_ > handshake_datagrams_max) {
        end(Errc::exhausted, "a handshake of too many datagrams");
        return;
    }
    const bool was_open = dtls_.is_open();
    std::vector<std::vector<std::byte>> said;
    const Result<> taken = dtls_.take(records, said);
    if (!taken) {
        note_flight(now);   // an alert says why
        end(taken.error().code, taken.error().what);
        return;
    }
    if (!was_open) {
        note_flight(now);
    }
    if (!was_open && dtls_.is_open()) {
        heard_at_ = now;
        if (role_ == Role::client) {
            flight_.clear();
            flight_again_ = Instant::never();
            say(Word::ping, {}, peer_);   // by which the server knows that its last flight came
            spoke_at_ = now;
        }
    }
    counters_.refused += said.empty() && was_open ? 1 : 0;
    for (const std::vector<std::byte>& message : said) {
        hear(from, message, now);
    }
    drain(now);
}

void Association::hear(const PeerAddress& from, ByteSpan message, Instant now) {
    if (ending_ || message.empty()) {
        return;
    }
    heard_at_ = now;
    flight_.clear();
    flight_again_ = Instant::never();
    const ByteSpan body = message.subspan(1);
    switch (static_cast<Word>(message.front())) {
        case Word::kcp: hear_kcp(body, now); break;
        case Word::challenge:
            if (body.size() == sizeof(Candidate::nonce)) {
                say(Word::response, body, from);
            }
            break;
        case Word::response: hear_response(from, body); break;
        case Word::close:
            farewell_ = std::string{as_text(body.first(std::min(body.size(), reason_max)))};
            end(Errc::closed, "the peer closed the link");
            break;
        default: break;   // a ping, or a word of a later version
    }
    if (from != peer_) {
        doubt(from, now);
    }
}

void Association::hear_kcp(ByteSpan message, Instant now) {
    const Result<kcp::ParityMessage> read = kcp::read_parity(message);
    if (!read) {
        return;
    }
    if (const auto* const report = std::get_if<kcp::ParityReport>(&*read)) {
        parity_.take(*report);
        kcp_.expect_parity(parity_.share() > 0);
        return;
    }
    given_.clear();
    unparity_.take(*read, given_);
    for (const kcp::ParityReceiver::Given& one : given_) {
        [[maybe_unused]] const Result<> taken = kcp_.receive(one.bytes, now, one.origin);
    }
    counters_.recovered = unparity_.counters().recovered;
    if (kcp_.broken()) {
        end(Errc::malformed, "the peer's KCP cannot be read");
    }
}

/// The peer speaks from elsewhere. Anybody may have sent its words on from there: nothing goes there but a
/// question, smaller than what came.
void Association::doubt(const PeerAddress& from, Instant now) {
    if (candidate_ && candidate_->address == from) {
        return;
    }
    // One at a time; whoever holds the place has three questions to answer.
    if (candidate_ && candidate_->left > 0) {
        return;
    }
    candidate_ = Candidate{.address = from, .left = challenges_max};
    random_.fill(candidate_->nonce);
    challenge(now);
}

void Association::challenge(Instant now) {
    if (candidate_->left == 0) {
        candidate_.reset();
        return;
    }
    --candidate_->left;
    candidate_->again = now + challenge_again;
    say(Word::challenge, candidate_->nonce, candidate_->address);
}

void Association::hear_response(const PeerAddress& from, ByteSpan nonce) {
    if (candidate_ && candidate_->address == from && std::ranges::equal(nonce, candidate_->nonce)) {
        peer_ = from;
        ++counters_.moves;
        candidate_.reset();
    }
}

/// What the handshake wants said is kept, to be said again: OpenSSL's own timer knows only the real clock.
void Association::note_flight(Instant now) {
    std::vector<std::vector<std::byte>> flight = dtls_.next_output();
    if (flight.empty()) {
        return;
    }
    flight_ = std::move(flight);
    flight_wait_ = flight_first;
    send_flight(now);
}

void Association::send_flight(Instant now) {
    for (const std::vector<std::byte>& records : flight_) {
        post(peer_, records);
    }
    flight_again_ = now + flight_wait_;
    flight_wait_ = std::min(flight_wait_ + flight_wait_ / 2, flight_longest);
}

void Association::advance(Instant now) {
    if (ending_) {
        return;
    }
    if (!dtls_.is_open() && now >= began_at_ + handshake_max) {
        end(Errc::timed_out, "no handshake of the link within 5 s");
        return;
    }
    if (flight_again_ <= now) {
        send_flight(now);
    }
    if (!dtls_.is_open()) {
        return;
    }
    if (now >= heard_at_ + dead_after) {
        end(Errc::timed_out, "the peer of the link fell silent");
        return;
    }
    if (candidate_ && candidate_->again <= now) {
        challenge(now);
    }
    if (kcp_.deadline() <= now) {
        kcp_.advance(now);
    }
    if (kcp_.dead()) {
        end(Errc::timed_out, "the peer of the link acknowledges nothing");
        return;
    }
    drain(now);
    if (now >= spoke_at_ + speak_after) {
        say(Word::ping, {}, peer_);
        spoke_at_ = now;
    }
}

Instant Association::deadline() const {
    if (ending_) {
        return Instant::never();
    }
    if (!dtls_.is_open()) {
        return std::min(flight_again_, began_at_ + handshake_max);
    }
    Instant due = std::min({flight_again_, heard_at_ + dead_after, spoke_at_ + speak_after, kcp_.deadline()});
    return candidate_ ? std::min(due, candidate_->again) : due;
}

/// What KCP wants said, with its parity.
void Association::drain(Instant now) {
    if (!is_open()) {
        return;
    }
    std::vector<std::vector<std::byte>> covered;
    while (const std::optional<kcp::Outgoing> datagram = kcp_.next_output()) {
        parity_.send(*datagram, covered);
    }
    // On a path that is full parity would take the place of frames, and make its queue longer.
    if (!covered.empty() && kcp_.path().rate == 0) {
        parity_.finish(covered);
    }
    if (const std::optional<kcp::ParityReport> report = unparity_.report(now)) {
        covered.push_back(kcp::written(*report));
    }
    for (const std::vector<std::byte>& one : covered) {
        say(Word::kcp, one, peer_);
        spoke_at_ = now;
    }
}

Result<> Association::send(const Bytes& message, Instant now) {
    if (!is_open()) {
        return fail(Errc::refused, "the link is not open");
    }
    Result<> sent = kcp_.send(message, now);
    drain(now);
    return sent;
}

std::optional<std::vector<std::byte>> Association::next_message() {
    return kcp_.next_message();
}

void Association::close(std::string_view reason, Instant now) {
    if (is_open()) {
        drain(now);
        const ByteSpan text = as_bytes(reason.substr(0, reason_max));
        say(Word::close, text, peer_);
        say(Word::close, text, peer_);
    }
    end(Errc::cancelled, "the link was closed here");
}

void Association::say(Word word, ByteSpan body, const PeerAddress& to) {
    std::vector<std::byte> message;
    message.reserve(body.size() + 1);
    ByteWriter writer{message};
    writer.u8(static_cast<std::uint8_t>(word));
    writer.bytes(body);
    if (const Result<> said = dtls_.say(message); !said) {
        end(said.error().code, said.error().what);
        return;
    }
    for (const std::vector<std::byte>& records : dtls_.next_output()) {
        post(to, records);
    }
}

void Association::post(const PeerAddress& to, ByteSpan records) {
    Letter letter{.peer = to, .bytes = {}};
    letter.bytes.reserve(id_size + records.size());
    ByteWriter writer{letter.bytes};
    writer.u64(id_);
    writer.bytes(records);
    out_.push_back(std::move(letter));
}

std::optional<Letter> Association::next_output() {
    if (out_.empty()) {
        return std::nullopt;
    }
    std::optional<Letter> first{std::move(out_.front())};
    out_.pop_front();
    return first;
}

void Association::end(Errc code, std::string_view why) {
    if (!ending_) {
        ending_ = Error{code, why};
    }
}

}   // namespace millrace::link
