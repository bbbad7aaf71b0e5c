#include "apps/millrace/message_outlet.hpp"

#include "base/log.hpp"
#include "control/configuration_error.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace millrace::apps {

namespace {

constexpr mode_t file_mode = 0600;

int opened(const std::string& place) {
    if (place == "-") {
        return ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
    }
    struct stat what{};
    const bool fifo = ::stat(place.c_str(), &what) == 0 && S_ISFIFO(what.st_mode);
    // As a reader too, a FIFO has always one: nobody waits for it, and nothing ends with it.
    const int how = fifo ? O_RDWR | O_NONBLOCK : O_WRONLY | O_CREAT | O_APPEND;
    return ::open(place.c_str(), how | O_CLOEXEC, file_mode);
}

}   // namespace

MessageOutlet::MessageOutlet(const std::string& place) : descriptor_{opened(place)} {
    if (descriptor_ < 0) {
        throw control::ConfigurationError(
            fmt::format("--messages {}: cannot be written: {}", place, std::strerror(errno)));
    }
}

MessageOutlet::~MessageOutlet() {
    ::close(descriptor_);
}

void MessageOutlet::write(std::string_view json) {
    const std::string line = fmt::format("{}\n", json);
    const ssize_t count = ::write(descriptor_, line.data(), line.size());
    if (count != static_cast<ssize_t>(line.size())) {
        log::warning("messages", "a message was left out: {}",
                     count < 0 ? std::strerror(errno) : "there is no room for it");
    }
}

}   // namespace millrace::apps
