#include "net/datagram_fan_out.hpp"

#include "base/check.hpp"

namespace millrace::net {

DatagramFanOut::DatagramFanOut(Executor& executor, Datagrams& rtp, Datagrams& rtcp)
    : hall_{executor, {rtp, rtcp}, {door_, room_}} {
}

DatagramFanOut::~DatagramFanOut() {
    check(viewers_ == 0, "the places of a fan-out do not outlive it");
}

DatagramFanOut::Place::Place(DatagramFanOut& of, std::unique_ptr<DatagramViewing> viewing)
    : of_{&of}, viewing_{std::move(viewing)} {
}

DatagramFanOut::Place& DatagramFanOut::Place::operator=(Place&& other) noexcept {
    if (this != &other) {
        leave({Errc::closed, "the viewer left"});
        of_ = other.of_;
        viewing_ = std::move(other.viewing_);
    }
    return *this;
}

void DatagramFanOut::Place::pause() {
    if (viewing_ != nullptr) {
        viewing_->paused = true;
        viewing_->cursor = DatagramViewing::none;
        viewing_->front = {};
    }
}

void DatagramFanOut::Place::play() {
    if (viewing_ != nullptr && std::exchange(viewing_->paused, false) && viewing_->audience() != nullptr) {
        viewing_->audience()->resume(*viewing_);
    }
}

void DatagramFanOut::Place::leave(Error reason) {
    if (const auto viewing = std::move(viewing_); viewing != nullptr && viewing->audience() != nullptr) {
        of_->remove(*viewing);
        const std::unique_ptr<Seat> seat = viewing->close().seat;
        seat->leave(reason);
    }
}

DatagramFanOut::Place DatagramFanOut::join(LogView& log, DatagramViewer viewer) {
    std::unique_ptr<DatagramAudience>& audience = audiences_[&log];
    if (audience == nullptr) {
        audience = std::make_unique<DatagramAudience>(log, hall_);
    }
    auto viewing = std::make_unique<DatagramViewing>(hall_, *audience, std::move(viewer));
    audience->add(*viewing);
    ++viewers_;
    if (log.ended()) {
        viewing->leave({Errc::closed, "the stream ended"});
    }
    if (!second_.armed()) {
        hall_.executor.timers().arm(second_, hall_.executor.now() + WindowPolicy::review_interval);
    }
    return {*this, std::move(viewing)};
}

/// Takes it out of its audience, and the last one's audience out of its log: before the Seat goes, which
/// keeps the log alive.
void DatagramFanOut::remove(DatagramViewing& viewing) {
    DatagramAudience& audience = *viewing.audience();
    audience.remove(viewing);
    if (audience.empty()) {
        audiences_.erase(&audience.log());
    }
    --viewers_;
}

void DatagramFanOut::sweep() {
    while (!hall_.leaving.alone()) {
        auto& viewing = static_cast<DatagramViewing&>(*hall_.leaving.next());
        const Error reason = viewing.reason();
        remove(viewing);
        DatagramViewer viewer = viewing.close();
        viewer.seat->leave(reason);
        viewer.seat.reset();
        if (viewer.ended) {
            viewer.ended(reason);   // may do anything, even end its place: nothing of ours is half done
        }
    }
}

void DatagramFanOut::wake_all() {
    for (const auto& [log, audience] : audiences_) {
        audience->wake();
    }
}

void DatagramFanOut::review() {
    hall_.policy.review(hall_.executor.load());
    if (viewers_ > 0 || !hall_.policy.smallest()) {
        hall_.executor.timers().arm(second_, hall_.executor.now() + WindowPolicy::review_interval);
    }
}

}   // namespace millrace::net
