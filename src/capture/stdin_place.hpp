#pragma once

#include <cstdint>

namespace millrace::capture {

/// How much of our stdin was read, by us and by children before us: memory that outlives this process
/// (`stdin_place_size`), where we are given some. One thread.
class StdinPlace {
public:
    /// A descriptor that is none, or is something else, gives a place of our own, which begins at 0.
    explicit StdinPlace(int descriptor);
    StdinPlace(const StdinPlace&) = delete;
    StdinPlace& operator=(const StdinPlace&) = delete;
    ~StdinPlace();

    std::uint64_t bytes() const { return *place_; }
    void count(std::uint64_t bytes) { *place_ += bytes; }

private:
    std::uint64_t own_ = 0;
    std::uint64_t* place_ = &own_;
};

}   // namespace millrace::capture
