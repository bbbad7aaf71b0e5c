#include "net/picture_memory.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace millrace::net {

Result<PictureMemory> PictureMemory::make() {
    Descriptor file{::memfd_create("millrace-pictures", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
    // Sealed, so that no child can take pages away from under us.
    const bool ready = file && ::ftruncate(file.number(), static_cast<off_t>(picture_ring::size)) == 0 &&
                       ::fcntl(file.number(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0;
    void* const memory =
        ready ? ::mmap(nullptr, picture_ring::size, PROT_READ, MAP_SHARED, file.number(), 0) : MAP_FAILED;
    if (memory == MAP_FAILED) {
        return fail(Errc::exhausted, "there is no memory for decoded pictures");
    }
    return PictureMemory{std::move(file),
                         std::span{static_cast<const std::byte*>(memory), picture_ring::size}};
}

PictureMemory::PictureMemory(PictureMemory&& other) noexcept
    : descriptor_{std::move(other.descriptor_)}, memory_{std::exchange(other.memory_, {})} {
}

PictureMemory::~PictureMemory() {
    if (!memory_.empty()) {
        ::munmap(const_cast<std::byte*>(memory_.data()), memory_.size());
    }
}

}   // namespace millrace::net
