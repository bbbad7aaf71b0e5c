#pragma once

#include <cstdint>
#include <cstdlib>
#include <new>

/// Counts what a test program takes from the heap. It replaces the global operator new, so one file of a
/// program includes it; where a sanitizer has its own, nothing is counted.
namespace millrace::toys {

#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool allocations_are_counted = false;
#else
inline constexpr bool allocations_are_counted = true;
#endif

inline thread_local std::uint64_t allocations = 0;   // of this thread, so far

}   // namespace millrace::toys

#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)
void* operator new(std::size_t size) {
    ++millrace::toys::allocations;
    if (void* const memory = std::malloc(size)) {
        return memory;
    }
    throw std::bad_alloc{};
}
void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t /*size*/) noexcept {
    std::free(memory);
}
#endif
