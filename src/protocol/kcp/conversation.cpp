#include "protocol/kcp/conversation.hpp"

#include <algorithm>

namespace millrace::kcp {

Conversation::Conversation(const Settings& settings, Instant now)
    : settings_{settings},
      now_{now},
      window_{settings.first_sn},
      received_{settings.receive_window, settings.first_sn},
      acks_{settings},
      recovery_{make_recovery(settings)},
      congestion_{make_congestion(settings)} {
    check(validate(settings).has_value(), "settings of KCP are validated first");
    if (settings.interval > 0ns) {
        tick_ = now;
    }
}

Result<> Conversation::send(const Bytes& message, Instant now) {
    now_ = std::max(now_, now);
    const std::size_t count = (message.size() + settings_.segment_max() - 1) / settings_.segment_max();
    if (!settings_.stream && count > std::min<std::size_t>(Settings::fragments_max, peer_window_largest_)) {
        return fail(Errc::exhausted, "a KCP message has too many fragments");
    }
    if (waiting() + count > Settings::waiting_max) {
        return fail(Errc::exhausted, "too much waits to be sent over KCP");
    }
    if (settings_.stream) {
        window_.push_stream(message, settings_.segment_max());
    } else {
        window_.push_message(message, settings_.segment_max());
    }
    dirty_ = true;
    return {};
}

Result<> Conversation::receive(ByteSpan datagram, Instant now, Origin origin) {
    now_ = std::max(now_, now);
    if (broken_) {
        return fail(Errc::malformed, "this KCP conversation cannot go on");
    }
    if (const Result<> read = read_datagram(datagram, settings_.conv, parsed_); !read) {
        ++counters_.datagrams_refused;
        return read;
    }
    ++counters_.datagrams_received;
    dirty_ = true;
    take_acks();
    return take_pushes(origin);
}

void Conversation::take_acks() {
    std::uint32_t una = window_.una();
    echoes_.clear();
    for (const Segment& segment : parsed_) {
        // What was never sent cannot have arrived.
        if (ahead(segment.una, una) > 0 && ahead(segment.una, window_.next()) <= 0) {
            una = segment.una;
        }
        if (segment.command == Command::ack) {
            echoes_.push_back({segment.sn, segment.ts});
        } else if (segment.command == Command::ask_window) {
            tells_ = std::max(tells_, 1U);
            tell_at_ = std::min(tell_at_, now_);
        }
    }
    take_window(parsed_.back().wnd);
    if (echoes_.empty() && una == window_.una()) {
        return;
    }
    const Progress progress = recovery_->on_acks(window_, {echoes_, una, now_});
    const bool moved = una != window_.una();
    window_.free_below(una);
    // Its own acknowledgements may have come before una: the last gap is closed without one.
    if (settings_.congestion != CongestionKind::classic || moved) {
        congestion_->on_progress(progress, recovery_->round_trip(), now_);
    }
    if (settings_.interval == 0ns) {
        examine();
    }
}

void Conversation::take_window(std::uint16_t window) {
    peer_window_ = std::min(window, Settings::window_max);
    peer_window_largest_ = peer_heard_ ? std::max(peer_window_largest_, peer_window_) : peer_window_;
    peer_heard_ = true;
    if (peer_window_ > 0) {
        ask_at_ = Instant::never();
        ask_wait_ = ask_first;
    } else if (ask_at_ == Instant::never()) {
        ask_at_ = now_ + ask_wait_;
    }
}

Result<> Conversation::take_pushes(Origin origin) {
    for (const Segment& segment : parsed_) {
        if (segment.command != Command::push) {
            continue;
        }
        const Result<ReceiveWindow::Taken> taken = received_.take(segment);
        if (!taken) {
            broken_ = true;
            return std::unexpected(taken.error());
        }
        using enum ReceiveWindow::Taken;
        counters_.duplicates += *taken == duplicate ? 1 : 0;
        counters_.beyond += *taken == beyond ? 1 : 0;
        if (*taken != beyond && tell_at_ > now_) {
            tells_ = 0;   // it knows of the room
            tell_at_ = Instant::never();
        }
        if (origin == Origin::recovered) {
            acks_.note_recovered(*taken, segment.sn, now_);
        } else {
            acks_.note(*taken, {segment.sn, segment.ts}, now_);
        }
    }
    return {};
}

void Conversation::seek_more(bool more) {
    seeks_ = more;
    congestion_->seek(more);
}

void Conversation::examine() {
    const Losses losses = recovery_->examine(window_, now_);
    counters_.resends_by_gap += losses.by_gap;
    counters_.resends_by_timer += losses.by_timer;
    if (losses.by_gap > 0 || losses.by_timer > 0) {
        resends_wait_ = true;
        congestion_->on_losses(losses, window_.in_flight());
    }
}

void Conversation::advance(Instant now) {
    now_ = std::max(now_, now);
    if (settings_.interval > 0ns) {
        if (tick_ > now_) {
            return;
        }
        examine();
        flush();
        const std::int64_t behind = (now_ - tick_) / settings_.interval;
        tick_ = tick_ + (behind + 1) * settings_.interval;
        return;
    }
    if (recovery_->deadline() <= now_) {
        examine();
    }
    dirty_ = true;
}

bool Conversation::pending() const {
    return acks_.owed() || waiting() > 0 || tells_ > 0;
}

Instant Conversation::deadline() const {
    if (settings_.interval > 0ns) {
        return pending() ? tick_ : Instant::never();
    }
    Instant due = std::min({recovery_->deadline(), acks_.deadline(), ask_at_, tell_at_});
    if (!copies_.empty()) {
        due = std::min(due, copies_.front().due);
    }
    if (resends_wait_) {
        due = std::min(due, congestion_->resend_at());
    }
    if (repeats() || (!resends_wait_ && window_.queued() > 0 && window_.in_flight() < room())) {
        due = std::min(due, congestion_->send_at());
    }
    return due;
}

std::optional<Outgoing> Conversation::next_output() {
    if (dirty_ && settings_.interval == 0ns) {
        dirty_ = false;
        flush();
    }
    if (out_.empty()) {
        return std::nullopt;
    }
    std::optional<Outgoing> first{std::move(out_.front())};
    out_.pop_front();
    return first;
}

std::optional<std::vector<std::byte>> Conversation::next_message() {
    std::optional<std::vector<std::byte>> message = received_.next_message();
    if (received_.reopened()) {
        tells_ = tell_times;
        tell_at_ = now_;
        dirty_ = true;
    }
    return message;
}

Conversation::Path Conversation::path() const {
    const RoundTrip& trips = recovery_->round_trip();
    return {.round_trip = trips.known() ? trips.smoothed() : 0ns,
            .round_trip_min = trips.known() ? trips.smallest() : 0ns,
            .round_trip_of_late = trips.known() ? trips.of_late() : 0ns,
            .reorder_window = recovery_->reorder_window(),
            .loss = recovery_->loss(),
            .rate = congestion_->rate()};
}

}   // namespace millrace::kcp
