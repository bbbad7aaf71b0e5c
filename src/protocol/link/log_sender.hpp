#pragma once

#include "protocol/link/log_message.hpp"
#include "protocol/machine.hpp"

#include <deque>
#include <map>

namespace millrace::link {

/// The edge's end of an uplink's second conversation: it offers fragments of its archive, sends those that
/// the server wants, as they are stored, and hears which ones the server has. One owner.
///
/// It holds what it offered until the server answered for good: of what is fresh and of what is not at most
/// `offers_max` each, and so many bytes or one fragment.
class LogSender {
public:
    static constexpr std::size_t offers_max = 32;
    static constexpr std::size_t held_max = std::size_t{8} << 20U;
    static constexpr std::size_t fresh_held_max = std::size_t{2} << 20U;

    /// What became of an offer: have, refuse or later.
    struct Settled {
        LogFragment fragment;
        LogVerdict verdict = LogVerdict::have;
    };
    /// The last byte of what was wanted left.
    struct Left {
        LogFragment fragment;
    };
    using Event = std::variant<Settled, Refusal, Left>;

    /// Whether another offer fits.
    bool has_room(bool fresh) const;
    /// What is offered: the records as they are stored, the same without what goes live (or empty), and the
    /// hash of the chunks. What is fresh goes before all that is not and was not begun.
    struct Goods {
        Bytes records;
        Bytes lean;
        ChunkHash hash{};
        bool fresh = false;
    };
    /// `file` is said where the server does not know it. Errc::exhausted: it cannot be carried.
    Result<> offer(const LogFile& file, const LogFragment& fragment, Goods goods);
    /// What is lost here is lost there. A cause that is too long is left out.
    void say(const LogGap& gap) { (void)write(output_, LogMessage{gap}); }
    bool is_offered(std::uint64_t file, std::uint64_t place) const;
    std::size_t offered() const { return offers_.size(); }
    /// So many more bytes of records may leave now; offers always do.
    void allow(std::size_t bytes) { allowed_ = bytes; }
    /// Whether records wait that the server wants.
    bool has_wanted() const { return !wanted_.empty(); }
    /// Bytes of records that left.
    std::uint64_t sent() const { return sent_; }

    Result<> receive(ByteSpan bytes, Instant now);
    Result<> advance(Instant) { return {}; }
    /// When its owner looks for more.
    void wake_at(Instant when) { due_ = when; }
    Instant deadline() const { return due_; }
    std::optional<Event> next_event();
    std::vector<std::byte> next_output();

private:
    struct Offer {
        LogFragment fragment;
        Goods goods;
        LogVerdict as = LogVerdict::later;   // want, lean: what was asked for last
        std::size_t at = 0;                  // that much of it left

        const Bytes& wanted() const { return as == LogVerdict::lean ? goods.lean : goods.records; }
        std::size_t held() const { return goods.records.size() + goods.lean.size(); }
    };

    Result<> take(LogMessage message);
    Result<> take_answer(const LogAnswer& answer);
    void queue(std::uint32_t serial);

    std::uint32_t next_serial_ = 1;
    std::optional<LogFile> said_;
    std::map<std::uint32_t, Offer> offers_;
    std::deque<std::uint32_t> wanted_;   // in the order in which it leaves
    std::size_t allowed_ = 0;
    std::uint64_t sent_ = 0;
    Instant due_ = Instant::never();
    LogReader reader_;
    std::vector<std::byte> output_;
    std::deque<Event> events_;
};

static_assert(ProtocolMachine<LogSender>);

}   // namespace millrace::link
