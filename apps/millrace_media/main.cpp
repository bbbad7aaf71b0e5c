#include "apps/millrace_media/child.hpp"
#include "base/child.hpp"
#include "capture/devices.hpp"

#include <fmt/core.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <string_view>

// The child of `millrace` for everything that decodes, encodes or opens foreign files. Its end of the link is
// `child_link`; memory for decoded pictures, where the server gives some, is `child_memory`.

namespace {

constexpr int failed = 1;
constexpr int wrong_usage = 2;
constexpr rlim_t data_bytes_max = rlim_t{2} << 30U;
constexpr rlim_t descriptors_max = 64;

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool sanitized = true;   // a sanitizer's shadow is larger than any limit
#else
constexpr bool sanitized = false;
#endif
#endif

void limit(int resource, rlim_t most) {
    const rlimit both{most, most};
    setrlimit(static_cast<__rlimit_resource>(resource), &both);
}

/// Never outlives its parent, even if that is killed: true if the parent is still there.
bool die_with(pid_t parent) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    return getppid() == parent;
}

}   // namespace

int main(int argc, char** argv) {
    const std::string_view option = argc > 1 ? argv[1] : "";
    if (option == "--version") {
        fmt::print("millrace-media " MILLRACE_VERSION "\n");
        return 0;
    }
    if (option == "--devices") {
        const std::string_view form = argc > 2 ? argv[2] : "json";
        fmt::print("{}", millrace::capture::list_devices(form == "text"));
        return 0;
    }
    const std::string_view number = argc == 3 ? argv[2] : "";
    pid_t parent = 0;
    std::from_chars(number.data(), number.data() + number.size(), parent);
    if (option != "--parent" || parent <= 0) {
        fmt::print(stderr, "millrace-media is started by millrace, not by hand\n");
        return wrong_usage;
    }
    // A line is for the server's log: it leaves when it is whole.
    setvbuf(stderr, nullptr, _IOLBF, BUFSIZ);
    if (!die_with(parent)) {
        return failed;
    }
    if (!sanitized) {
        limit(RLIMIT_DATA, data_bytes_max);
        limit(RLIMIT_NOFILE, descriptors_max);
        limit(RLIMIT_CORE, 0);
    }
    millrace::apps::MediaChild child{millrace::child_link, millrace::child_memory};
    const int code = child.run();
    if (child.may_be_stuck()) {
        std::_Exit(code);
    }
    return code;
}
