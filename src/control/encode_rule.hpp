#pragma once

#include "control/setting.hpp"

#include <string>

namespace millrace::control {

/// Reads `encode: { codec: h265, bitrate: 2M }` as the query that a source's text takes:
/// "codec=h265&bitrate=2M". The keys are checked here, most values by who captures.
std::string read_encode(const Setting& setting);

/// A source's text with that query behind it. Only what this machine captures itself can be encoded; refuses
/// others.
std::string encoded_source(const Setting& setting, const std::string& source, const std::string& query);

}   // namespace millrace::control
