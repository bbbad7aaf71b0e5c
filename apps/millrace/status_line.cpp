#include "apps/millrace/status_line.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

namespace millrace::apps {

StatusLine::StatusLine(bool for_machines, std::FILE* machines)
    : for_machines_{for_machines},
      machines_{machines},
      overwrites_{!for_machines && isatty(STDERR_FILENO) != 0} {
}

StatusLine::~StatusLine() {
    if (begun_) {
        fmt::print(stderr, "\n");
    }
}

void StatusLine::say(std::string_view line) {
    if (for_machines_) {
        fmt::print(machines_, "{}\n", line);
        std::fflush(machines_);
    } else if (overwrites_) {
        fmt::print(stderr, "\r{}\x1b[K", line);   // and nothing of a longer line before
        begun_ = true;
    } else {
        fmt::print(stderr, "{}\n", line);
    }
}

void StatusLine::complain(std::string_view words) {
    fmt::print(stderr, "{}millrace: {}\n", begun_ ? "\n" : "", words);
    begun_ = false;
}

}   // namespace millrace::apps
