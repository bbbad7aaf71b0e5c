#include "hub/mirror.hpp"

#include "base/log.hpp"
#include "hub/directory.hpp"

namespace millrace::hub {

void MirrorRef::opened(Result<MirrorStart> start) const {
    executor->post([mirror = *this, start = std::move(start)]() mutable {
        mirror.mirrors->opened(mirror.id, std::move(start));
    });
}

void MirrorRef::update(std::shared_ptr<const MirrorChange> change) const {
    executor->post(
        [mirror = *this, change = std::move(change)] { mirror.mirrors->update(mirror.id, *change); });
}

ViewerSeat::ViewerSeat(Mirrors& mirrors, Mirror& mirror, SessionFacts facts)
    : Entry{mirrors.sessions_, std::move(facts)}, mirrors_{mirrors}, mirror_{mirror} {
    ++mirror_.seats;
    if (is_viewer()) {
        tell_joined();
    }
}

ViewerSeat::~ViewerSeat() {
    if (!left_ && is_viewer()) {
        tell_left("it went before it was served");   // who came must leave, or viewers are counted for ever
    }
    depart(ViewerSeat::flow());
    mirrors_.release(mirror_);
}

void ViewerSeat::leave(Error seen) {
    const Error reason = ended_by_.value_or(seen);
    left_ = true;
    tell_left(reason.what);
    on_leave_.give(ViewerLeft{.reason = reason,
                              .log_ended = !ended_by_ && mirror_.log.ended(),
                              .bytes = counters.bytes_out,
                              .skips = counters.skips,
                              .pictures = pictures_sent(),
                              .pictures_skipped = counters.pictures.skipped()});
    log::info(facts().protocol, "viewer {} of {} left: {}; {} bytes sent, {} skips", facts().peer.text(),
              facts().stream, reason.what, counters.bytes_out, counters.skips);
}

void ViewerSeat::end(Error reason) {
    ended_by_ = reason;
    if (connection_ != nullptr) {
        connection_->close();
    }
}

Backlog ViewerSeat::backlog(Instant now) const {
    Backlog backlog{.held = connection_ == nullptr ? 0 : connection_->unacknowledged()};
    const std::uint64_t place = counters.place;
    if (place < mirror_.log.head()) {
        backlog.bytes = mirror_.log.head() - place;
        backlog.age = mirror_.log.age_from(std::max(place, mirror_.log.tail()), now);
    }
    backlog.pictures = counters.pictures.waiting(mirror_.log.pictures_until(place),
                                                 mirror_.log.pictures_until(mirror_.log.head()));
    return backlog;
}

std::uint64_t ViewerSeat::pictures_sent() const {
    return counters.pictures.sent(mirror_.log.pictures_until(counters.place));
}

void ViewerSeat::keep_close(Duration lag) {
    lag_max = lag;
    if (connection_ != nullptr) {
        connection_->hold_little();
    }
}

SessionReport ViewerSeat::report() const {
    SessionReport report{id(), facts(), 0, counters.bytes_out, counters.writes, counters.skips};
    if (const auto* const linked = dynamic_cast<const Linked*>(connection_)) {
        report.link = linked->link_report();
    }
    return report;
}

void Mirrors::join(const Flavour& flavour, SessionFacts viewer, Reply<Joined> reply) {
    Name name{viewer.stream, flavour.key};
    Waiting waiting{std::move(viewer), std::move(reply)};
    if (const auto newest = newest_.find(name); newest != newest_.end()) {
        Entry& entry = *mirrors_.at(newest->second);
        if (!entry.mirror.open) {
            wait(entry, std::move(waiting));
            return;
        }
        if (entry.mirror.offline && !directory_.call(name.first)) {
            waiting.reply.give(fail(Errc::not_found, "this stream is offline"));
            return;
        }
        if (!entry.mirror.log.ended()) {
            seat(entry.mirror, std::move(waiting));
            return;
        }
    }
    auto entry = std::make_unique<Entry>();
    entry->mirror.id = ++last_id_;
    entry->mirror.stream = name.first;
    entry->mirror.key = flavour.key;
    entry->waiting.push_back(std::move(waiting));
    const MirrorRef ref{&sessions_.executor(), this, entry->mirror.id};
    newest_[name] = entry->mirror.id;
    mirrors_.emplace(entry->mirror.id, std::move(entry));
    directory_.open(name.first, flavour, ref);
}

void Mirrors::wait(Entry& entry, Waiting waiting) {
    // A publisher may keep viewers waiting; those whose patience ended make room.
    if (entry.waiting.size() == entry.waiting.capacity()) {
        std::erase_if(entry.waiting, [](const Waiting& one) { return one.reply.abandoned(); });
    }
    if (entry.waiting.size() >= waiting_max) {
        waiting.reply.give(fail(Errc::exhausted, "too many viewers wait for this stream to begin"));
        return;
    }
    entry.waiting.push_back(std::move(waiting));
}

std::size_t Mirrors::waiting() const {
    std::size_t count = 0;
    for (const auto& [id, entry] : mirrors_) {
        count += entry->waiting.size();
    }
    return count;
}

void Mirrors::seat(Mirror& mirror, Waiting waiting) {
    auto seat = std::make_unique<ViewerSeat>(*this, mirror, std::move(waiting.viewer));
    waiting.reply.give(Joined{&mirror.log, mirror.lead, std::move(seat)});
}

void Mirrors::opened(std::uint64_t id, Result<MirrorStart> start) {
    const auto found = mirrors_.find(id);
    if (found == mirrors_.end()) {
        return;
    }
    Entry& entry = *found->second;
    std::vector<Waiting> waiting = std::exchange(entry.waiting, {});
    if (!start) {
        erase(entry.mirror);
        for (Waiting& one : waiting) {
            one.reply.give(std::unexpected(start.error()));
        }
        return;
    }
    entry.mirror.open = true;
    entry.mirror.handle = start->stream;
    entry.mirror.lead = start->lead;
    entry.mirror.log.apply(start->log);
    for (Waiting& one : waiting) {
        seat(entry.mirror, std::move(one));
    }
}

void Mirrors::update(std::uint64_t id, const MirrorChange& change) {
    const auto found = mirrors_.find(id);
    if (found == mirrors_.end()) {
        return;
    }
    found->second->mirror.lead = change.lead;
    found->second->mirror.offline = change.offline;
    found->second->mirror.log.apply(change.log);
}

void Mirrors::release(Mirror& mirror) {
    if (--mirror.seats == 0) {
        // Later: the log may be in the middle of telling its listener.
        sessions_.executor().post([this, id = mirror.id] { forget_if_unused(id); });
    }
}

void Mirrors::erase(const Mirror& mirror) {
    const auto newest = newest_.find(Name{mirror.stream, mirror.key});
    if (newest != newest_.end() && newest->second == mirror.id) {
        newest_.erase(newest);
    }
    mirrors_.erase(mirror.id);
}

void Mirrors::forget_if_unused(std::uint64_t id) {
    const auto found = mirrors_.find(id);
    if (found == mirrors_.end() || found->second->mirror.seats > 0 || !found->second->waiting.empty()) {
        return;
    }
    const StreamHandle handle = found->second->mirror.handle;
    const FlavourKey key = found->second->mirror.key;
    erase(found->second->mirror);
    directory_.close(handle, key, MirrorRef{&sessions_.executor(), this, id});
}

}   // namespace millrace::hub
