#pragma once

#include "protocol/kcp/tcp_for_tests.hpp"
#include "protocol/kcp/trial_for_tests.hpp"
#include "session/link_connection.hpp"
#include "session/send_rate.hpp"

namespace millrace::session {

/// A camera whose bitrate SendRate says, before a link that holds little: as a push has them, without the
/// rest of a node. Bits a second.
class LinkCamera {
public:
    static constexpr Duration frame = 33'333us;
    static constexpr std::size_t group = 60;
    /// Of the difference to what it is told, with each frame.
    static constexpr double follows = 0.2;

    struct Frame {
        Instant captured;
        std::uint64_t until;   ///< bytes given to the link, with it
    };

    explicit LinkCamera(double most) : most_{most}, makes_{most} {}

    /// Those that the link has, or had.
    std::deque<Frame> handed_over;

    Instant next_look() const { return look_at_; }
    double makes() const { return makes_; }

    void film(Instant now) {
        const double told = rate_.target() ? static_cast<double>(*rate_.target()) : most_;
        makes_ += follows * (std::min(most_, told) - makes_);
        number_ = std::exchange(key_frame_wanted_, false) ? 0 : number_;
        const std::size_t size = kcp::picture({.bits_per_second = makes_}, number_).size();
        waiting_.push_back({now, size, number_++ % group == 0});
        look_at_ = std::min(look_at_, now);
    }
    /// What there is room for goes to the link; what waits too long is skipped up to the newest key frame.
    void pass(kcp::Conversation& link, Instant now) {
        skip(now);
        while (!waiting_.empty() && room(link, now) > 0) {
            hand_over(link, room(link, now), now);
        }
        while (!written_.empty() && written_.front().until + link.waiting() <= segments_) {
            written_.pop_front();
        }
        if (look_at_ <= now) {
            look(link, now);
        }
    }

private:
    struct Waiting {
        Instant captured;
        std::size_t left;
        bool key;
        bool begun = false;
    };

    void skip(Instant now) {
        if (waiting_.empty() || now - waiting_.front().captured <= SendRate::skip_from) {
            return;
        }
        const auto first = waiting_.begin() + (waiting_.front().begun ? 1 : 0);
        const auto key = std::ranges::find(waiting_.rbegin(), waiting_.rend(), true, &Waiting::key);
        if (key != waiting_.rend() && key.base() - 1 > first) {
            waiting_.erase(first, key.base() - 1);
        }
    }
    void hand_over(kcp::Conversation& link, std::size_t most, Instant now) {
        std::size_t size = 0;
        while (!waiting_.empty() && size < most) {
            Waiting& one = waiting_.front();
            const std::size_t part = std::min(one.left, most - size);
            size += part;
            one.left -= part;
            one.begun = true;
            if (one.left == 0) {
                handed_over.push_back({one.captured, bytes_ + size});
                waiting_.pop_front();
            }
        }
        bytes_ += size;
        static const std::vector<std::byte> zeros(LinkConnection::message_max);
        check(link.send(Bytes::lasting(ByteSpan{zeros}.first(size)), now).has_value(), "there is room");
        segments_ += (size + link.settings().segment_max() - 1) / link.settings().segment_max();
        written_.push_back({now, segments_});
    }
    /// As KcpLinkConnection has it.
    std::size_t room(const kcp::Conversation& link, Instant now) const {
        using Door = KcpLinkConnection;
        const std::size_t segment = link.settings().segment_max();
        const std::uint64_t arrived = segments_ - std::min<std::uint64_t>(link.waiting(), segments_);
        const auto oldest = std::ranges::upper_bound(written_, arrived, {}, &Frame::until);
        const Duration usual = link.path().round_trip_min;
        if (usual > 0ns && oldest != written_.end() && now - oldest->captured > usual + Door::late_from) {
            return 0;
        }
        const std::size_t queued = link.waiting_bytes();
        const auto shown = static_cast<std::size_t>(link.path().rate *
                                                    std::chrono::duration<double>{Door::queued_time}.count());
        const std::size_t most =
            shown > 0 ? std::clamp(shown, Door::queued_least, Door::queued_little) : Door::queued_little;
        return queued >= most ? 0 : std::clamp(most - queued, segment, LinkConnection::message_max);
    }
    void look(kcp::Conversation& link, Instant now) {
        look_at_ = now + SendRate::look_every;
        std::uint64_t waiting = 0;
        for (const Waiting& one : waiting_) {
            waiting += one.left;
        }
        const std::uint64_t held = link.waiting_bytes() + link.in_flight_bytes();
        const SendRate::Wish wish =
            rate_.look({.handed_over = bytes_,
                        .held = std::min(held, bytes_),
                        .waiting = waiting,
                        .age = waiting_.empty() ? 0ns : now - waiting_.front().captured,
                        .path = link.path().rate * 8},
                       now);
        key_frame_wanted_ = key_frame_wanted_ || wish.key_frame;
        link.seek_more(rate_.target().has_value());
    }

    double most_;
    SendRate rate_;
    double makes_;
    bool key_frame_wanted_ = false;
    std::size_t number_ = 0;
    std::deque<Waiting> waiting_;
    std::uint64_t bytes_ = 0;
    std::uint64_t segments_ = 0;
    std::deque<Frame> written_;   // segments, when they were given
    Instant look_at_ = Instant::never();
};

/// A link and TCPs that take what they can, through one bottleneck.
struct SharedPath {
    double rate = 4e6;            ///< bits a second
    double queue = 1;             ///< of what the path holds: its rate times the round trip
    Duration round_trip = 50ms;   ///< without the queue
    unsigned tcps = 1;
    kcp::Tcp::Kind kind = kcp::Tcp::Kind::cubic;
    double most = 2;   ///< what the camera may make, in equal shares
};

struct SharedFigures {
    double link = 0;   ///< of an equal share, of the bytes that pass the bottleneck
    double tcp = 0;    ///< of each, the same
    double p50 = 0;    ///< ms from capture until a frame can be read whole
    double p99 = 0;
};

/// In half of the seeds the link is there first, in the others the TCPs; the rest comes five seconds behind.
class Sharing {
public:
    static constexpr Duration apart = 5s;
    static constexpr Duration settled_after = 16s;
    static constexpr Duration measured = 30s;

    Sharing(const SharedPath& path, std::uint64_t seed)
        : path_{path},
          narrow_{path.rate / 8, queue_of(path)},
          pair_{{.near = kcp::mode("video"),
                 .far = kcp::mode("video"),
                 .line = {.delay_min = path.round_trip / 2, .delay_max = path.round_trip / 2},
                 .seed = seed,
                 .shared = &narrow_}},
          camera_{path.most * path.rate / (1 + path.tcps)} {
        kcp::Dice dice{seed};
        const auto some = [&dice] { return Duration{static_cast<std::int64_t>(dice.share() * 1e9)}; };
        const Duration tcps_come = seed % 2 == 0 ? Duration{apart} : 0s;
        next_frame_ = Instant{} + (apart - tcps_come) + some();
        for (unsigned i = 0; i < path.tcps; ++i) {
            tcps_.emplace_back(kcp::Tcp::Start{.kind = path.kind,
                                               .one_way = path.round_trip / 2,
                                               .at = Instant{} + tcps_come + some(),
                                               .seed = seed * 16 + i},
                               narrow_);
        }
    }

    SharedFigures run() {
        run_until(Instant{} + settled_after);
        const std::uint64_t link = pair_.up.passed;
        const std::uint64_t tcp = passed_by_tcps();
        late_.clear();
        run_until(Instant{} + settled_after + measured);
        const double equal =
            path_.rate / 8 / (1 + path_.tcps) * std::chrono::duration<double>{measured}.count();
        std::ranges::sort(late_);
        return {.link = static_cast<double>(pair_.up.passed - link) / equal,
                .tcp = static_cast<double>(passed_by_tcps() - tcp) / equal / path_.tcps,
                .p50 = kcp::quantile(late_, 0.5),
                .p99 = kcp::quantile(late_, 0.99)};
    }

private:
    static std::size_t queue_of(const SharedPath& path) {
        const double holds = path.rate / 8 * std::chrono::duration<double>{path.round_trip}.count();
        return static_cast<std::size_t>(std::max(path.queue * holds, 3.0 * kcp::Tcp::on_wire));
    }
    std::uint64_t passed_by_tcps() const {
        std::uint64_t all = 0;
        for (const kcp::Tcp& one : tcps_) {
            all += one.passed;
        }
        return all;
    }
    void run_until(Instant end) {
        while (true) {
            Instant next = std::min({pair_.next(), next_frame_, camera_.next_look()});
            for (const kcp::Tcp& one : tcps_) {
                next = std::min(next, one.next());
            }
            if (next >= end) {
                return;
            }
            now_ = std::max(now_, next);
            for (kcp::Tcp& one : tcps_) {
                one.advance(now_);
            }
            pass_frames();
        }
    }
    void pass_frames() {
        pair_.arrive(now_);
        while (const auto message = pair_.far.next_message()) {
            came_ += message->size();
        }
        std::deque<LinkCamera::Frame>& frames = camera_.handed_over;
        for (; !frames.empty() && frames.front().until <= came_; frames.pop_front()) {
            late_.push_back(static_cast<double>((now_ - frames.front().captured).count()) / 1e6);
        }
        if (next_frame_ <= now_) {
            next_frame_ = next_frame_ + LinkCamera::frame;
            camera_.film(now_);
        }
        camera_.pass(pair_.near, now_);
        pair_.leave(now_);
    }

    SharedPath path_;
    kcp::Bottleneck narrow_;
    kcp::Pair pair_;
    LinkCamera camera_;
    std::vector<kcp::Tcp> tcps_;
    Instant now_;
    Instant next_frame_;
    std::uint64_t came_ = 0;
    std::vector<double> late_;
};

}   // namespace millrace::session
