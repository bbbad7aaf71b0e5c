#pragma once

#include "base/log.hpp"
#include "hub/events.hpp"

namespace millrace::hub {

/// Lets administrators hear the log among the events, as long as it lives. One at a time; it goes when no
/// other thread logs any more, and before `events`.
class LogEvents final : log::Tap {
public:
    explicit LogEvents(Events& events) : events_{events} { log::set_tap(this); }
    LogEvents(const LogEvents&) = delete;
    LogEvents& operator=(const LogEvents&) = delete;
    ~LogEvents() { log::set_tap(nullptr); }

private:
    void on_line(log::Level level, std::string_view who, std::string_view text) override;

    Events& events_;
};

}   // namespace millrace::hub
