#pragma once

#include "hub/report.hpp"

#include <string>

namespace millrace::control {

/// What a stream is, where it plays and what to mend, in lines for people; of a report that has seen it for
/// some seconds.
std::string explanation(const hub::StreamReport& report);

/// The same as one object on one line: the stream's document with `obstacles` added.
std::string explanation_json(std::string_view stream_document, const hub::StreamReport& report);

}   // namespace millrace::control
