#include "protocol/kcp/parity_sender.hpp"

#include "base/byte_writer.hpp"
#include "protocol/kcp/galois.hpp"

#include <algorithm>
#include <array>

namespace millrace::kcp {

namespace {

/// So much parity makes up nearly all of such a loss within three or four frames. Beyond 16 % it would cost
/// more than resends, which are soon enough there.
struct Point {
    double loss;
    double share;
};
constexpr std::array points{Point{0.0, 0.0},   Point{0.002, 0.06}, Point{0.01, 0.10}, Point{0.05, 0.25},
                            Point{0.10, 0.40}, Point{0.13, 0.40},  Point{0.16, 0.0}};

/// Parity datagrams that are due at once, where many went without.
constexpr double credit_max = parity_span / 2.0;

double share_for(double loss) {
    for (std::size_t i = 1; i < points.size(); ++i) {
        if (loss < points[i].loss) {
            const Point& low = points[i - 1];
            const double part = (loss - low.loss) / (points[i].loss - low.loss);
            return low.share + part * (points[i].share - low.share);
        }
    }
    return 0;
}

}   // namespace

void ParityRate::take(const ParityReport& report) {
    const double total = arrived_ + lost_;
    const double keep = total > memory ? memory / total : 1.0;
    arrived_ = arrived_ * keep + report.arrived;
    lost_ = lost_ * keep + report.lost;
    bursts_ = bursts_ * keep + report.bursts;
    if (arrived_ + lost_ <= 0) {
        return;
    }
    loss_ = lost_ / (arrived_ + lost_);
    const bool bursts = bursts_ > 0 && lost_ > burst_max * bursts_;
    share_ = bursts ? 0 : share_for(loss_);
}

void ParitySender::send(const Outgoing& datagram, std::vector<std::vector<std::byte>>& out) {
    if (!datagram.fresh || datagram.bytes.size() > parity_datagram_max) {
        out.push_back(written(PlainDatagram{datagram.bytes}));
        return;
    }
    out.push_back(written(CoveredDatagram{next_++, datagram.bytes}));
    std::vector<std::byte> kept;
    if (covered_.size() == parity_span) {
        kept = std::move(covered_.front());
        kept.clear();
        covered_.pop_front();
    }
    kept.reserve(datagram.bytes.size() + 2);
    ByteWriter writer{kept};
    writer.u16(static_cast<std::uint16_t>(datagram.bytes.size()));
    writer.bytes(datagram.bytes);
    covered_.push_back(std::move(kept));
    credit_ = std::min(credit_ + share(), credit_max);
}

void ParitySender::finish(std::vector<std::vector<std::byte>>& out) {
    for (; credit_ >= 1; credit_ -= 1) {
        send_parity(out);
    }
}

void ParitySender::send_parity(std::vector<std::vector<std::byte>>& out) {
    std::size_t longest = 0;
    for (const std::vector<std::byte>& one : covered_) {
        longest = std::max(longest, one.size());
    }
    std::vector<std::byte> sum(longest);
    const std::uint32_t newest = next_ - 1;
    ++salt_;
    for (std::size_t i = 0; i < covered_.size(); ++i) {
        const auto number = static_cast<std::uint32_t>(next_ - covered_.size() + i);
        add_scaled(sum, covered_[i], parity_factor(number, newest, salt_));
    }
    out.push_back(written(ParityDatagram{newest, static_cast<std::uint8_t>(covered_.size()), salt_, sum}));
    ++parity_sent_;
}

}   // namespace millrace::kcp
