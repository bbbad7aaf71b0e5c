#pragma once

#include "base/bytes.hpp"
#include "base/time.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <numeric>
#include <optional>
#include <vector>

namespace millrace::kcp {

/// Chance from a seed, fast: millions of datagrams are thrown at it (splitmix64).
class Dice {
public:
    explicit Dice(std::uint64_t seed) : state_{seed * 0x9E37'79B9'7F4A'7C15U + 1} {}

    std::uint64_t next() {
        state_ += 0x9E37'79B9'7F4A'7C15U;
        std::uint64_t mixed = (state_ ^ state_ >> 30U) * 0xBF58'476D'1CE4'E5B9U;
        mixed = (mixed ^ mixed >> 27U) * 0x94D0'49BB'1331'11EBU;
        return mixed ^ mixed >> 31U;
    }
    /// In [0, 1).
    double share() { return static_cast<double>(next() >> 11U) * 0x1.0p-53; }
    std::size_t below(std::size_t bound) { return static_cast<std::size_t>(next() % bound); }

private:
    std::uint64_t state_;
};

/// How datagrams fare one way.
struct Line {
    Duration delay_min = 30ms;
    Duration delay_max = 62ms;
    bool in_order = true;   ///< none overtakes another: a late one holds up those behind it
    double loss = 0;
    double burst = 1;             ///< mean length of a row of losses
    Duration outage{};            ///< nothing gets through for so long,
    Duration outage_every = 5s;   ///< each of these, at a time of its own
    bool exact_loss = false;      ///< of each hundred exactly so many, as the reference's own test has it
    double duplication = 0;
    double bytes_per_second = 0;   ///< 0: no limit
    std::size_t queue = 64'000;    ///< bytes that wait where the rate is limited
};

/// A place where the path is narrow: first in, first out, and what finds no room in its queue is lost.
class Bottleneck {
public:
    Bottleneck(double bytes_per_second, std::size_t queue) : rate_{bytes_per_second}, queue_{queue} {}

    /// When it has passed; nothing: there is no room.
    std::optional<Instant> pass(std::size_t size, Instant now) {
        const Duration wait = std::max<Duration>(free_at_ - now, 0ns);
        delays.push_back(static_cast<float>(wait / 1us) / 1000.0F);
        const double waiting = static_cast<double>(wait.count()) * 1e-9 * rate_;
        if (waiting + static_cast<double>(size) > static_cast<double>(queue_)) {
            ++overflowed;
            return std::nullopt;
        }
        const double takes = static_cast<double>(size) / rate_ * 1e9;
        free_at_ = std::max(free_at_, now) + Duration{static_cast<std::int64_t>(takes)};
        return free_at_;
    }
    /// What waits leaves at the old rate.
    void change(double bytes_per_second, std::size_t queue) {
        rate_ = bytes_per_second;
        queue_ = queue;
    }

    std::uint64_t overflowed = 0;
    std::vector<float> delays;   ///< ms, of each that came

private:
    double rate_;
    std::size_t queue_;
    Instant free_at_;
};

/// One direction of a path on virtual time.
class OneWay {
public:
    /// With a bottleneck that others share, that of the line counts for nothing.
    OneWay(const Line& line, std::uint64_t seed, Bottleneck* shared = nullptr)
        : line_{line}, dice_{seed}, own_{line.bytes_per_second, line.queue}, shared_{shared} {}

    /// Whether it will arrive.
    bool send(const std::vector<std::byte>& datagram, Instant now) {
        ++datagrams;
        const std::size_t size = datagram.size() + 28;
        bytes += size;
        Instant leaves = now;
        if (shared_ != nullptr || line_.bytes_per_second > 0) {
            const auto left = narrow().pass(size, now);
            if (!left) {
                return false;
            }
            leaves = *left;
            passed += size;
        }
        if (is_out(now) || loses()) {
            return false;
        }
        put(datagram, leaves);
        if (line_.duplication > 0 && dice_.share() < line_.duplication) {
            put(datagram, leaves);
        }
        return true;
    }
    Instant next() const { return under_way_.empty() ? Instant::never() : under_way_.front().due; }
    std::optional<std::vector<std::byte>> arrive(Instant now) {
        if (next() > now) {
            return std::nullopt;
        }
        std::pop_heap(under_way_.begin(), under_way_.end(), std::greater{});
        std::vector<std::byte> datagram = std::move(under_way_.back().bytes);
        under_way_.pop_back();
        return datagram;
    }
    void change(const Line& line) {
        line_ = line;
        own_.change(line.bytes_per_second, line.queue);
    }
    Bottleneck& narrow() { return shared_ != nullptr ? *shared_ : own_; }

    std::uint64_t datagrams = 0;
    std::uint64_t bytes = 0;    ///< with IP and UDP
    std::uint64_t passed = 0;   ///< of them, through the bottleneck

private:
    struct Parcel {
        Instant due;
        std::uint64_t number;
        std::vector<std::byte> bytes;
        bool operator>(const Parcel& other) const {
            return std::pair{due, number} > std::pair{other.due, other.number};
        }
    };

    void put(const std::vector<std::byte>& datagram, Instant leaves) {
        const auto spread = static_cast<double>((line_.delay_max - line_.delay_min).count());
        Instant due = leaves + line_.delay_min + Duration{static_cast<std::int64_t>(dice_.share() * spread)};
        if (line_.in_order) {
            due = std::max(due, last_due_);
            last_due_ = due;
        }
        under_way_.push_back({due, ++number_, datagram});
        std::push_heap(under_way_.begin(), under_way_.end(), std::greater{});
    }
    bool is_out(Instant now) {
        if (line_.outage == 0ns) {
            return false;
        }
        if (now >= out_until_) {
            const Duration spare = line_.outage_every - line_.outage;
            const Instant earliest = std::max(next_period_, now);
            out_from_ =
                earliest +
                Duration{static_cast<std::int64_t>(dice_.share() * static_cast<double>(spare.count()))};
            out_until_ = out_from_ + line_.outage;
            next_period_ = earliest + line_.outage_every;
        }
        return now >= out_from_;
    }
    bool loses() {
        if (line_.loss <= 0) {
            return false;
        }
        if (line_.exact_loss) {
            return loses_of_a_hundred();
        }
        if (line_.burst <= 1) {
            return dice_.share() < line_.loss;
        }
        const double leave = 1 / line_.burst;
        const double enter = leave * line_.loss / (1 - line_.loss);
        losing_ = dice_.share() < (losing_ ? 1 - leave : enter);
        return losing_;
    }
    bool loses_of_a_hundred() {
        if (hundred_left_ == 0) {
            hundred_left_ = hundred_.size();
            std::iota(hundred_.begin(), hundred_.end(), 0);
        }
        std::swap(hundred_[dice_.below(hundred_left_)], hundred_[hundred_left_ - 1]);
        return hundred_[--hundred_left_] < line_.loss * 100;
    }

    Line line_;
    Dice dice_;
    std::vector<Parcel> under_way_;   // a heap, the next to arrive in front
    Bottleneck own_;
    Bottleneck* shared_;
    std::uint64_t number_ = 0;
    Instant last_due_;
    bool losing_ = false;
    Instant next_period_;
    Instant out_from_;
    Instant out_until_;
    std::array<int, 100> hundred_{};
    std::size_t hundred_left_ = 0;
};

}   // namespace millrace::kcp
