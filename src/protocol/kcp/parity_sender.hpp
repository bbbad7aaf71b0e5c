#pragma once

#include "protocol/kcp/conversation.hpp"
#include "protocol/kcp/parity.hpp"

#include <deque>

namespace millrace::kcp {

/// How many parity datagrams pay, by what is lost. Many losses in a row are not for parity: it is off then.
class ParityRate {
public:
    static constexpr double at_first = 0.10;
    /// Mean losses in a row, from which on asking again is cheaper.
    static constexpr double burst_max = 2.0;
    static constexpr double memory = 1'024;   ///< datagrams

    void take(const ParityReport& report);
    /// Parity datagrams for each covered one.
    double share() const { return share_; }
    double loss() const { return loss_; }

private:
    double arrived_ = 0;
    double lost_ = 0;
    double bursts_ = 0;
    double loss_ = 0;
    double share_ = at_first;
};

/// Adds parity to what a Conversation sends to one of our own ends, so that most losses need no resend: sums
/// over the last datagrams with new data, of which any as many as were lost make those up. Owned beside the
/// conversation, one thread.
class ParitySender {
public:
    /// With a share that is fixed, or that follows the peer's reports.
    explicit ParitySender(std::optional<double> share = std::nullopt) : fixed_{share} {}

    /// Puts what must leave for this datagram behind `out`. It is numbered even while there is no parity, so
    /// that reports go on.
    void send(const Outgoing& datagram, std::vector<std::vector<std::byte>>& out);
    /// All that left at once is sent: the parity that is due for it.
    void finish(std::vector<std::vector<std::byte>>& out);
    void take(const ParityReport& report) { rate_.take(report); }

    double share() const { return fixed_ ? *fixed_ : rate_.share(); }
    std::uint64_t parity_sent() const { return parity_sent_; }

private:
    void send_parity(std::vector<std::vector<std::byte>>& out);

    std::optional<double> fixed_;
    ParityRate rate_;
    std::deque<std::vector<std::byte>> covered_;   // length and datagram, the newest `parity_span`
    std::uint32_t next_ = 0;
    std::uint8_t salt_ = 0;
    double credit_ = 0;
    std::uint64_t parity_sent_ = 0;
};

}   // namespace millrace::kcp
