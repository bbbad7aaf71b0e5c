#include "session/source.hpp"

#include "session/lineup.hpp"

namespace millrace::session {

void SourceLeash::pull() {
    pulled_ = true;
    if (link_ != nullptr) {
        link_->close();
    }
    pause_.give(true);
}

void SourceLeash::yield() {
    yielded_ = true;
    pull();
}

Task<Result<>> SourceLeash::take_stage() {
    if (lineup_ == nullptr) {
        co_return Result<>{};
    }
    co_return co_await lineup_->take_stage(place_);
}

void SourceLeash::delivered() {
    if (lineup_ != nullptr) {
        lineup_->delivered(place_);
    }
}

bool SourceLeash::ends_stream() const {
    return pulled_ ? !yielded_ : lineup_ == nullptr || lineup_->is_alone(place_);
}

Task<> pause_for(Desk& desk, Duration pause, SourceLeash& leash) {
    Answer<bool> pulled{desk.executor};
    leash.hold(pulled.reply());
    [[maybe_unused]] const Result<bool> cut_short = co_await pulled.within(desk.executor.now() + pause);
    leash.hold(Reply<bool>{});
}

Task<> run_source(Desk& desk, SourceMeans means, SourceRule rule, SourceLeash& leash) {
    Lineup lineup{desk, means, rule, leash};
    lineup.start();
    while (!lineup.is_over()) {
        leash.is_pulled() ? lineup.stop() : lineup.look();
        co_await pause_for(desk, lineup.patience(), leash);
    }
}

/// A leash in the list of those that run, for as long as it lives.
struct Sources::Running {
    Running(Sources& its_sources, const std::string& its_stream) : sources{its_sources}, stream{its_stream} {
        sources.stop(stream);
        sources.running_[stream] = &leash;
    }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;
    ~Running() {
        const auto mine = sources.running_.find(stream);
        if (mine != sources.running_.end() && mine->second == &leash) {
            sources.running_.erase(mine);
        }
    }

    Sources& sources;
    std::string stream;
    SourceLeash leash;
};

Task<> Sources::run(SourceRule rule) {
    Running running{*this, rule.stream};
    co_await run_source(desk_, means_, std::move(rule), running.leash);
}

void Sources::start(SourceRule rule) {
    desk_.executor.tasks().spawn(run(std::move(rule)));
}

void Sources::wake(SourceRule rule) {
    if (!runs(rule.stream)) {
        start(std::move(rule));
    }
}

void Sources::stop(const std::string& stream) {
    if (const auto running = running_.find(stream); running != running_.end()) {
        running->second->pull();
        running_.erase(running);
    }
}

}   // namespace millrace::session
