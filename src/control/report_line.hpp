#pragma once

#include "control/report_json.hpp"

#include <string>

namespace millrace::control {

/// A stream on one line for a terminal, from the same report as its document:
/// "30.0 fps  2.01 Mbit/s  ratio 164  QP 24 (21-30)  queue 0 ms  sent 12.1 MB  reconnects 0  to
/// rtsp://h/cam". What is not known is left out; where the stream or a destination stands still, the line
/// says why.
std::string report_line(const hub::StreamReport& report, const Audience& audience);

}   // namespace millrace::control
