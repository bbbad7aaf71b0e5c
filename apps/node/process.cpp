#include "apps/node/process.hpp"

#include "net/descriptor.hpp"

#include <malloc.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

namespace millrace::apps {

void prepare_process() {
    // Large messages come straight from the kernel and go back to it. glibc would raise both bounds with the
    // first one freed, and keep up to 64 MB of what a publisher once sent.
    constexpr int mapped_from = 1 << 20;
    constexpr int kept_free = 128 << 10;
    mallopt(M_MMAP_THRESHOLD, mapped_from);
    mallopt(M_TRIM_THRESHOLD, kept_free);
    net::raise_descriptor_limit();
}

void end_with_parent(int parent) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        std::_Exit(EXIT_FAILURE);   // it went before we asked
    }
}

}   // namespace millrace::apps
