#pragma once

#include "capture/source_options.hpp"
#include "media/access_unit.hpp"

namespace millrace::capture {

/// `images:`: JPEG files one after the other and again from the first, as a track of MJPEG. They are read
/// once, at the start, and never decoded.
class ImagesSource final : public Source {
public:
    static constexpr std::size_t bytes_max = std::size_t{64} << 20U;   ///< of all of them
    /// Behind by more than this, the pictures between are left out; their order stays.
    static constexpr Duration behind_max = 2s;

    static Outcome<std::unique_ptr<Source>> open(const ImagesOptions& options, Moment start);

    std::vector<media::Track> tracks() const override { return {track_of(media::Kind::video)}; }
    Instant due() const override { return start_ + rate_.at(number_); }
    Outcome<std::vector<media::AccessUnit>> produce(Moment moment) override;

private:
    struct Picture {
        media::ConfigRef config;
        Bytes jpeg;
    };
    ImagesSource(FrameRate rate, Moment start) : rate_{rate}, start_{start.now} {}
    /// Reads one more file.
    Outcome<void> add(const std::string& path, std::size_t bytes_left);
    std::size_t bytes() const;

    FrameRate rate_;
    Instant start_;
    std::vector<Picture> pictures_;
    std::size_t next_ = 0;      // of the pictures
    std::int64_t number_ = 0;   // of the moment, from the start
};

}   // namespace millrace::capture
