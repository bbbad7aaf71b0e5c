#include "apps/millrace/frame_pipe.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace millrace::apps {

namespace {

/// How often it is looked whether to stop, while nobody reads.
constexpr int look_every_ms = 100;

/// stdout as a description of our own, where that works: not waiting in a write is then nobody else's matter.
int open_stdout() {
    const int own = ::open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_APPEND);
    return own >= 0 ? own : ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
}

}   // namespace

std::optional<RawForm> raw_form(std::string_view name) {
    constexpr std::array<std::string_view, 3> names{"bgr24", "rgb24", "yuv420p"};
    const auto found = std::ranges::find(names, name);
    return found == names.end() ? std::nullopt : std::optional{static_cast<RawForm>(found - names.begin())};
}

FramePipe::FramePipe(RawForm form, std::uint64_t frames_max, Done done)
    : form_{form},
      frames_max_{frames_max},
      done_{std::move(done)},
      out_{open_stdout()},
      thread_{[this](const std::stop_token& stopped) { run(stopped); }} {
}

void FramePipe::put(const session::LentPicture& picture) {
    if (!queue_.push(picture)) {
        done_(picture, Outcome::dropped);
    }
}

void FramePipe::stop() {
    if (thread_.joinable()) {
        thread_.request_stop();
        queue_.close();
        thread_.join();
        ::close(out_);
    }
}

void FramePipe::run(const std::stop_token& stopped) {
    // Signals are for the main thread, and a reader that has gone is an error of a write.
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    while (const std::optional<session::LentPicture> picture = queue_.pop()) {
        done_(*picture, write(*picture, stopped));
    }
}

FramePipe::Outcome FramePipe::write(const session::LentPicture& picture, const std::stop_token& stopped) {
    const picture_ring::Layout layout = picture.what.layout;
    if (frames_max_ != 0 && frames_ == frames_max_) {
        return Outcome::dropped;
    }
    layout_ = layout_.value_or(layout);
    if (*layout_ != layout) {
        return Outcome::other_size;
    }
    ByteSpan frame = picture.slot.first(layout.size());
    if (form_ != RawForm::yuv420p) {
        pixels_.resize(media::rgb_size(layout));
        const auto order = form_ == RawForm::rgb24 ? media::RgbOrder::rgb : media::RgbOrder::bgr;
        media::to_rgb(picture.planes(), {layout, picture.what.colours, order}, pixels_);
        frame = pixels_;
    }
    const bool whole = write_all(frame, stopped);
    frames_ += whole ? 1 : 0;
    return whole ? Outcome::written : Outcome::no_reader;
}

bool FramePipe::write_all(ByteSpan bytes, const std::stop_token& stopped) const {
    while (!bytes.empty() && !stopped.stop_requested()) {
        const ssize_t count = ::write(out_, bytes.data(), bytes.size());
        if (count >= 0) {
            bytes = bytes.subspan(static_cast<std::size_t>(count));
        } else if (errno == EAGAIN) {
            pollfd ready{out_, POLLOUT, 0};
            ::poll(&ready, 1, look_every_ms);
        } else if (errno != EINTR) {
            return false;
        }
    }
    return bytes.empty();
}

}   // namespace millrace::apps
