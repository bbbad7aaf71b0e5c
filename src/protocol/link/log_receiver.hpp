#pragma once

#include "protocol/link/log_message.hpp"
#include "protocol/machine.hpp"

#include <deque>
#include <map>

namespace millrace::link {

/// The server's end of an uplink's second conversation: offers go out as events, its owner says what it wants
/// and what it has; what was wanted comes whole. One owner.
///
/// It holds `offers_max` offers that were not answered for good, the beginnings of `files_max` files, and of
/// what it wants `wanting_max` bytes, or one fragment. What is beyond is asked for later, or an error.
class LogReceiver {
public:
    static constexpr std::size_t offers_max = 64;
    static constexpr std::size_t files_max = 8;
    static constexpr std::uint64_t wanting_max = std::uint64_t{16} << 20U;

    using File = std::shared_ptr<const LogFile>;
    struct Offered {
        LogOffer offer;
        File file;
    };
    /// A fragment that was wanted, with the hash it was offered with and as long, not looked at yet.
    struct Arrived {
        LogOffer offer;
        File file;
        Bytes records;
        bool lean = false;   ///< without what came live; where that is not enough it may be wanted again
    };
    using Event = std::variant<Offered, Arrived, Refusal, LogGap>;

    /// Says so of an offer. What is wanted is asked for as soon as there is room for it.
    void answer(std::uint32_t serial, LogVerdict verdict);
    void refuse(Errc code, std::string words);
    /// Bytes that came.
    std::uint64_t received() const { return received_; }

    Result<> receive(ByteSpan bytes, Instant now);
    Result<> advance(Instant) { return {}; }
    void wake_at(Instant when) { due_ = when; }
    Instant deadline() const { return due_; }
    std::optional<Event> next_event();
    std::vector<std::byte> next_output() { return std::exchange(output_, {}); }

private:
    struct Offer {
        LogOffer offer;
        File file;
        bool asked = false;                 // it is wanted, and the edge knows
        LogVerdict as = LogVerdict::want;   // or lean
        std::vector<std::byte> records{};   // that came
        bool whole = false;
    };

    Result<> take(LogMessage message);
    Result<> take_offer(const LogOffer& offer);
    Result<> take_piece(const LogPiece& piece);
    static std::uint64_t size_of(const Offer& one);
    void want(Offer& one, std::uint32_t serial, LogVerdict as);
    void ask_for_more();
    void say(const LogMessage& message);

    std::deque<File> files_;
    std::map<std::uint32_t, Offer> offers_;
    std::deque<std::uint32_t> wanted_;   // and not asked for yet
    std::uint64_t wanting_ = 0;          // bytes that were asked for and are not settled
    std::uint64_t received_ = 0;
    Instant due_ = Instant::never();
    LogReader reader_;
    std::vector<std::byte> output_;
    std::deque<Event> events_;
};

static_assert(ProtocolMachine<LogReceiver>);

}   // namespace millrace::link
