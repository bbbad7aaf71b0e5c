#pragma once

#include <cstddef>

namespace millrace::session {

/// What a link gets beside TCPs that take what they can, as Markdown: of so many seeds each.
void print_shares(std::size_t seeds);

}   // namespace millrace::session
