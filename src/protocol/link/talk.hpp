#pragma once

#include "protocol/link/chunk_proofs.hpp"
#include "protocol/machine.hpp"

#include <deque>

namespace millrace::link {

/// What is spoken inside a link, one end of it: the caller says who it is and what it wants, the host lets it
/// in or says why not, and media goes the way that the caller chose. The tracks and units to be sent come
/// from elsewhere, a Muxer's log, behind what this says; what comes is given out, its chunks compared. An
/// error ends it.
///
/// It holds the message that is coming, at most 8 MB and 8 KB before the caller was let in, and the units of
/// chunks that are not closed yet.
class Talk {
public:
    static constexpr Duration hello_max = 5s;
    /// Of the host: a password is being hashed, an on-demand source begins.
    static constexpr Duration answer_max = 20s;

    enum class Side : std::uint8_t { caller, host };
    /// Hello to the host, Welcome to the caller, Refusal to either, Wish and Note to who sends, all else to
    /// who receives. Proofs are not given out, see `chunks`.
    using Event = Message;

    /// The host's end.
    explicit Talk(Instant now) : side_{Side::host}, due_{now + hello_max} {}
    /// The caller's end.
    Talk(const Hello& hello, Instant now);

    Result<> receive(ByteSpan bytes, Instant now);
    Result<> advance(Instant now);
    Instant deadline() const { return due_; }
    std::optional<Event> next_event();
    std::vector<std::byte> next_output() { return std::exchange(output_, {}); }

    /// The host's answers.
    void welcome(Hops hops);
    void refuse(Errc code, std::string words);
    /// To who sends. Nothing is said before there was a welcome.
    void wish(Wish wish);
    void note(Bytes json);
    /// Who receives gives up where no unit comes for so long, once the two have met.
    void be_patient_for(Duration patience) { patience_ = patience; }

    const ChunkChecker::Counters& chunks() const { return checker_.counters(); }
    /// Bytes that came so far.
    std::uint64_t received() const { return received_; }

private:
    enum class Phase : std::uint8_t { before, answering, open };

    std::size_t message_max() const;
    Result<> take_message(ByteSpan bytes, Instant now);
    Result<> take_greeting(Message message, Instant now);
    Result<> take_media(Message message, Instant now);
    bool sends() const;
    void say(const Message& message);
    void wait_for_media(Instant now) { due_ = patience_ > 0ns ? now + patience_ : Instant::never(); }

    Side side_;
    Instant due_;
    Phase phase_ = Phase::before;
    Direction direction_ = Direction::publish;
    Duration patience_{};   // 0: without end
    std::uint64_t received_ = 0;
    std::vector<std::byte> input_;   // the beginning of a message
    std::vector<std::byte> output_;
    std::deque<Event> events_;
    media_link::KnownTracks tracks_;
    ChunkChecker checker_;
    bool seen_cut_ = false;
    std::uint32_t since_cut_ = 0;   // units
};

static_assert(ProtocolMachine<Talk>);

}   // namespace millrace::link
