#pragma once

#include "capture/source.hpp"

namespace millrace::capture {

/// Loads libavdevice, whose cameras, screens and microphones need libraries that nobody else does; once. A
/// Fault where it is not installed.
Outcome<void> load_devices();

}   // namespace millrace::capture
