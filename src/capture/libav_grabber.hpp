#pragma once

#include "capture/file_track.hpp"
#include "capture/grabber.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace millrace::capture {

/// What libavformat opens, as a Grabber: a device, whose packets carry the time of day when they were taken,
/// or a container that comes through a pipe, whose own times make the line.
class LibavGrabber final : public Grabber {
public:
    struct Plan {
        std::string format;   ///< libavformat's name of the device or the container
        std::string device;   ///< empty: `pipe`
        std::vector<std::pair<std::string, std::string>> options;
        int pipe = -1;             ///< a descriptor that stays the caller's
        bool coded = false;        ///< units as they come, where a stream carries their codec
        bool pictures = true;      ///< else sound
        bool also_sound = false;   ///< coded sound beside pictures
        bool untimed = false;      ///< a container without times: each thing was taken when it came
        FrameRate rate;            ///< where the device makes no promise
    };
    /// Blocks until the device is there.
    static Outcome<std::unique_ptr<Grabber>> open(const Plan& plan);
    LibavGrabber(const LibavGrabber&) = delete;
    LibavGrabber& operator=(const LibavGrabber&) = delete;
    ~LibavGrabber() override;

    Outcome<std::vector<Grab>> next() override;

private:
    struct Parts;
    struct Stream;
    explicit LibavGrabber(std::unique_ptr<Parts> parts);
    static Outcome<void> open_stream(Parts& parts, int index);
    Outcome<std::vector<Grab>> take_packet();
    Outcome<std::vector<Grab>> decode(Stream& stream);
    std::vector<Grab> pass_on(Stream& stream);
    static std::vector<Grab> broken(const Stream& stream);
    Moment taken_at(std::int64_t time, const Stream& stream) const;

    std::unique_ptr<Parts> parts_;
};

/// The sentence for what a device answered: a camera that is missing, busy or forbidden.
Fault device_fault(const std::string& device, int error);

}   // namespace millrace::capture
