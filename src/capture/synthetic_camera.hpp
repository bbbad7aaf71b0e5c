#pragma once

#include "capture/grabber.hpp"
#include "capture/source_options.hpp"
#include "capture/test_picture.hpp"

namespace millrace::capture {

/// `test:`: frame n is due at the first call + n / fps, and shows the time at which it was due, however late
/// it is drawn. Who falls behind catches up a frame at a time; beyond `behind_max` moments are skipped, and
/// the numbers show it. The sound up to a picture comes before it.
class SyntheticCamera final : public Grabber {
public:
    static constexpr Duration behind_max = 2s;
    static constexpr std::int64_t sound_samples = 960;   ///< that come at once: 20 ms

    /// Waits until then, and tells both clocks.
    using Wait = std::move_only_function<Moment(Instant)>;

    SyntheticCamera(const CameraOptions& options, Wait wait)
        : options_{options}, wait_{std::move(wait)}, picture_{options.width, options.height} {}

    Outcome<std::vector<Grab>> next() override;

private:
    void skip_what_is_lost(Moment moment);
    /// The next picture, and the sound up to it. False where there is no memory for them.
    bool draw(std::vector<Grab>& grabs, Moment moment);
    bool play(std::vector<Grab>& grabs, Moment moment);
    /// Both clocks at a place on the line.
    Moment taken(Moment moment, Duration at) const;

    CameraOptions options_;
    Wait wait_;
    TestPicture picture_;
    std::optional<Instant> start_;
    std::int64_t next_frame_ = 0;
    std::int64_t next_sample_ = 0;
};

}   // namespace millrace::capture
