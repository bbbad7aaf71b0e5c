#pragma once

#include <string>
#include <vector>

namespace millrace::capture {

/// One way in which a camera gives pictures.
struct DeviceFormat {
    std::string format;   ///< as `format=` has it
    std::string size;     ///< "640x480"
    std::vector<double> rates;
};

/// Something that can be a source.
struct Device {
    std::string kind;     ///< camera, screen, microphone
    std::string source;   ///< the text for it
    std::string name;
    std::vector<DeviceFormat> formats;   ///< of cameras
};

/// Where devices show themselves.
struct DevicePlaces {
    std::string devices = "/dev";
    std::string sound = "/proc/asound";
    std::string screens = "/tmp/.X11-unix";
    std::string pulse;   ///< the sound server's socket; empty: none
};
DevicePlaces usual_places();

/// What is there now; cameras are asked for what they can.
std::vector<Device> find_devices(const DevicePlaces& places);

/// A JSON object a line: {"kind":"camera","source":"v4l2:/dev/video0","name":"…","formats":[…]}
std::string json_of(const Device& device);
/// For people.
std::string text_of(const std::vector<Device>& devices);

/// What is there now, as text or as JSON lines.
std::string list_devices(bool as_text);

}   // namespace millrace::capture
