#pragma once

#include "capture/source_options.hpp"

namespace millrace::capture {

/// Sources whose pictures come by themselves (`LiveSource`): devices, pictures on stdin, and a program.
std::unique_ptr<Source> open_device(const DeviceOptions& options, Moment start);
std::unique_ptr<Source> open_raw(const RawOptions& options, Moment start);
Outcome<std::unique_ptr<Source>> open_program(const ExecOptions& options, Moment start);

}   // namespace millrace::capture
