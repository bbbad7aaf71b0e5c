#include "protocol/rtmp/server.hpp"

#include <utility>

namespace millrace::rtmp {

std::optional<Server::Event> Server::next_event() {
    if (events_.empty()) {
        return std::nullopt;
    }
    return events_.pop();
}

Result<> Server::advance(Instant now) {
    now_ = now;
    if (now < deadline_) {
        return {};
    }
    if (state_ == State::playing) {
        link_.send_user_control(UserControl::ping_request,
                                static_cast<std::uint32_t>(now.nanoseconds() / 1'000'000));
        deadline_ = now + player_ping_interval;
        return {};
    }
    const State was = std::exchange(state_, State::closed);
    deadline_ = Instant::never();
    switch (was) {
        case State::publishing: return fail(Errc::timed_out, "the publisher sent nothing for 30 s");
        case State::ended: return fail(Errc::timed_out, "the peer ended but did not close");
        default: return fail(Errc::timed_out, "handshake, connect and publish or play took over 10 s");
    }
}

void Server::end_said() {
    if (state_ == State::publishing || state_ == State::publish_asked) {
        events_.emplace_back(PublishEnded{});
    }
    if (state_ == State::playing || state_ == State::play_asked) {
        events_.emplace_back(PlayEnded{});
    }
    state_ = State::ended;
    deadline_ = now_ + farewell_time_max;
}

}   // namespace millrace::rtmp
