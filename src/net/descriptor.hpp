#pragma once

#include <cstddef>
#include <utility>

namespace millrace::net {

/// Owns a file descriptor; closes it at the end. Moves to any thread.
class Descriptor {
public:
    Descriptor() = default;
    explicit Descriptor(int number) : number_{number} {}
    Descriptor(Descriptor&& other) noexcept : number_{other.release()} {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        Descriptor old{std::exchange(number_, other.release())};
        return *this;
    }
    ~Descriptor();

    int number() const { return number_; }
    explicit operator bool() const { return number_ >= 0; }
    int release() { return std::exchange(number_, -1); }

private:
    int number_ = -1;
};

/// Raises the limit of open descriptors as far as this process may; a start-up step. Returns the new limit.
std::size_t raise_descriptor_limit();

}   // namespace millrace::net
