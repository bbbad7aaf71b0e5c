#include "net/fan_out_viewing.hpp"

#include "net/fan_out_audience.hpp"
#include "net/fan_out_hall.hpp"

#include <algorithm>
#include <array>

namespace millrace::net {

Viewing::Viewing(Hall& hall, Audience& audience, Viewer viewer)
    : hall_{hall},
      audience_{&audience},
      connection_{std::move(viewer.connection)},
      back_channel_{std::move(viewer.back_channel)},
      seat_{std::move(viewer.seat)},
      lead_{std::move(viewer.lead)} {
}

void Viewing::begin(Instant now) {
    connection_->wait_readable(static_cast<ReadWaiter*>(this));
    write(now);
}

void Viewing::flush(Instant now) {
    if (!blocked_ && !leaving_) {
        write(now);
    }
}

void Viewing::fetch() const {
    constexpr std::size_t line = 64;
    const auto* const bytes = reinterpret_cast<const std::byte*>(this);
    for (std::size_t at = 0; at < sizeof *this; at += line) {
        __builtin_prefetch(bytes + at);
    }
}

void Viewing::fetch_link() const {
    __builtin_prefetch(connection_.get());
    __builtin_prefetch(&seat_->counters);
}

void Viewing::on_writable(Result<> ready) {
    if (!ready) {
        return leave(ready.error());
    }
    write(hall_.executor.now());
}

void Viewing::write(Instant now) {
    std::array<ByteSpan, Connection::gather_max> slices;
    for (;;) {
        const std::uint64_t to = plan(now);
        const std::size_t count = gather(to, slices);
        if (count == 0) {
            return rest();
        }
        const std::span<const ByteSpan> offer = std::span{slices}.first(count);
        std::size_t offered = 0;
        for (const ByteSpan slice : offer) {
            offered += slice.size();
        }
        const Result<std::size_t> sent = connection_->try_write(offer);
        ++hall_.counters.sends;
        ++seat_->counters.writes;
        if (!sent && sent.error().code != Errc::would_block) {
            return leave(sent.error());
        }
        const std::size_t taken = sent ? *sent : 0;
        took(taken);
        if (taken < offered) {
            return block(to, taken > 0, now);
        }
        if (place_ == Place::log && cursor_ == audience_->log().head() && private_.empty()) {
            return rest();   // the usual end of a flush: nothing to plan for again
        }
    }
}

/// Decides how far into the log the next write goes, after changing course if this is a turn.
std::uint64_t Viewing::plan(Instant now) {
    const LogView& log = audience_->log();
    if (place_ == Place::remainder && cursor_ == remainder_->end) {
        remainder_.reset();
        place_ = cursor_ < log.tail() ? Place::lapped : Place::log;
        if (place_ == Place::log) {
            seat_->counters.pictures.begin(log.pictures_until(cursor_));
        }
        audience_->reads_from(needed_from());
    }
    // The usual viewer is neither blocked nor has anything to hear alone: it goes straight to the head.
    if (place_ != Place::log || blocked_ || paused_ || !private_.empty()) {
        plan_turn(now);
    }
    if (parting_ && private_.empty()) {
        return place_ == Place::remainder ? remainder_->end : cursor_;
    }
    switch (place_) {
        case Place::waiting:
        case Place::lapped: return cursor_;
        case Place::remainder: return remainder_->end;
        case Place::log: break;
    }
    const bool wants_turn = !private_.empty() || paused_ || (blocked_ && should_skip(now));
    return wants_turn ? started_until() : log.head();
}

void Viewing::plan_turn(Instant now) {
    if (!aside_.empty() || place_ == Place::remainder ||
        (place_ == Place::log && cursor_ != started_until())) {
        return;
    }
    if (parting_) {
        aside_ = Bytes{std::exchange(private_, {})};
        return;
    }
    if (place_ == Place::log && blocked_ && should_skip(now)) {
        place_ = Place::lapped;
    }
    if (paused_) {
        place_ = Place::waiting;
    }
    if (place_ != Place::log) {
        leave_log(cursor_);
    }
    // What it is told alone comes before the log that it asked for by it: an answer to PLAY.
    const bool told_first = place_ == Place::waiting && !private_.empty();
    const Entrance* const entrance = audience_->log().newest_entrance();
    if (place_ != Place::log && entrance != nullptr && !paused_ && !told_first) {
        enter(*entrance);
    } else if (!private_.empty()) {
        aside_ = Bytes{std::exchange(private_, {})};
    }
}

/// The first message end past what the viewer, or the connection on its way to it, has of the log.
std::uint64_t Viewing::started_until() const {
    return audience_->log().message_end_from(std::max(cursor_, held_until_));
}

/// A blocked viewer that is further behind than its seat bears moves on to an entrance that is not; in a log
/// that prefers the newest, one that is behind by more than a picture.
bool Viewing::should_skip(Instant now) const {
    const LogView& log = audience_->log();
    const Entrance* const entrance = log.newest_entrance();
    if (entrance == nullptr || entrance->offset <= cursor_) {
        return false;
    }
    // Between a place and the newest entrance lies at least one whole picture.
    return log.prefers_newest() || (log.age_from(cursor_, now) > seat_->lag_max &&
                                    log.age_from(entrance->offset, now) <= seat_->lag_max);
}

void Viewing::enter(const Entrance& entrance) {
    if (place_ == Place::lapped) {
        ++seat_->counters.skips;
        ++hall_.counters.skips;
        seat_->counters.bytes_skipped += entrance.offset - cursor_;
    }
    place_ = Place::log;
    aside_ = entrance.resume;
    cursor_ = entrance.offset;
    seat_->counters.pictures.begin(audience_->log().pictures_until(cursor_));
    held_until_ = 0;
    tell_place();
    audience_->reads_from(cursor_);
}

/// It will not have what lies behind this message end, or only later.
void Viewing::leave_log(std::uint64_t at) {
    seat_->counters.pictures.end(audience_->log().pictures_until(at));
}

std::size_t Viewing::gather(std::uint64_t to, std::span<ByteSpan> out) const {
    std::size_t count = 0;
    for (const Bytes* first : {&lead_, &aside_}) {
        if (!first->empty()) {
            out[count++] = first->span();
        }
    }
    if (place_ != Place::remainder) {
        return count + audience_->log().gather(cursor_, to, out.subspan(count));
    }
    for (const BlockRef& block : remainder_->blocks) {
        const std::uint64_t from = std::max(cursor_, block->start());
        const std::uint64_t end = std::min(to, block->limit());
        if (from < end && count < out.size()) {
            out[count++] = ByteSpan{block->at(from), end - from};
        }
    }
    return count;
}

void Viewing::took(std::size_t count) {
    hall_.counters.bytes_out += count;
    seat_->counters.bytes_out += count;
    for (Bytes* first : {&lead_, &aside_}) {
        if (!first->empty()) {
            const std::size_t part = std::min(count, first->size());
            *first = part == first->size() ? Bytes{} : first->slice(part, first->size() - part);
            count -= part;
        }
    }
    cursor_ += count;
    tell_place();
}

void Viewing::tell_place() {
    seat_->counters.place = place_ == Place::log || place_ == Place::remainder ? cursor_ : Seat::nowhere;
}

void Viewing::block(std::uint64_t to, bool progress, Instant now) {
    ++hall_.counters.blocks;
    held_until_ = std::min<std::uint64_t>(to, cursor_ + Connection::held_max);
    // What the log has forgotten gets no new patience, or a trickle would keep it for ever.
    if (!blocked_ || (progress && place_ != Place::remainder)) {
        waits_since_ = now;
        hall_.stall(*this);
    }
    blocked_ = true;
    seat_->counters.blocked = true;
    connection_->wait_writable(static_cast<WriteWaiter*>(this));
}

/// Everything there is has gone out.
void Viewing::rest() {
    if (blocked_) {
        blocked_ = false;
        seat_->counters.blocked = false;
        unlink();
    }
    if (parting_) {
        leave(reason_);
    } else if (audience_->log().ended()) {
        part();
    }
}

/// It was sent all there is: the last words leave, if there are any, then it does.
void Viewing::part() {
    reason_ = {Errc::closed, "the stream ended"};
    private_ = back_channel_ == nullptr ? std::vector<std::byte>{} : back_channel_->farewell();
    if (private_.empty()) {
        return leave(reason_);
    }
    parting_ = true;
    write(hall_.executor.now());
}

void Viewing::before_trim(std::uint64_t tail, Instant now) {
    if (needed_from() >= tail) {
        return;
    }
    // One that is merely not served yet is not slow: it gets all there is before anything is forgotten.
    flush(now);
    if (needed_from() >= tail) {
        return;
    }
    const std::uint64_t end = started_until();
    leave_log(end);
    if (end == cursor_) {
        place_ = Place::lapped;
        return;
    }
    if (end - cursor_ > remainder_max) {
        return leave({Errc::exhausted, "the viewer is lapped in a message too large to keep for it"});
    }
    remainder_ = std::make_unique<Remainder>(Remainder{audience_->log().blocks_of(cursor_, end), end});
    place_ = Place::remainder;
}

void Viewing::on_readable(Result<> ready) {
    const Instant now = hall_.executor.now();
    const Result<> heard = ready ? listen(now) : ready;
    if (!heard) {
        return leave(heard.error());
    }
    if (!parting_) {
        connection_->wait_readable(static_cast<ReadWaiter*>(this));
    }
    follow_wish(now);
    if (!private_.empty()) {
        flush(now);
    }
}

/// Pauses, or goes on.
void Viewing::follow_wish(Instant now) {
    if (back_channel_ == nullptr || back_channel_->paused() == paused_) {
        return;
    }
    paused_ = !paused_;
    flush(now);
}

Result<> Viewing::listen(Instant now) {
    for (int i = 0; i < reads_per_wake; ++i) {
        const Result<std::size_t> count = connection_->try_read(hall_.read_buffer);
        if (!count) {
            return count.error().code == Errc::would_block ? Result<>{} : std::unexpected{count.error()};
        }
        if (back_channel_ == nullptr) {
            continue;
        }
        const Result<> heard = back_channel_->receive(std::span{hall_.read_buffer}.first(*count), now);
        const std::vector<std::byte> said = back_channel_->next_output();
        if (private_.size() + said.size() > private_max) {
            return fail(Errc::exhausted, "the viewer asks for more than it reads");
        }
        private_.insert(private_.end(), said.begin(), said.end());
        if (!heard && !said.empty()) {
            parting_ = true;
            reason_ = heard.error();
            return {};
        }
        if (!heard) {
            return heard;
        }
    }
    return {};
}

void Viewing::leave(Error reason) {
    if (leaving_) {
        return;
    }
    leaving_ = true;
    reason_ = parting_ ? reason_ : reason;
    connection_->wait_readable(nullptr);
    connection_->wait_writable(nullptr);
    hall_.show_out(*this);
}

std::unique_ptr<Seat> Viewing::close() {
    connection_->close();
    return std::move(seat_);
}

}   // namespace millrace::net
