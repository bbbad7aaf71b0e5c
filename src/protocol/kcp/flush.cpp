#include "protocol/kcp/conversation.hpp"

#include <algorithm>

namespace millrace::kcp {

std::size_t Conversation::room() const {
    return std::min<std::size_t>({settings_.send_window, peer_window_, congestion_->window()});
}

bool Conversation::may_send_new() const {
    return !resends_wait_ && window_.queued() > 0 && window_.in_flight() < room() &&
           congestion_->send_at() <= now_;
}

/// Writes all that may leave now: what we owe first, so that it rides with data; then resends, then the rest.
void Conversation::flush() {
    const bool data = (resends_wait_ && congestion_->resend_at() <= now_) || may_send_new();
    if (acks_.deadline() <= now_ || (acks_.owed() && data)) {
        write_acks();
    }
    write_window_words();
    if (resends_wait_) {
        write_resends();
    }
    write_copies();
    write_new();
    close_datagram();
    write_repeats();
}

Segment Conversation::head(Command command) const {
    Segment segment;
    segment.conv = settings_.conv;
    segment.command = command;
    segment.wnd = received_.free();
    segment.una = received_.expected();
    return segment;
}

void Conversation::write_acks() {
    for (const Echo& echo : acks_.take(received_.expected(), now_)) {
        Segment segment = head(Command::ack);
        segment.sn = echo.sn;
        segment.ts = echo.ts;
        put(segment);
    }
}

void Conversation::write_window_words() {
    if (ask_at_ <= now_) {
        put(head(Command::ask_window));
        ask_wait_ = std::min<Duration>(ask_wait_ + ask_wait_ / 2, ask_longest);
        ask_at_ = now_ + ask_wait_;
    }
    if (tell_at_ <= now_) {
        put(head(Command::tell_window));
        tells_ -= tells_ > 0 ? 1 : 0;
        tell_at_ = tells_ > 0 ? now_ + tell_again : Instant::never();
    }
}

void Conversation::write_resends() {
    resends_wait_ = false;
    for (std::uint32_t sn = window_.una(); sn != window_.next(); ++sn) {
        Outstanding& segment = window_.at(sn);
        if (segment.lost && !segment.delivered) {
            if (congestion_->resend_at() > now_) {
                resends_wait_ = true;
                break;
            }
            const unsigned copies = congestion_->keeps_back() ? 1 : recovery_->copies(segment);
            if (congestion_->rate() > 0) {
                close_datagram();   // each is paced
            }
            put_data(segment, true);
            dead_ = dead_ || segment.rounds >= rounds_of_the_dead;
            if (copies > 1 && copies_.size() < settings_.send_window) {
                copies_.push_back({sn, segment.rounds, copies - 1, now_ + copies_apart()});
            }
        }
    }
    if (settings_.fec_wait > 0ns) {
        close_datagram();   // parity covers new data alone
    }
}

/// The further copies of resends whose time has come, unless they are known to be needless by now.
void Conversation::write_copies() {
    bool any = false;
    while (!copies_.empty() && copies_.front().due <= now_) {
        if (has_data_) {
            close_datagram();   // copies in one datagram would share its fate
        }
        for (std::size_t due = copies_.size(); due > 0 && copies_.front().due <= now_; --due) {
            any = write_copy(copies_.front()) || any;
            copies_.pop_front();
        }
    }
    if (any) {
        close_datagram();   // parity covers new data alone
    }
}

bool Conversation::write_copy(Copies copies) {
    if (!window_.holds(copies.sn) || congestion_->keeps_back()) {
        return false;
    }
    Outstanding& segment = window_.at(copies.sn);
    if (segment.delivered || segment.lost || segment.rounds != copies.round) {
        return false;
    }
    put_data(segment, false);
    ++counters_.further_copies;
    if (--copies.left > 0) {
        copies.due = now_ + copies_apart();
        copies_.push_back(copies);
    }
    return true;
}

Duration Conversation::copies_apart() const {
    return recovery_->loses_in_bursts() ? settings_.copies_apart : 0ns;
}

/// Full datagrams, of which each is paced: many small segments share one.
void Conversation::write_new() {
    while (may_send_new()) {
        if (datagram_.bytes.size() + header_size + window_.queued_first() > settings_.mtu) {
            close_datagram();
            if (!may_send_new()) {
                return;
            }
        }
        Outstanding& segment = window_.open_next();
        segment.rides_left = segment.payload.size() <= ride_size_max ? settings_.rides : 0;
        put_data(segment, true);
        if (seeks_) {
            newest_ = {.sn = segment.sn, .frg = segment.frg, .payload = segment.payload};
        }
        datagram_.fresh = true;
        ++counters_.segments;
    }
}

/// Whether what leaves next is a repeat.
bool Conversation::repeats() const {
    return congestion_->repeat_due() && !resends_wait_ && window_.queued() == 0 && !newest_.payload.empty();
}

/// Datagrams as full as any, of the newest segment: which the peer has, or is about to have.
void Conversation::write_repeats() {
    while (repeats() && congestion_->send_at() <= now_) {
        Segment push = head(Command::push);
        push.frg = newest_.frg;
        push.sn = newest_.sn;
        push.ts = static_cast<std::uint32_t>(now_.nanoseconds() / 1'000'000);
        push.payload = newest_.payload;
        do {
            put(push);
        } while (datagram_.bytes.size() + push.size() <= settings_.mtu);
        ++order_;
        ++counters_.repeats;
        recovery_->on_repeat(push.sn, {.order = order_, .now = now_, .ts = push.ts, .new_round = false});
        congestion_->on_sent({.order = order_,
                              .bytes = datagram_.bytes.size() + wire_overhead,
                              .now = now_,
                              .more = false,
                              .repeat = true});
        close_datagram();
    }
}

void Conversation::put_data(Outstanding& segment, bool new_round) {
    Segment push = head(Command::push);
    push.frg = segment.frg;
    push.sn = segment.sn;
    push.ts = static_cast<std::uint32_t>(now_.nanoseconds() / 1'000'000);
    push.payload = segment.payload;
    if (datagram_.bytes.size() + push.size() > settings_.mtu) {
        close_datagram();
    }
    if (!has_data_) {
        has_data_ = true;
        ++order_;
    }
    put(push);
    recovery_->on_sent(segment, {.order = order_, .now = now_, .ts = push.ts, .new_round = new_round});
}

/// Small segments on their way ride along in what room is left: a loss then costs the time between two
/// messages, not a round trip.
void Conversation::add_rides() {
    if (recovery_->loss() < ride_loss_min) {
        return;
    }
    for (std::uint32_t sn = window_.una(); sn != window_.next(); ++sn) {
        Outstanding& segment = window_.at(sn);
        const std::size_t size = header_size + segment.payload.size();
        // The one that is just being written has not left yet.
        const bool rides = segment.copies > 0 && segment.rides_left > 0 && !segment.delivered &&
                           !segment.lost && now_ - segment.last().at >= ride_spacing;
        if (rides && datagram_.bytes.size() + size <= settings_.mtu) {
            --segment.rides_left;
            ++counters_.rides;
            put_data(segment, false);
        }
    }
}

void Conversation::put(const Segment& segment) {
    if (datagram_.bytes.size() + segment.size() > settings_.mtu) {
        close_datagram();
    }
    if (datagram_.bytes.empty()) {
        datagram_.bytes.reserve(segment.command == Command::push ? settings_.mtu : 4 * header_size);
    }
    append(datagram_.bytes, segment);
}

void Conversation::close_datagram() {
    if (datagram_.bytes.empty()) {
        return;
    }
    if (has_data_ && settings_.rides > 0) {
        add_rides();
    }
    if (has_data_) {
        congestion_->on_sent({.order = order_,
                              .bytes = datagram_.bytes.size() + wire_overhead,
                              .now = now_,
                              .more = window_.queued() > 0 && window_.in_flight() < room(),
                              .repeat = false});
    }
    ++counters_.datagrams_sent;
    counters_.bytes_sent += datagram_.bytes.size();
    out_.push_back(std::move(datagram_));
    datagram_ = {};
    has_data_ = false;
}

}   // namespace millrace::kcp
