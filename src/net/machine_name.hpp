#pragma once

#include <string>

namespace millrace::net {

/// What this machine calls itself (gethostname); empty if it does not.
std::string machine_name();

}   // namespace millrace::net
