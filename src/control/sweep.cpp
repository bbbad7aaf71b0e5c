#include "control/sweep.hpp"

#include "base/log.hpp"

namespace millrace::control {

namespace {

/// Asks the policy once for many viewers of one stream in a row.
class Judge {
public:
    Judge(const Policy& policy, WallTime now) : policy_{policy}, now_{now} {}

    bool loses(const hub::SessionFacts& facts) {
        if (facts.who.name.empty()) {
            return false;   // our own: nobody asked for it
        }
        if (!asked_ || facts.kind != kind_ || facts.who != who_ || facts.stream != stream_) {
            kind_ = facts.kind;
            who_ = facts.who;
            stream_ = facts.stream;
            const Wish wish{facts.action(), stream_, false};
            loses_ = !policy_.admits(who_, wish, now_);
            asked_ = true;
        }
        return loses_;
    }

private:
    const Policy& policy_;
    const WallTime now_;
    bool asked_ = false;
    bool loses_ = false;
    hub::SessionKind kind_{};
    hub::Identity who_;
    std::string stream_;
};

}   // namespace

void sweep(hub::Sessions& sessions, const Policy& policy, WallTime now) {
    Judge judge{policy, now};
    std::size_t count = 0;
    std::string first;
    const auto loses = [&](const hub::SessionFacts& facts) {
        const bool ends = judge.loses(facts);
        if (ends && count++ == 0) {
            first = fmt::format("{} at {}", facts.who.name, facts.stream);
        }
        return ends;
    };
    sessions.end_where(loses, {Errc::refused, "the right to this was taken back"});
    if (count > 0) {
        log::info("auth", "{} of the conversations here may not go on: {}{}", count, first,
                  count > 1 ? ", and others" : "");
    }
}

Sweeper::Sweeper(Executor& home, std::vector<hub::Sessions*> sessions)
    : home_{home}, sessions_{std::move(sessions)} {
}

void Sweeper::use(std::shared_ptr<const Policy> policy) {
    home_.post([this, policy = std::move(policy)]() mutable {
        policy_ = std::move(policy);
        on_time();
    });
}

void Sweeper::on_time() {
    for (hub::Sessions* const sessions : sessions_) {
        Executor& worker = sessions->executor();
        worker.post(
            [sessions, policy = policy_, now = worker.clock().utc()] { sweep(*sessions, *policy, now); });
    }
    home_.timers().arm(*this, home_.now() + every);
}

}   // namespace millrace::control
