#pragma once

#include <cstddef>

namespace millrace::link {

/// What a server with so many secure links of 2 Mbit/s costs, without sockets: a row of Markdown. `loss` is
/// that of the path each way; `seconds` of video.
void print_cost_of_links(std::size_t links, double loss, int seconds);

}   // namespace millrace::link
