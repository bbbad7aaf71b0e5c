#pragma once

#include <string>
#include <string_view>

namespace millrace {

/// `masked(to)`, and in a RTMP address the last part of the path, too: most services that take streams give
/// a key there, and whoever has it may publish.
std::string masked_destination(std::string_view to);

}   // namespace millrace
