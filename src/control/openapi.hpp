#pragma once

#include <string_view>

namespace millrace::control {

/// `docs/openapi.yaml`, built into the program: what the API answers, true to the code by a test.
std::string_view openapi_document();

}   // namespace millrace::control
