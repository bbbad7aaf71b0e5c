#pragma once

#include "base/virtual_background.hpp"
#include "base/virtual_storage.hpp"
#include "base/virtual_time.hpp"
#include "control/json.hpp"
#include "control/steward.hpp"

#include <stdexcept>
#include <string>

namespace millrace::control::toys {

/// Follows every configuration, unless told to refuse.
class ObedientRealm final : public Realm {
public:
    void prepare(const Standing& /*next*/, bool afresh) override {
        ++prepared;
        read_afresh = afresh;
        if (!refusal.empty()) {
            throw std::runtime_error(refusal);
        }
    }
    void apply(StandingRef next) override { applied = std::move(next); }
    void abandon() override { ++abandoned; }

    std::string refusal;
    StandingRef applied;
    bool read_afresh = false;
    int prepared = 0;
    int abandoned = 0;
};

/// A steward with a simulated disk, whose machine may die.
class Stewardship {
public:
    explicit Stewardship(std::string file_text = {}) {
        sources.file_text = std::move(file_text);
        start();
    }
    Stewardship(const Stewardship&) = delete;
    Stewardship& operator=(const Stewardship&) = delete;
    ~Stewardship() { time.stop(); }

    /// As the first start, or as the one after a crash.
    void start() {
        storage.restart();
        std::optional<State> kept = load_state(storage, "/data");
        SeededRandom random{5};
        auto standing = std::make_shared<const Standing>(stand(sources, kept ? *kept : State::make(random)));
        realm.applied = standing;
        steward.emplace(Steward::Means{home, disk, storage, realm}, sources, standing);
    }
    /// The outcome's status, or 0 while there is none.
    int change(Steward::Edit edit) {
        Answer<Outcome> answer{home};
        if (edit == nullptr) {
            steward->reload(answer.reply());
        } else {
            steward->change(std::move(edit), answer.reply());
        }
        int status = 0;
        home.run([&] { home.tasks().spawn(wait_for(answer, status, words)); });
        time.settle();
        home.stop();
        return status;
    }
    int set(std::string_view key, std::string_view value) {
        return change([key, value](State& state, const Standing&) {
            put(state.overlay, key, text_node(value));
            return Outcome{};
        });
    }
    const Configuration& configuration() const { return realm.applied->configuration; }

    VirtualTime time;
    VirtualExecutor& home = time.add_executor();
    VirtualBackground disk{time.add_executor()};
    VirtualStorage storage;
    ObedientRealm realm;
    ConfigurationSources sources{.sets = {"workers=2"}};
    std::optional<Steward> steward;
    std::string words;

private:
    static Task<> wait_for(Answer<Outcome>& answer, int& status, std::string& words) {
        Result<Outcome> outcome = co_await answer.within(Instant::never());
        if (outcome) {
            status = outcome->status;
            words = outcome->words;
        }
    }
};

}   // namespace millrace::control::toys
