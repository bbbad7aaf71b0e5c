#pragma once

#include "base/bytes.hpp"
#include "base/picture_ring.hpp"
#include "base/result.hpp"
#include "net/descriptor.hpp"

#include <span>

namespace millrace::net {

/// The server's end of a picture ring: memory without a file, of fixed size, that a child gets by its
/// descriptor and draws into; here it can only be read. What is read of a slot that the child may write to is
/// whatever it likes. Moves to any thread.
class PictureMemory {
public:
    /// Errc::exhausted where the system gives none.
    static Result<PictureMemory> make();
    PictureMemory(PictureMemory&& other) noexcept;
    PictureMemory& operator=(PictureMemory&& other) = delete;
    ~PictureMemory();

    int descriptor() const { return descriptor_.number(); }
    /// `slot` is below picture_ring::slots.
    ByteSpan slot(std::size_t slot) const {
        return ByteSpan{memory_}.subspan(slot * picture_ring::slot_size, picture_ring::slot_size);
    }

private:
    PictureMemory(Descriptor descriptor, std::span<const std::byte> memory)
        : descriptor_{std::move(descriptor)}, memory_{memory} {}

    Descriptor descriptor_;
    std::span<const std::byte> memory_;
};

}   // namespace millrace::net
