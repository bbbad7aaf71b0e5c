#include "net/log_pipe.hpp"

#include "base/log.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace millrace::net {

LogPipe::LogPipe(Worker& worker, Descriptor pipe, std::string who)
    : who_{std::move(who)}, watch_{worker, std::move(pipe), *this} {
    ::fcntl(watch_.descriptor(), F_SETFL, O_NONBLOCK);
    watch_.ask(Watch::Direction::read);
}

LogPipe::~LogPipe() {
    drain();
    write_line();
}

void LogPipe::on_ready(Watch::Direction direction) {
    if (drain()) {
        watch_.ask(direction);
    }
}

bool LogPipe::drain() {
    constexpr int reads_at_once = 16;   // somebody who writes without end does not keep the thread
    std::array<char, 4096> buffer;
    for (int i = 0; i < reads_at_once; ++i) {
        const ssize_t count = ::read(watch_.descriptor(), buffer.data(), buffer.size());
        if (count <= 0) {
            return count < 0 && (errno == EAGAIN || errno == EINTR);
        }
        take({buffer.data(), static_cast<std::size_t>(count)});
    }
    return true;
}

void LogPipe::take(std::string_view text) {
    for (const char c : text) {
        if (c == '\n' || line_.size() == line_max) {
            write_line();
        }
        if (c != '\n') {
            line_ += c;
        }
    }
}

void LogPipe::write_line() {
    if (!line_.empty()) {
        log::info("child", "{}: {}", who_, line_);
        line_.clear();
    }
}

}   // namespace millrace::net
