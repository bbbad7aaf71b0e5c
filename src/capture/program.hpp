#pragma once

#include "capture/source.hpp"

#include <sys/types.h>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace millrace::capture {

/// A program whose stdout we read: its stdin is ours, its stderr our log, and it has no other descriptor. It
/// stays in our process group, which the server ends as a whole, and ends with us, however we end. Made on
/// the thread that lives as long as the process. Its destruction ends it.
class Program {
public:
    /// No shell: the first word is the program, looked for in PATH.
    static Outcome<Program> start(const std::vector<std::string>& words);
    Program(Program&& other) noexcept
        : process_{std::exchange(other.process_, -1)}, output_{std::exchange(other.output_, -1)} {}
    Program& operator=(Program&&) = delete;
    ~Program();

    int output() const { return output_; }
    /// Once its output has ended: how it went, if not well. Waits for its end.
    std::optional<Fault> verdict();

private:
    Program(pid_t process, int output) : process_{process}, output_{output} {}
    int wait();

    pid_t process_ = -1;
    int output_ = -1;
};

}   // namespace millrace::capture
