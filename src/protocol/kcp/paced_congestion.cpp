#include "protocol/kcp/paced_congestion.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace millrace::kcp {

namespace {
// Calm looks in a row that use what they may raise the rate by more and more.
constexpr std::array probes{1.0, 1.03, 1.06, 1.1, 1.15, 1.2};
constexpr double used_min = 0.77;
constexpr double used_share = 0.25;   // of a look, in what is used
// Of a look, in what is usual: what overflows now and then is not.
constexpr double usual_loss_falls = 0.2;
constexpr double usual_loss_rises = 0.03;
/// How many datagrams of a look must be lost, beyond what is usual, for their queue to have overflowed.
struct Doubt {
    double deviations;
    double datagrams;
};
constexpr Doubt alone{6, 6};
constexpr Doubt among_others{1, 0.5};
constexpr double overflow_used_min = 0.6;   // less of the rate fills no queue
constexpr Duration overflow_queue = 10ms;
constexpr double overflow_share = 0.25;
constexpr double as_sent = 0.88;   // a train that arrives at so much of its pace was not spread
constexpr double overflow_keeps = 0.7;
constexpr double others_mtu = 1'428;

double seconds(Duration duration) {
    return static_cast<double>(duration.count()) * 1e-9;
}
}   // namespace

void PacedCongestion::on_sent(const Sent& sent) {
    const bool begins = sent.now - last_sent_ > train_gap && !waiting_;
    const bool looks = seek_room(sent, begins);
    train_ += begins ? 1 : 0;
    last_sent_ = sent.now;
    waiting_ = sent.more;
    bytes_ += sent.repeat ? 0 : sent.bytes;   // they are not delivered a second time
    if (marks_.size() == marks_max) {
        marks_.pop_front();
    }
    marks_.push_back({sent.order, bytes_, train_, rate_});
    if (rate_ > 0) {
        const Duration usual{static_cast<std::int64_t>(static_cast<double>(sent.bytes) / rate_ * 1e9)};
        const Duration takes =
            looks ? Duration{static_cast<std::int64_t>(static_cast<double>(usual.count()) / RateProbe::gain)}
                  : usual;
        send_at_ = std::max(send_at_, sent.now - late_max) + takes;
        ahead_ += usual - takes;
        if (!seeker_.sending()) {
            send_at_ = send_at_ + std::exchange(ahead_, 0ns);   // the path's queue, if there is one, empties
        }
    }
}

/// In front of a train, while no queue is found. Whether this datagram is part of it.
bool PacedCongestion::seek_room(const Sent& sent, bool begins) {
    if (begins && rate_ > 0 && mode_ == Mode::ours && calm_ > 0 && seeker_.is_due(sent.now)) {
        seeker_.begin(path_);
    }
    const bool looks = seeker_.sending();
    seeker_.on_sent(sent.order, sent.bytes, sent.repeat, sent.now);
    return looks;
}

void PacedCongestion::find_room(const Point& point) {
    const std::optional<double> found = seeker_.on_arrival(point.mark.order, learnt(), point.at);
    if (found && rate_ > 0 && mode_ == Mode::ours) {
        take_rate(*found);
        send_at_ = std::min(send_at_, point.at);
    }
}

void PacedCongestion::on_progress(const Progress& progress, const RoundTrip& path, Instant now) {
    delivered_ += progress.bytes;
    if (!progress.newest_order) {
        return;
    }
    while (!marks_.empty() && marks_.front().order < *progress.newest_order) {
        marks_.pop_front();
    }
    if (marks_.empty() || marks_.front().order != *progress.newest_order) {
        return;
    }
    const Point point{marks_.front(), delivered_, now};
    path_ = path;
    now_ = now;
    crowding_.add(path.newest(), now);
    take_point(point);
    find_room(point);
    take_sample(point, path);
}

void PacedCongestion::take_point(const Point& point) {
    if (from_.mark.train != point.mark.train) {
        finish_measure();
        from_ = point;
    } else if (point.at - from_.at > measure_max && point.mark.order - from_.mark.order >= train_min) {
        to_ = point;
        finish_measure();
        from_ = point;
        from_.inside = true;
    }
    to_ = point;
}

void PacedCongestion::finish_measure() {
    if (to_.mark.order - from_.mark.order < train_min || mode_ != Mode::ours) {
        return;
    }
    const Duration spread = to_.at - from_.at;
    const double bytes_a_second =
        static_cast<double>(to_.mark.bytes - from_.mark.bytes) / seconds(std::max<Duration>(spread, 1ms));
    const auto bytes = static_cast<double>(to_.mark.bytes - from_.mark.bytes);
    if (spread > overflow_spread) {
        last_train_ = bytes_a_second;
        last_train_end_ = to_;
        losses_ = 0;
    }
    const bool as_it_was_sent =
        rate_ > 0 && bytes_a_second > as_sent * from_.mark.pace && from_.mark.pace > 0;
    if (spread > (from_.inside ? spread_inside_min : spread_min)) {
        take_rate(as_it_was_sent ? std::max(bytes_a_second, rate_ / gain) : bytes_a_second);
    } else if (bytes_a_second > free_at * rate_ && bytes > rate_ * seconds(spread_min)) {
        rates_.fill(0);
        rate_ = 0;
    }
}

void PacedCongestion::on_losses(const Losses& losses, std::size_t /*in_flight*/) {
    losses_ += losses.by_gap + losses.by_timer;
    if (losses.by_gap > 0 && path_.known()) {
        crowding_.lose(path_.newest(), path_.smoothed(), now_);
    }
    if (rate_ > 0 || last_train_ == 0 || losses_ < overflow_losses || marks_.empty() ||
        to_.at - last_train_end_.at > overflow_shows_in) {
        return;
    }
    const auto sent = static_cast<double>(marks_.back().order - last_train_end_.mark.order);
    if (losses_ > (usual_loss_ + overflow_share) * sent) {
        take_rate(last_train_);
    }
}

double PacedCongestion::learnt() const {
    return *std::ranges::max_element(rates_);
}

void PacedCongestion::take_rate(double bytes_a_second) {
    probe_ = 1;
    rates_[next_rate_] = bytes_a_second;
    next_rate_ = (next_rate_ + 1) % rates_kept;
    rate_ = gain * learnt();
}

void PacedCongestion::take_sample(const Point& point, const RoundTrip& path) {
    if (point.at < look_after_) {
        look_ = {};
        return;
    }
    if (look_.samples++ == 0) {
        look_.from = point;
        look_.smallest = path.newest();
    }
    look_.smallest = std::min(look_.smallest, path.newest());
    if (point.at - look_.from.at >= look_min && look_.samples >= look_samples_min) {
        finish_look(point, path);
        look_ = {.from = point, .smallest = path.newest(), .samples = 1};
    }
}

void PacedCongestion::finish_look(const Point& to, const RoundTrip& path) {
    const double took = seconds(to.at - look_.from.at);
    const auto sent = static_cast<double>(to.mark.bytes - look_.from.mark.bytes);
    const auto arrived = static_cast<double>(to.delivered - look_.from.delivered);
    const double lost = std::clamp(1 - arrived / std::max(sent, 1.0), 0.0, 1.0);
    const Duration queue = look_.smallest - path.smallest();
    standing_ = queue > standing_min ? standing_ + 1 : 0;
    calm_ = queue < calm_max ? calm_ + 1 : 0;
    const auto datagrams = static_cast<double>(to.mark.order - look_.from.mark.order);
    const double usual = usual_loss_ * datagrams;
    const Doubt doubt = mode_ == Mode::others ? among_others : alone;
    const bool crowded = crowding_.found(to.at);
    const bool in_use = sent > overflow_used_min * rate_ * took;
    const bool overflows = rate_ > 0 && (crowded || (queue > overflow_queue && in_use)) &&
                           lost * datagrams > usual + doubt.deviations * std::sqrt(usual) + doubt.datagrams;
    if (mode_ != Mode::others && (crowded || (mode_ == Mode::ours && overflows && used_ >= used_min))) {
        mode_ = Mode::others;
        crowded_at_ = to.at;
        rate_ = crowded && (rate_ == 0 || rate_ > arrived / took) ? arrived / took : rate_;
    }
    if (mode_ == Mode::others) {
        crowded_at_ = calm_ == 0 || crowded ? to.at : crowded_at_;
        usual_loss_ += lost < usual_loss_ ? usual_loss_falls * (lost - usual_loss_) : 0;
        if (overflows || in_use) {
            compete(overflows ? arrived / took : 0, path);
        }
        look_after_ = to.at + path.newest();
        mode_ = to.at - crowded_at_ > others_leave_in ? Mode::ours : mode_;
    } else if (standing_ >= 2 || queue > 2 * standing_min) {
        stand(queue, arrived / took / (1 - usual_loss_), to.at);
        look_after_ = to.at + path.newest();
    } else if (calm_ > 0) {
        usual_loss_ += (lost < usual_loss_ ? usual_loss_falls : usual_loss_rises) * (lost - usual_loss_);
        stay_calm(sent / took / std::max(rate_, 1.0));
    }
}

/// All that arrives while the queue stands is what the path gives: less empties it.
void PacedCongestion::stand(Duration queue, double arriving, Instant now) {
    seeker_.on_standing(now);
    if (mode_ == Mode::ours) {
        mode_ = Mode::draining;
        drain_began_ = now;
        drain_from_ = queue;
        share_ = arriving;
    }
    if (now - drain_began_ > ours_drains_in && queue > drain_from_ * 2 / 3) {
        mode_ = Mode::others;
        crowded_at_ = now;
        rate_ = share_;
        return;
    }
    rates_.fill(arriving);
    probe_ = 1;
    rate_ = arriving * std::max(1 - seconds(queue) / seconds(drained_in), drain_rate_min);
}

void PacedCongestion::stay_calm(double used) {
    if (rate_ == 0) {
        return;
    }
    mode_ = Mode::ours;
    used_ += used_share * (std::min(used, 1.0) - used_);
    if (used_ >= used_min) {
        probe_ *= probes[std::min<std::size_t>(calm_, probes.size()) - 1];
    }
    rate_ = gain * probe_ * learnt();
}

/// As TCP does in its oldest form. `arriving` bytes a second if the queue overflows, else 0.
void PacedCongestion::compete(double arriving, const RoundTrip& path) {
    if (arriving > 0) {
        rate_ = overflow_keeps * std::min(rate_, arriving);
    } else {
        rate_ += others_mtu / std::max(seconds(path.smoothed()), 0.01);
    }
    rates_.fill(rate_ / gain);
    probe_ = 1;
}

}   // namespace millrace::kcp
