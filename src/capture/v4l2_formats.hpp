#pragma once

#include "capture/devices.hpp"

#include <optional>

namespace millrace::capture {

/// A camera of Video4Linux by its path, with its name and formats; nothing for what is no camera.
std::optional<Device> ask_camera(const std::string& path);

/// libavdevice's word for a pixel format of Video4Linux, by its four letters.
std::string format_name(std::uint32_t fourcc);

}   // namespace millrace::capture
