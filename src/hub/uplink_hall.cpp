#include "hub/uplink_hall.hpp"

namespace millrace::hub {

UplinkHall::Live::Live(UplinkHall& hall, std::string stream) : hall_{hall}, stream_{std::move(stream)} {
    const MutexLock lock{hall_.mutex_};
    id_ = ++hall_.last_id_;
    hall_.streams_.insert_or_assign(stream_, Stream{.id = id_});
}

UplinkHall::Live::~Live() {
    const MutexLock lock{hall_.mutex_};
    const auto mine = hall_.streams_.find(stream_);
    if (mine != hall_.streams_.end() && mine->second.id == id_) {
        hall_.streams_.erase(mine);
    }
}

void UplinkHall::Live::take(const media::AccessUnit& unit) {
    auto kept = std::make_shared<const media::AccessUnit>(unit);
    const MutexLock lock{hall_.mutex_};
    if (Stream* const mine = newest(hall_.streams_, stream_, id_)) {
        mine->units.take(std::move(kept));
    }
}

void UplinkHall::Live::take(const media::TimedMessage& message) {
    const MutexLock lock{hall_.mutex_};
    if (Stream* const mine = newest(hall_.streams_, stream_, id_)) {
        mine->messages.take(message, mine->units.newest_us());
    }
}

UplinkHall::Stream* UplinkHall::newest(Streams& streams, const std::string& stream, std::uint64_t id) {
    const auto found = streams.find(stream);
    return found != streams.end() && found->second.id == id ? &found->second : nullptr;
}

media::AccessUnitRef UplinkHall::find(const std::string& stream, media::TrackId track,
                                      std::int64_t dts) const {
    const MutexLock lock{mutex_};
    const auto found = streams_.find(stream);
    return found == streams_.end() ? nullptr : found->second.units.find(track, dts);
}

std::optional<media::TimedMessage> UplinkHall::find_message(const std::string& stream,
                                                            std::uint64_t key) const {
    const MutexLock lock{mutex_};
    const auto found = streams_.find(stream);
    return found == streams_.end() ? std::nullopt : found->second.messages.find(key);
}

RecentUnits::Cover UplinkHall::covers(const std::string& stream, std::int64_t begin_us,
                                      std::int64_t end_us) const {
    const MutexLock lock{mutex_};
    const auto found = streams_.find(stream);
    return found == streams_.end() ? RecentUnits::Cover::no : found->second.units.covers(begin_us, end_us);
}

void UplinkHall::forget_before(const std::string& stream, std::int64_t us) {
    const MutexLock lock{mutex_};
    const auto found = streams_.find(stream);
    if (found != streams_.end()) {
        found->second.units.forget_before(us);
        found->second.messages.forget_before(us);
    }
}

Result<UplinkHall::Hold> UplinkHall::enter(const std::string& identity, const Hops& from, Instant now) {
    if (identity.empty() || from.empty()) {
        return Hold{};
    }
    const MutexLock lock{mutex_};
    Box& box = boxes_[identity];
    if (box.links == 0) {
        box = {.from = from};
    } else if (!box.from.meets(from)) {
        box.other_since = box.other == from ? box.other_since : now;
        box.other = from;
        return fail(Errc::exists,
                    "another box uses this key now: one key is for one box, so enroll each one by itself");
    }
    ++box.links;
    return Hold{*this, identity};
}

bool UplinkHall::alarms(const std::string& identity, Instant now) {
    const MutexLock lock{mutex_};
    const auto found = boxes_.find(identity);
    if (found == boxes_.end() || found->second.other.empty() ||
        now < found->second.other_since + both_after || now < found->second.quiet_until) {
        return false;
    }
    found->second.quiet_until = now + alarm_every;
    return true;
}

void UplinkHall::leave(const std::string& identity) {
    const MutexLock lock{mutex_};
    const auto found = boxes_.find(identity);
    if (found != boxes_.end() && --found->second.links == 0) {
        boxes_.erase(found);
    }
}

}   // namespace millrace::hub
