#pragma once

#include <cstdint>
#include <string_view>

namespace millrace::apps {

/// Where a window's node is, from which its buttons follow: what can be done is what would work. A node that
/// ends says its end to others, so stopping takes a moment, in which neither button does anything.
class Course {
public:
    enum class State : std::uint8_t { stopped, running, stopping };

    State state() const { return state_; }
    bool can_start() const { return state_ == State::stopped; }
    bool can_stop() const { return state_ == State::running; }

    /// False, and nothing changes, where that cannot be done now.
    bool start() { return move(can_start(), State::running); }
    bool stop() { return move(can_stop(), State::stopping); }
    /// The node has ended, asked for or not.
    void ended() { state_ = State::stopped; }

private:
    bool move(bool allowed, State next) {
        state_ = allowed ? next : state_;
        return allowed;
    }

    State state_ = State::stopped;
};

constexpr std::string_view name(Course::State state) {
    switch (state) {
        case Course::State::running: return "running";
        case Course::State::stopping: return "stopping";
        case Course::State::stopped: break;
    }
    return "stopped";
}

}   // namespace millrace::apps
