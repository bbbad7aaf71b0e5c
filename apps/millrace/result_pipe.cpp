#include "apps/millrace/result_pipe.hpp"

#include "base/log.hpp"
#include "control/configuration_error.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace millrace::apps {

namespace {

constexpr int look_milliseconds = 200;   // whether it is to stop
constexpr std::size_t read_size = 64U << 10U;

int opened(const std::string& place) {
    if (place == "-") {
        return ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
    }
    struct stat what{};
    const bool fifo = ::stat(place.c_str(), &what) == 0 && S_ISFIFO(what.st_mode);
    // As a writer too, a FIFO has no end; and nobody waits for a writer.
    return ::open(place.c_str(), (fifo ? O_RDWR : O_RDONLY) | O_NONBLOCK | O_CLOEXEC);
}

}   // namespace

ResultPipe::ResultPipe(const std::string& place, Take take)
    : take_{std::move(take)}, descriptor_{opened(place)} {
    if (descriptor_ < 0) {
        throw control::ConfigurationError(
            fmt::format("--results {}: cannot be read: {}", place, std::strerror(errno)));
    }
    thread_ = std::jthread{[this](const std::stop_token& stopped) { run(stopped); }};
}

ResultPipe::~ResultPipe() {
    thread_.request_stop();
    thread_.join();
    ::close(descriptor_);
}

void ResultPipe::run(const std::stop_token& stopped) {
    std::array<char, read_size> buffer;
    while (!stopped.stop_requested()) {
        pollfd one{descriptor_, POLLIN, 0};
        if (::poll(&one, 1, look_milliseconds) <= 0 || one.revents == 0) {
            continue;
        }
        const ssize_t count = ::read(descriptor_, buffer.data(), buffer.size());
        if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) {
            take_line(unread_);
            return;
        }
        if (count > 0) {
            unread_.append(buffer.data(), static_cast<std::size_t>(count));
            take_lines();
        }
    }
}

void ResultPipe::take_lines() {
    std::size_t from = 0;
    for (std::size_t end = unread_.find('\n'); end != std::string::npos; end = unread_.find('\n', from)) {
        take_line(std::string_view{unread_}.substr(from, end - from));
        from = end + 1;
    }
    unread_.erase(0, from);
    if (unread_.size() > media::TimedMessage::bytes_max) {
        unread_.clear();
        if (!std::exchange(too_long_, true)) {
            log::warning("results", "a line was left out: a result has at most 16 KiB");
        }
    }
}

void ResultPipe::take_line(std::string_view line) {
    if (std::exchange(too_long_, false) || line.find_first_not_of(" \t\r") == line.npos) {
        return;
    }
    Result<media::TimedMessage> message = media::read_message(line);
    if (message) {
        take_(std::move(*message));
    } else {
        log::warning("results", "a line was left out: {}", message.error().what);
    }
}

}   // namespace millrace::apps
