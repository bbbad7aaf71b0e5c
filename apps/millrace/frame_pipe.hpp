#pragma once

#include "base/bounded_queue.hpp"
#include "base/picture_ring.hpp"
#include "media/rgb.hpp"
#include "session/decoded_play.hpp"

#include <functional>
#include <optional>
#include <string_view>
#include <thread>
#include <vector>

namespace millrace::apps {

/// How raw frames are written: 24 bits a pixel in either order, or 4:2:0 as it was decoded.
enum class RawForm : std::uint8_t { bgr24, rgb24, yuv420p };
std::optional<RawForm> raw_form(std::string_view name);

/// Writes pictures to stdout, one behind the other, on a thread of its own, at the pace of the reader; while
/// it does not read, pictures wait, and the decoder with them. Owned by the main thread, and stopped while
/// what it gives pictures back to still runs.
class FramePipe {
public:
    /// What became of a picture.
    enum class Outcome : std::uint8_t { written, dropped, other_size, no_reader };
    using Done = std::function<void(const session::LentPicture& picture, Outcome outcome)>;

    /// Writes at most `frames_max` pictures, 0: any number. `done` is called on the pipe's thread, or in
    /// `put`.
    FramePipe(RawForm form, std::uint64_t frames_max, Done done);
    FramePipe(const FramePipe&) = delete;
    FramePipe& operator=(const FramePipe&) = delete;
    ~FramePipe() { stop(); }

    /// Any thread; it does not wait.
    void put(const session::LentPicture& picture);
    /// Nothing more is written; a frame half written stays so.
    void stop();

private:
    void run(const std::stop_token& stopped);
    Outcome write(const session::LentPicture& picture, const std::stop_token& stopped);
    bool write_all(ByteSpan bytes, const std::stop_token& stopped) const;

    RawForm form_;
    std::uint64_t frames_max_;
    std::uint64_t frames_ = 0;
    Done done_;
    int out_;
    std::optional<picture_ring::Layout> layout_;   // of all frames: raw frames cannot say that it changes
    std::vector<std::byte> pixels_;
    BoundedQueue<session::LentPicture> queue_{picture_ring::slots};
    std::jthread thread_;
};

}   // namespace millrace::apps
