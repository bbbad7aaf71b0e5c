#pragma once

#include "protocol/kcp/conversation.hpp"
#include "protocol/kcp/parity_receiver.hpp"
#include "protocol/kcp/parity_sender.hpp"
#include "protocol/kcp/path_for_tests.hpp"

#include <cmath>

namespace millrace::kcp {

inline Settings mode(std::string_view name) {
    return *named_mode(name);
}

/// The p-th part of sorted figures.
template <class Number>
double quantile(const std::vector<Number>& sorted, double p) {
    if (sorted.empty()) {
        return 0;
    }
    const auto at = static_cast<std::size_t>(std::lround(p * static_cast<double>(sorted.size() - 1)));
    return static_cast<double>(sorted[at]);
}

/// Resends of segments of which an earlier copy arrives anyhow. Copies that leave in one flush are one round.
class NeedlessResends {
public:
    explicit NeedlessResends(std::uint32_t first_sn) : first_{first_sn} {}

    void look_at(const std::vector<std::byte>& datagram, bool arrives, Instant now) {
        static_cast<void>(read_datagram(datagram, 0, segments_));
        for (const Segment& segment : segments_) {
            if (segment.command != Command::push) {
                continue;
            }
            const std::size_t place = segment.sn - first_;
            if (place >= rounds_.size()) {
                rounds_.resize(place + 1);
            }
            Round& round = rounds_[place];
            if (round.sent && now - round.at > Settings{}.copies_apart) {   // not a further copy
                needless += round.arrived ? 1 : 0;
                ++resends;
            }
            round = {now, true, round.arrived || arrives};
        }
    }
    double share() const {
        return rounds_.empty() ? 0 : static_cast<double>(needless) / static_cast<double>(rounds_.size());
    }
    std::uint64_t needless = 0;
    std::uint64_t resends = 0;

private:
    struct Round {
        Instant at;
        bool sent = false;
        bool arrived = false;
    };
    std::uint32_t first_;
    std::vector<Round> rounds_;
    std::vector<Segment> segments_;
};

/// Two ends, what lies between them, and chance.
struct Trial {
    Settings near;
    Settings far;
    Line line;
    std::uint64_t seed = 1;
    double parity = 0;              ///< share of parity from near to far; below 0: it follows the reports
    bool narrow_back = false;       ///< the way back has the rate of the way there
    Bottleneck* shared = nullptr;   ///< of the way there, with others
};

/// A trial on virtual time. Where an end has ticks, the seed says when they fall.
struct Pair {
    explicit Pair(const Trial& trial)
        : near{trial.near, Instant{} + static_cast<std::int64_t>(trial.seed % 10) * 1ms},
          far{trial.far, Instant{} + static_cast<std::int64_t>(trial.seed / 10 % 10) * 1ms},
          up{trial.line, trial.seed * 2, trial.shared},
          down{way_back(trial), trial.seed * 2 + 1},
          needless{trial.near.first_sn} {
        if (trial.parity != 0) {
            cover.emplace(trial.parity > 0 ? std::optional{trial.parity} : std::nullopt);
        }
    }
    static Line way_back(const Trial& trial) {
        Line back = trial.line;
        back.bytes_per_second = trial.narrow_back ? back.bytes_per_second : 0;
        return back;
    }

    Instant next() const { return std::min({near.deadline(), far.deadline(), up.next(), down.next()}); }
    /// What arrived by now goes to the ends.
    void arrive(Instant now) {
        while (const auto datagram = up.arrive(now)) {
            if (!cover) {
                check(far.receive(*datagram, now).has_value(), "our own datagrams are well-formed");
                continue;
            }
            given.clear();
            uncover.take(*read_parity(*datagram), given);
            for (const ParityReceiver::Given& one : given) {
                check(far.receive(one.bytes, now, one.origin).has_value(), "and those made up");
            }
        }
        while (const auto datagram = down.arrive(now)) {
            arrive_back(*datagram, now);
        }
        near.advance(now);
        far.advance(now);
    }
    void arrive_back(const std::vector<std::byte>& datagram, Instant now) {
        if (!cover) {
            check(near.receive(datagram, now).has_value(), "our own datagrams are well-formed");
            return;
        }
        const ParityMessage message = *read_parity(datagram);
        if (const auto* plain = std::get_if<PlainDatagram>(&message)) {
            check(near.receive(plain->bytes, now).has_value(), "our own datagrams are well-formed");
        } else if (const auto* report = std::get_if<ParityReport>(&message)) {
            cover->take(*report);
            near.expect_parity(cover->share() > 0);
        }
    }
    /// What the ends say goes out.
    void leave(Instant now) {
        while (const auto out = near.next_output()) {
            covered.clear();
            if (cover) {
                cover->send(*out, covered);
            } else {
                covered.push_back(out->bytes);
            }
            needless.look_at(out->bytes, up.send(covered.front(), now), now);
        }
        if (cover) {
            covered.clear();
            cover->finish(covered);
            for (const std::vector<std::byte>& parity : covered) {
                up.send(parity, now);
            }
            if (const auto report = uncover.report(now)) {
                down.send(written(*report), now);
            }
        }
        while (const auto out = far.next_output()) {
            down.send(cover ? written(PlainDatagram{out->bytes}) : out->bytes, now);
        }
    }

    Conversation near;
    Conversation far;
    OneWay up;
    OneWay down;
    NeedlessResends needless;
    std::optional<ParitySender> cover;
    ParityReceiver uncover;
    std::vector<ParityReceiver::Given> given;
    std::vector<std::vector<std::byte>> covered;
};

struct EchoFigures {
    double average = 0;   ///< ms of round trip, as the rest
    double largest = 0;
    double datagrams = 0;   ///< of the side that asks
    double bytes = 0;       ///< a message, both ways
    double needless = 0;    ///< share of messages
};

/// The reference's own test: 1,001 messages of 8 bytes, one each 20 ms, echoed.
inline EchoFigures echo(const Trial& trial) {
    constexpr std::size_t count = 1'001;
    constexpr Duration period = 20ms;
    Pair pair{trial};
    std::size_t sent = 0;
    std::vector<double> trips;
    while (trips.size() < count) {
        const Instant due = Instant{} + static_cast<std::int64_t>(sent) * period;
        const Instant now = std::min(pair.next(), sent < count ? due : Instant::never());
        check(now < Instant{} + 200s, "an echo comes back");
        pair.arrive(now);
        while (const auto message = pair.far.next_message()) {
            static_cast<void>(pair.far.send(Bytes::copy(*message), now));
        }
        while (pair.near.next_message()) {
            const Instant began = Instant{} + static_cast<std::int64_t>(trips.size()) * period;
            trips.push_back(static_cast<double>((now - began).count()) / 1e6);
        }
        if (sent < count && due <= now) {
            static_cast<void>(pair.near.send(Bytes::copy(std::string_view{"12345678"}), now));
            ++sent;
        }
        pair.leave(now);
    }
    EchoFigures figures;
    figures.average = std::accumulate(trips.begin(), trips.end(), 0.0) / static_cast<double>(count);
    figures.largest = *std::ranges::max_element(trips);
    figures.datagrams = static_cast<double>(pair.up.datagrams);
    figures.bytes = static_cast<double>(pair.up.bytes + pair.down.bytes) / static_cast<double>(count);
    figures.needless = pair.needless.share();
    return figures;
}

/// What a camera sends.
struct Video {
    double seconds = 60;
    double bits_per_second = 2e6;
    double frames_per_second = 30;
    std::size_t group = 60;   ///< frames from one key frame to the next
    double key_weight = 6;    ///< a key frame in other frames
    Duration limit = 600ms;   ///< what counts as in time
};

struct VideoFigures {
    double p50 = 0;   ///< ms from capture until the whole frame can be read, as the next
    double p95 = 0;
    double p99 = 0;
    double largest = 0;
    double overhead = 0;   ///< bytes both ways, with IP and UDP, over those of the frames
    double needless = 0;   ///< share of segments
    double within_600 = 0;
    double in_time = 0;     ///< within the limit that was asked for
    double queue_p95 = 0;   ///< ms in the path's own queue
    double overflows = 0;
};

inline Bytes picture(const Video& video, std::size_t number) {
    const double mean = video.bits_per_second / video.frames_per_second / 8;
    const auto group = static_cast<double>(video.group);
    const double small = mean * group / (group - 1 + video.key_weight);
    const double size = number % video.group == 0 ? small * video.key_weight : small;
    static const std::vector<std::byte> zeros(1U << 20U);
    return Bytes::lasting(ByteSpan{zeros}.first(static_cast<std::size_t>(size)));
}

inline VideoFigures judge(std::vector<double> latencies, Duration limit) {
    std::ranges::sort(latencies);
    const auto within = [&latencies](double ms) {
        const auto end = std::ranges::upper_bound(latencies, ms);
        return static_cast<double>(end - latencies.begin()) / static_cast<double>(latencies.size());
    };
    VideoFigures figures;
    figures.p50 = quantile(latencies, 0.50);
    figures.p95 = quantile(latencies, 0.95);
    figures.p99 = quantile(latencies, 0.99);
    figures.largest = latencies.back();
    figures.in_time = within(static_cast<double>(limit / 1us) / 1e3);
    figures.within_600 = within(600);
    return figures;
}

/// Frames one way, each a message; how long until each can be read whole at the far end.
inline VideoFigures video(const Trial& trial, const Video& camera = {}) {
    const auto count = static_cast<std::size_t>(camera.seconds * camera.frames_per_second);
    const auto captured = [&camera](std::size_t number) {
        const double at = static_cast<double>(number) / camera.frames_per_second * 1e9;
        return Instant::from_nanoseconds(static_cast<std::int64_t>(at));
    };
    Pair pair{trial};
    std::vector<double> latencies;
    std::size_t sent = 0;
    double payload = 0;
    while (latencies.size() < count) {
        const Instant now = std::min(pair.next(), sent < count ? captured(sent) : Instant::never());
        if (now > captured(count) + 60s) {
            break;   // what is missing counts as never
        }
        pair.arrive(now);
        while (pair.far.next_message()) {
            latencies.push_back(static_cast<double>((now - captured(latencies.size())).count()) / 1e6);
        }
        if (sent < count && captured(sent) <= now) {
            const Bytes frame = picture(camera, sent);
            payload += static_cast<double>(frame.size());
            static_cast<void>(pair.near.send(frame, now));
            ++sent;
        }
        pair.leave(now);
    }
    latencies.resize(count, 1e6);
    VideoFigures figures = judge(std::move(latencies), camera.limit);
    figures.overhead = static_cast<double>(pair.up.bytes + pair.down.bytes) / payload;
    figures.needless = pair.needless.share();
    Bottleneck& narrow = pair.up.narrow();
    std::ranges::sort(narrow.delays);
    figures.queue_p95 = quantile(narrow.delays, 0.95);
    figures.overflows = static_cast<double>(narrow.overflowed);
    return figures;
}

/// Of one figure over many seeds; of a share, that of all frames of all seeds.
template <class Figures>
double mean(const std::vector<Figures>& all, double Figures::* figure) {
    double sum = 0;
    for (const Figures& one : all) {
        sum += one.*figure;
    }
    return sum / static_cast<double>(all.size());
}

/// The median and the worst of one figure over many seeds.
struct Spread {
    double median = 0;
    double worst = 0;
};
template <class Figures>
Spread spread(const std::vector<Figures>& all, double Figures::* figure) {
    std::vector<double> values;
    for (const Figures& one : all) {
        values.push_back(one.*figure);
    }
    std::ranges::sort(values);
    return {quantile(values, 0.5), values.back()};
}

}   // namespace millrace::kcp
