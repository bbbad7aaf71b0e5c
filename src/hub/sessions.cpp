#include "hub/sessions.hpp"

#include "base/log.hpp"
#include "base/web.hpp"
#include "hub/events.hpp"

#include <fmt/format.h>

namespace millrace::hub {

namespace {

template <class Call>
void on_entry(const SessionRef& ref, Call call) {
    if (ref.executor == nullptr) {
        return;
    }
    ref.executor->post([ref, call = std::move(call)] {
        if (Sessions::Entry* entry = ref.sessions->find(ref.id)) {
            call(*entry);
        }
    });
}

}   // namespace

void SessionRef::end(Error reason) const {
    on_entry(*this, [reason](Sessions::Entry& entry) { entry.end(reason); });
}

void SessionRef::ask(Ask ask) const {
    on_entry(*this, [ask](Sessions::Entry& entry) { entry.on_ask(ask); });
}

void SessionRef::taken(std::size_t bytes) const {
    on_entry(*this, [bytes](Sessions::Entry& entry) { entry.on_taken(bytes); });
}

std::string_view name(SessionKind kind) {
    switch (kind) {
        case SessionKind::publisher: return "publisher";
        case SessionKind::viewer: return "viewer";
        case SessionKind::observer: return "observer";
    }
    return "viewer";
}

Sessions::Entry::Entry(Sessions& sessions, SessionFacts facts)
    : facts_{std::move(facts)},
      sessions_{&sessions},
      id_{++sessions.last_id_},
      pace_{sessions.executor_.now()} {
    facts_.since = sessions.executor_.now();
    sessions.entries_.emplace(id_, this);
    if (!sessions.armed()) {
        sessions.executor_.timers().arm(sessions, facts_.since + Pace::window);
    }
}

Sessions::Entry::~Entry() {
    if (sessions_ != nullptr) {
        sessions_->entries_.erase(id_);
    }
}

SessionRef Sessions::Entry::ref() const {
    return {&sessions_->executor_, sessions_, id_};
}

Flow Sessions::Entry::flow() const {
    const SessionReport counters = report();
    return {counters.bytes_in + counters.bytes_out, 0, counters.skips};
}

void Sessions::Entry::tell(std::string text, std::string_view what) const {
    if (sessions_ == nullptr || sessions_->events_ == nullptr) {
        return;
    }
    sessions_->events_->tell(
        {.kind = EventKind::viewer,
         .stream = facts_.stream,
         .text = std::move(text),
         .members = fmt::format(R"("what":"{}","protocol":"{}","peer":{},"user":{})", what, facts_.protocol,
                                web::json_quoted(facts_.peer.text()), web::json_quoted(facts_.who.name)),
         .viewers = what == "joined" ? 1
                    : what == "left" ? -1
                                     : 0});
}

void Sessions::Entry::tell_joined() const {
    tell(fmt::format("Viewer {} of {} came by {}", facts_.peer.text(), facts_.stream, facts_.protocol),
         "joined");
}

void Sessions::Entry::tell_left(std::string_view reason) const {
    tell(fmt::format("Viewer {} of {} left: {}", facts_.peer.text(), facts_.stream, reason), "left");
}

void Sessions::Entry::depart(const Flow& flow) const {
    if (sessions_ != nullptr) {
        Flow& departed = sessions_->departed_[facts_.protocol];
        departed.bytes += flow.bytes;
        departed.bytes_skipped += flow.bytes_skipped;
        departed.skips += flow.skips;
    }
}

Sessions::~Sessions() {
    for (const auto& [id, entry] : entries_) {
        entry->sessions_ = nullptr;
    }
}

Sessions::Entry* Sessions::find(std::uint64_t id) const {
    const auto entry = entries_.find(id);
    return entry == entries_.end() ? nullptr : entry->second;
}

std::vector<SessionReport> Sessions::reports() const {
    const Instant now = executor_.now();
    std::vector<SessionReport> reports;
    reports.reserve(entries_.size());
    for (const auto& [id, entry] : entries_) {
        SessionReport& report = reports.emplace_back(entry->report());
        report.bits_per_second = entry->pace_.bits_per_second(entry->flow(), now);
        report.slow = entry->pace_.slow();
        report.verdict = entry->pace_.verdict();
    }
    return reports;
}

void Sessions::look_at(Entry& entry, Instant now) {
    const bool was_slow = entry.pace_.slow();
    entry.pace_.look(entry.flow(), now);
    if (was_slow == entry.pace_.slow()) {
        return;
    }
    const std::string text = was_slow ? "This viewer's link keeps up again." : entry.pace_.verdict();
    log::info(entry.facts_.protocol, "viewer {} of {}: {}", entry.facts_.peer.text(), entry.facts_.stream,
              text);
    entry.tell(text, was_slow ? "keeps up" : "slow");
}

void Sessions::on_time() {
    const Instant now = executor_.now();
    for (const auto& [id, entry] : entries_) {
        look_at(*entry, now);
    }
    if (!entries_.empty()) {
        executor_.timers().arm(*this, now + Pace::window);
    }
}

}   // namespace millrace::hub
