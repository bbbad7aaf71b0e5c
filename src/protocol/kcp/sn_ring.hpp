#pragma once

#include "base/check.hpp"

#include <bit>
#include <cstdint>
#include <utility>
#include <vector>

namespace millrace::kcp {

/// Slots for a run of sequence numbers, found by number; as many as were needed so far.
template <class T>
class SnRing {
public:
    T& operator[](std::uint32_t sn) { return slots_[sn & mask()]; }
    const T& operator[](std::uint32_t sn) const { return slots_[sn & mask()]; }

    /// Makes room for `count` numbers from `first` on; those in use begin there.
    void reserve(std::uint32_t first, std::size_t count) {
        if (count <= slots_.size()) {
            return;
        }
        check(count <= 1U << 17U, "a window has a limit");
        std::vector<T> larger(std::bit_ceil(std::max<std::size_t>(count, 16)));
        for (std::size_t i = 0; i < slots_.size(); ++i) {
            const auto sn = static_cast<std::uint32_t>(first + i);
            larger[sn & (larger.size() - 1)] = std::move((*this)[sn]);
        }
        slots_ = std::move(larger);
    }
    std::size_t capacity() const { return slots_.size(); }

private:
    std::size_t mask() const { return slots_.size() - 1; }

    std::vector<T> slots_;
};

}   // namespace millrace::kcp
