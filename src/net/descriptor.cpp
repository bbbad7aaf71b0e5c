#include "net/descriptor.hpp"

#include "base/log.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>

namespace millrace::net {

namespace {

constexpr rlim_t descriptors_wanted = 1'048'576;

/// What the kernel allows one process at most; raising the hard limit beyond it is refused even to root.
rlim_t kernel_limit() {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file{std::fopen("/proc/sys/fs/nr_open", "re"),
                                                               &std::fclose};
    unsigned long limit = 0;
    if (file != nullptr && std::fscanf(file.get(), "%lu", &limit) == 1) {
        return limit;
    }
    return descriptors_wanted;
}

}   // namespace

Descriptor::~Descriptor() {
    if (number_ >= 0) {
        ::close(number_);
    }
}

std::size_t raise_descriptor_limit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return 0;
    }
    const rlim_t wanted = std::min(descriptors_wanted, kernel_limit());
    if (limit.rlim_max < wanted) {
        const rlimit raised{wanted, wanted};
        if (setrlimit(RLIMIT_NOFILE, &raised) == 0) {
            return wanted;
        }
    }
    const rlimit raised{std::max(limit.rlim_cur, std::min(limit.rlim_max, wanted)), limit.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &raised) != 0) {
        log::warning("net", "only {} descriptors may be open, and the limit cannot be raised",
                     limit.rlim_cur);
        return limit.rlim_cur;
    }
    return raised.rlim_cur;
}

}   // namespace millrace::net
