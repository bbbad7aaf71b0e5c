#include "control/password.hpp"
#include "apps/millrace/verbs.hpp"
#include "control/configuration_auth.hpp"
#include "net/system_random.hpp"

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

std::string ask(const std::string& question) {
    fmt::print(stderr, "{}", question);
    std::fflush(stderr);
    const NoEcho quiet;
    std::string answer = read_line();
    fmt::print(stderr, "\n");
    return answer;
}

std::string chosen_password(const std::string& name) {
    if (isatty(STDIN_FILENO) == 0) {
        return read_line();
    }
    std::string password = ask(fmt::format("Password of {}: ", name));
    if (ask("Once more: ") != password) {
        throw std::runtime_error("the two are not the same");
    }
    return password;
}

}   // namespace

int password(const std::string& name, bool digest) {
    if (!control::is_user_name(name) || name == "anyone") {
        fmt::print(stderr,
                   "millrace: a user's name has 1 to 64 letters, digits and _ . @ ~ -, and is not anyone, "
                   "who needs no password\n");
        return wrong_usage;
    }
    net::SystemRandom random;
    const std::string chosen = chosen_password(name);
    const Result<control::PasswordHash> hash = control::PasswordHash::of(chosen, random);
    if (!hash) {
        throw std::runtime_error(std::string{hash.error().what});
    }
    const control::DigestSecrets secrets = control::digest_secrets_of(name, chosen);
    fmt::print("- {{ name: {}, password: \"{}\", {}allow: [ \"play:*\" ] }}\n", name, hash->text(),
               digest
                   ? fmt::format("digest: {{ md5: \"{}\", sha256: \"{}\" }}, ", secrets.md5, secrets.sha256)
                   : "");
    fmt::print(stderr, "It goes under auth: users: in the configuration; allow says what {} may do.\n", name);
    if (digest) {
        fmt::print(stderr,
                   "What stands behind digest is as good as the password: keep the file to yourself.\n");
    }
    return 0;
}

}   // namespace millrace::apps
