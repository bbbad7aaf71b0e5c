#pragma once

#include "base/hops.hpp"
#include "base/mutex.hpp"
#include "base/result.hpp"
#include "hub/recent_messages.hpp"
#include "hub/recent_units.hpp"

#include <map>
#include <string>
#include <utility>

namespace millrace::hub {

/// What the links of uplinks know of each other, which may come to different workers: what came live, for who
/// brings the archive, and which box uses which key. One a node; any thread. It outlives what it gives out.
class UplinkHall {
public:
    /// A box that was killed is found dead before that: two that are there for longer are both there.
    static constexpr Duration both_after = 5s;
    static constexpr Duration alarm_every = 60s;

    UplinkHall() = default;
    UplinkHall(const UplinkHall&) = delete;
    UplinkHall& operator=(const UplinkHall&) = delete;

    /// The live media of a stream, as long as it is published. Its owner's worker.
    class Live {
    public:
        Live(UplinkHall& hall, std::string stream);
        Live(const Live&) = delete;
        Live& operator=(const Live&) = delete;
        ~Live();
        void take(const media::AccessUnit& unit);
        void take(const media::TimedMessage& message);

    private:
        UplinkHall& hall_;
        std::string stream_;
        std::uint64_t id_;   // the newest of a stream is the one that is looked into
    };
    media::AccessUnitRef find(const std::string& stream, media::TrackId track, std::int64_t dts) const;
    /// What was said of its pictures, by `media::key_of`.
    std::optional<media::TimedMessage> find_message(const std::string& stream, std::uint64_t key) const;
    RecentUnits::Cover covers(const std::string& stream, std::int64_t begin_us, std::int64_t end_us) const;
    void forget_before(const std::string& stream, std::int64_t us);

    /// One link of a box, while it lives. A box is told by the id that its node drew at its start: a key that
    /// another box uses, too, was taken from it.
    class Hold {
    public:
        Hold() = default;
        Hold(UplinkHall& hall, std::string identity) : hall_{&hall}, identity_{std::move(identity)} {}
        Hold(Hold&& other) noexcept
            : hall_{std::exchange(other.hall_, nullptr)}, identity_{std::move(other.identity_)} {}
        Hold(const Hold&) = delete;
        Hold& operator=(const Hold&) = delete;
        Hold& operator=(Hold&&) = delete;
        ~Hold() {
            if (hall_ != nullptr) {
                hall_->leave(identity_);
            }
        }

    private:
        UplinkHall* hall_ = nullptr;
        std::string identity_;
    };
    /// Errc::exists: the key is in use by another box. Without an identity, or where the caller does not say
    /// through which node it comes, nothing is held.
    Result<Hold> enter(const std::string& identity, const Hops& from, Instant now);
    /// Whether two boxes are there for sure that use it; true once in `alarm_every`.
    bool alarms(const std::string& identity, Instant now);

private:
    struct Stream {
        std::uint64_t id = 0;
        RecentUnits units{};
        RecentMessages messages{};
    };
    struct Box {
        Hops from;
        std::size_t links = 0;
        Hops other{};   // that was refused
        Instant other_since{};
        Instant quiet_until{};
    };
    void leave(const std::string& identity);
    using Streams = std::map<std::string, Stream>;
    /// Null: another publisher of the stream came after that one.
    static Stream* newest(Streams& streams, const std::string& stream, std::uint64_t id);

    mutable Mutex mutex_;
    std::uint64_t last_id_ MILLRACE_GUARDED_BY(mutex_) = 0;
    Streams streams_ MILLRACE_GUARDED_BY(mutex_);
    std::map<std::string, Box> boxes_ MILLRACE_GUARDED_BY(mutex_);
};

}   // namespace millrace::hub
