#pragma once

#include <source_location>

namespace millrace {

/// Prints where and what, then aborts.
[[noreturn]] void broken_invariant(const char* what, std::source_location where);

/// An always-on check of our own invariants. No byte from outside may be able to make it fail.
inline void check(bool holds, const char* what,
                  std::source_location where = std::source_location::current()) {
    if (!holds) [[unlikely]] {
        broken_invariant(what, where);
    }
}

}   // namespace millrace
