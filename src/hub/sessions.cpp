#include "hub/sessions.hpp"

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

Sessions::Entry::Entry(Sessions& sessions, SessionFacts facts)
    : facts_{std::move(facts)}, sessions_{&sessions}, id_{++sessions.last_id_} {
    facts_.since = sessions.executor_.now();
    sessions.entries_.emplace(id_, this);
}

Sessions::Entry::~Entry() {
    if (sessions_ != nullptr) {
        sessions_->entries_.erase(id_);
    }
}

SessionRef Sessions::Entry::ref() const {
    return {&sessions_->executor_, sessions_, id_};
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
    std::vector<SessionReport> reports;
    reports.reserve(entries_.size());
    for (const auto& [id, entry] : entries_) {
        reports.push_back(entry->report());
    }
    return reports;
}

}   // namespace millrace::hub
