#include "hub/log_events.hpp"

#include <fmt/format.h>

namespace millrace::hub {

void LogEvents::on_line(log::Level level, std::string_view who, std::string_view text) {
    events_.tell({.kind = EventKind::log,
                  .stream = {},
                  .text = fmt::format("{}: {}", who, text),
                  .members = fmt::format(R"("level":"{}")", log::name(level))});
}

}   // namespace millrace::hub
