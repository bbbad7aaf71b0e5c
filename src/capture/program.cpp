#include "capture/program.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace millrace::capture {

namespace {

constexpr int not_started = 127;   // as shells say it

/// In the new process, until it is the program. Nothing is allocated.
[[noreturn]] void become(char* const* words, int output, pid_t parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(output, STDOUT_FILENO);
    ::close_range(STDERR_FILENO + 1, ~0U, 0);
    if (::getppid() == parent) {
        ::execvp(words[0], words);
    }
    ::_exit(not_started);
}

}   // namespace

Outcome<Program> Program::start(const std::vector<std::string>& words) {
    std::array<int, 2> pipe{-1, -1};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0) {
        return std::unexpected(Fault{"no descriptors for a program", false});
    }
    std::vector<std::string> copies{words};
    std::vector<char*> arguments;
    for (std::string& word : copies) {
        arguments.push_back(word.data());
    }
    arguments.push_back(nullptr);
    const pid_t self = ::getpid();
    const pid_t process = ::fork();
    if (process == 0) {
        become(arguments.data(), pipe[1], self);
    }
    ::close(pipe[1]);
    if (process < 0) {
        ::close(pipe[0]);
        return std::unexpected(Fault{"no processes for a program", false});
    }
    return Program{process, pipe[0]};
}

Program::~Program() {
    if (process_ > 0) {
        ::kill(process_, SIGKILL);
        wait();
    }
    if (output_ >= 0) {
        ::close(output_);
    }
}

int Program::wait() {
    int status = 0;
    while (::waitpid(process_, &status, 0) < 0 && errno == EINTR) {
    }
    process_ = -1;
    return status;
}

std::optional<Fault> Program::verdict() {
    const int status = process_ > 0 ? wait() : 0;
    if (WIFSIGNALED(status)) {
        return Fault{fmt::format("the program was ended by signal {}", WTERMSIG(status)), false};
    }
    const int code = WEXITSTATUS(status);
    if (code == not_started) {
        return Fault{"the program cannot be started; is it there, and may it be run?", false};
    }
    return code != 0 ? std::optional{Fault{fmt::format("the program ended with code {}", code), false}}
                     : std::nullopt;
}

}   // namespace millrace::capture
