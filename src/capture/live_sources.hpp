#pragma once

#include "capture/source_options.hpp"
#include "capture/synthetic_camera.hpp"

namespace millrace::capture {

/// Sources whose pictures come by themselves (`LiveSource`): the synthetic
/// camera, devices, pictures on stdin, and a program.
std::unique_ptr<Source> open_camera(const CameraOptions& options, Moment start,
                                    SyntheticCamera::Wait wait = sleep_until);
std::unique_ptr<Source> open_device(const DeviceOptions& options, Moment start);
std::unique_ptr<Source> open_raw(const RawOptions& options, Moment start);
Outcome<std::unique_ptr<Source>> open_program(const ExecOptions& options, Moment start);

}   // namespace millrace::capture
