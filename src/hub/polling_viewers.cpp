#include "hub/polling_viewers.hpp"

namespace millrace::hub {

/// What lists and the API see of such a viewer.
class PollingViewers::Entry final : public Sessions::Entry {
public:
    Entry(Sessions& sessions, SessionFacts facts) : Sessions::Entry{sessions, std::move(facts)} {
        tell_joined();
    }
    ~Entry() override {
        depart(Entry::flow());
        tell_left(ended_by_ ? ended_by_->what : "it asks no more");
    }

    void end(Error reason) override { ended_by_ = reason; }
    SessionReport report() const override { return {id(), facts(), 0, bytes_, requests_, 0}; }
    Flow flow() const override { return {bytes_, 0, 0}; }

    bool ended() const { return ended_by_.has_value(); }
    void count_request() { ++requests_; }
    void count_sent(std::size_t bytes) { bytes_ += bytes; }

private:
    std::optional<Error> ended_by_;
    std::uint64_t requests_ = 0;
    std::uint64_t bytes_ = 0;
};

PollingViewers::PollingViewers(Executor& home, Sessions& sessions) : home_{home}, sessions_{sessions} {
}

PollingViewers::~PollingViewers() = default;

Result<> PollingViewers::seen(const SegmentAsk& ask, const std::string& stream) {
    auto found = viewers_.find(ask.viewer_key);
    if (found == viewers_.end()) {
        if (viewers_.size() >= viewers_max) {
            return {};
        }
        SessionFacts facts = ask.viewer;
        facts.kind = SessionKind::viewer;
        facts.stream = stream;
        Viewer viewer{std::make_unique<Entry>(sessions_, std::move(facts)), home_.now()};
        found = viewers_.emplace(ask.viewer_key, std::move(viewer)).first;
        if (!armed()) {
            home_.timers().arm(*this, home_.now() + sweep_every);
        }
    }
    Viewer& viewer = found->second;
    viewer.last = home_.now();
    if (viewer.entry != nullptr && viewer.entry->ended()) {
        viewer.entry.reset();
    }
    if (viewer.entry == nullptr) {
        return fail(Errc::refused, "this viewer was sent away");
    }
    viewer.entry->count_request();
    return {};
}

bool PollingViewers::knows(const std::string& viewer_key) const {
    return viewers_.contains(viewer_key);
}

void PollingViewers::count_sent(const std::string& viewer_key, std::size_t bytes) {
    const auto found = viewers_.find(viewer_key);
    if (found != viewers_.end() && found->second.entry != nullptr) {
        found->second.entry->count_sent(bytes);
    }
}

void PollingViewers::on_time() {
    const Instant now = home_.now();
    for (auto& [key, viewer] : viewers_) {
        if (viewer.entry != nullptr && viewer.entry->ended()) {
            viewer.entry.reset();
        }
    }
    std::erase_if(viewers_, [&](const auto& one) { return now - one.second.last >= patience_; });
    if (!viewers_.empty()) {
        home_.timers().arm(*this, now + sweep_every);
    }
}

}   // namespace millrace::hub
