#pragma once

#include "base/answer.hpp"
#include "base/background.hpp"
#include "base/executor.hpp"
#include "base/storage.hpp"
#include "control/standing.hpp"

#include <deque>
#include <functional>
#include <string>

namespace millrace::control {

/// How a change went, as HTTP would say it. From 400 on nothing changed.
struct Outcome {
    int status = 204;
    std::string words;   ///< why not
};

/// What a configuration is put into force in: listeners, conversations, sources. Called on the steward's
/// executor.
class Realm {
public:
    virtual ~Realm() = default;
    /// Makes ready what may fail, and touches nothing that runs. `afresh`: files that the configuration names
    /// are read again. Throws std::runtime_error whose words say what to do.
    virtual void prepare(const Standing& next, bool afresh) = 0;
    /// From now on this holds. Cannot fail.
    virtual void apply(StandingRef next) = 0;
    /// What was prepared is not wanted after all.
    virtual void abandon() = 0;
};

/// Who changes the configuration of a node that runs, one change after the other: it is checked as a whole,
/// made ready, kept on the disk, and then put into force; a change that fails on the way leaves everything as
/// it was. An answer of 2xx comes when a kill could not undo it any more.
class Steward {
public:
    static constexpr std::size_t waiting_max = 64;

    /// All outlive it; `home` runs it, and the storage is touched by `disk` alone from now on.
    struct Means {
        Executor& home;
        Background& disk;
        Storage& storage;
        Realm& realm;
    };
    /// Says what the state becomes, or refuses with a status from 400 on; runs at home.
    using Edit = std::move_only_function<Outcome(State& state, const Standing& now)>;

    Steward(Means means, ConfigurationSources sources, StandingRef standing);
    Steward(const Steward&) = delete;
    Steward& operator=(const Steward&) = delete;

    // Any thread, all of these.
    void change(Edit edit, Reply<Outcome> reply);
    /// Reads the configuration file again, and what it names.
    void reload(Reply<Outcome> reply);
    void ask(Reply<StandingRef> reply);

private:
    struct Job {
        Edit edit;   ///< none: a reload
        Reply<Outcome> reply;
    };

    void add(Job job);
    Task<> work_off();
    Task<Outcome> carry_out(Job& job);
    Task<Outcome> enforce(Standing next, bool afresh, bool keep);
    /// Brings the state's file to the disk.
    Task<Result<>> write(std::string text);

    Means means_;
    ConfigurationSources sources_;
    StandingRef standing_;
    std::deque<Job> jobs_;
    bool busy_ = false;
};

}   // namespace millrace::control
