#include "apps/millrace/secret_input.hpp"

#include <fmt/format.h>
#include <termios.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <iostream>
#include <stdexcept>

namespace millrace::apps {

namespace {

/// Keeps the terminal from showing what is typed, while it lives; Ctrl-C then ends the line that is read, so
/// that it lives no longer than that.
class NoEcho {
public:
    NoEcho() {
        struct sigaction interrupt{};
        interrupt.sa_handler = [](int) {};   // without SA_RESTART: the read fails with EINTR
        sigaction(SIGINT, &interrupt, &former_);
        if (tcgetattr(STDIN_FILENO, &before_) == 0) {
            termios quiet = before_;
            quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
            changed_ = tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) == 0;
        }
    }
    NoEcho(const NoEcho&) = delete;
    NoEcho& operator=(const NoEcho&) = delete;
    ~NoEcho() {
        if (changed_) {
            tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
        }
        sigaction(SIGINT, &former_, nullptr);
    }

private:
    termios before_{};
    struct sigaction former_{};
    bool changed_ = false;
};

/// One line of the standard input, without its end.
std::string read_line() {
    std::string line;
    if (!std::getline(std::cin, line)) {
        throw std::runtime_error("no password came on the standard input");
    }
    if (line.ends_with('\r')) {
        line.pop_back();
    }
    return line;
}

}   // namespace

std::string secret_input(const std::string& question) {
    if (isatty(STDIN_FILENO) == 0) {
        return read_line();
    }
    fmt::print(stderr, "{}", question);
    std::fflush(stderr);
    const NoEcho quiet;
    std::string answer = read_line();
    fmt::print(stderr, "\n");
    return answer;
}

}   // namespace millrace::apps
