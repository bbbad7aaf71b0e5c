#include "hub/polling_viewers.hpp"

namespace millrace::hub {

/// What lists and the API see of such a viewer.
class PollingViewers::Entry final : public Sessions::Entry {
public:
    Entry(Sessions& sessions, SessionFacts facts, Tally tally)
        : Sessions::Entry{sessions, std::move(facts)}, tally_{std::move(tally)} {
        tell_joined();
    }
    ~Entry() override {
        tally_->close();
        depart(Entry::flow());
        tell_left(ended_by_ ? ended_by_->what : "it asks no more");
    }

    void end(Error reason) override {
        ended_by_ = reason;
        tally_->close();
    }
    SessionReport report() const override {
        return {id(), facts(), 0, tally_->bytes(), tally_->requests(), 0};
    }
    Flow flow() const override { return {tally_->bytes(), 0, 0}; }

    bool ended() const { return ended_by_.has_value(); }

private:
    std::optional<Error> ended_by_;
    Tally tally_;
};

PollingViewers::PollingViewers(Executor& home, Sessions& sessions) : home_{home}, sessions_{sessions} {
}

PollingViewers::~PollingViewers() = default;

Result<PollingViewers::Tally> PollingViewers::seen(const SegmentAsk& ask, const std::string& stream) {
    auto found = viewers_.find(ask.viewer_key);
    if (found == viewers_.end()) {
        if (viewers_.size() >= viewers_max) {
            return Tally{};
        }
        SessionFacts facts = ask.viewer;
        facts.kind = SessionKind::viewer;
        facts.stream = stream;
        auto tally = std::make_shared<PollTally>(home_.now());
        Viewer viewer{std::make_unique<Entry>(sessions_, std::move(facts), tally), tally};
        found = viewers_.emplace(ask.viewer_key, std::move(viewer)).first;
        if (!armed()) {
            home_.timers().arm(*this, home_.now() + sweep_every);
        }
    }
    Viewer& viewer = found->second;
    viewer.tally->count_request(home_.now());
    if (viewer.entry != nullptr && viewer.entry->ended()) {
        viewer.entry.reset();
    }
    if (viewer.entry == nullptr) {
        return fail(Errc::refused, "this viewer was sent away");
    }
    return viewer.tally;
}

bool PollingViewers::knows(const std::string& viewer_key) const {
    return viewers_.contains(viewer_key);
}

void PollingViewers::on_time() {
    const Instant now = home_.now();
    for (auto& [key, viewer] : viewers_) {
        if (viewer.entry != nullptr && viewer.entry->ended()) {
            viewer.entry.reset();
        }
    }
    std::erase_if(viewers_, [&](const auto& one) { return now - one.second.tally->last() >= patience_; });
    if (!viewers_.empty()) {
        home_.timers().arm(*this, now + sweep_every);
    }
}

}   // namespace millrace::hub
