#include "capture/stdin_place.hpp"

#include "base/child.hpp"

#include <sys/mman.h>
#include <sys/stat.h>

namespace millrace::capture {

static_assert(sizeof(std::uint64_t) == stdin_place_size);

StdinPlace::StdinPlace(int descriptor) {
    struct stat seen{};
    if (::fstat(descriptor, &seen) != 0 || seen.st_size != off_t{stdin_place_size}) {
        return;
    }
    void* const memory = ::mmap(nullptr, stdin_place_size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (memory != MAP_FAILED) {
        place_ = static_cast<std::uint64_t*>(memory);
    }
}

StdinPlace::~StdinPlace() {
    if (place_ != &own_) {
        ::munmap(place_, stdin_place_size);
    }
}

}   // namespace millrace::capture
