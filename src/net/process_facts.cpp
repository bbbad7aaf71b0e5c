#include "net/process_facts.hpp"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>

namespace millrace::net {

namespace {

template <auto close>
struct Closed {
    template <class T>
    void operator()(T* open) const {
        close(open);
    }
};

std::uint64_t count_entries(const char* folder) {
    const std::unique_ptr<DIR, Closed<closedir>> open{opendir(folder)};
    std::uint64_t count = 0;
    while (open != nullptr) {
        const dirent* const entry = readdir(open.get());
        if (entry == nullptr) {
            break;
        }
        count += entry->d_name[0] != '.' ? 1 : 0;
    }
    return count;
}

double seconds(const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}   // namespace

ProcessFacts process_facts() {
    ProcessFacts facts;
    const std::unique_ptr<std::FILE, Closed<std::fclose>> statm{std::fopen("/proc/self/statm", "re")};
    std::array<char, 128> line{};
    if (statm != nullptr && std::fgets(line.data(), line.size(), statm.get()) != nullptr) {
        // proc(5): size, resident, … in pages.
        char* rest = nullptr;
        std::strtoull(line.data(), &rest, 10);
        facts.resident_bytes = std::strtoull(rest, nullptr, 10) *
                               static_cast<std::uint64_t>(std::max(sysconf(_SC_PAGESIZE), 0L));
    }
    // The listing itself holds one.
    facts.descriptors = std::max<std::uint64_t>(count_entries("/proc/self/fd"), 1) - 1;
    facts.threads = count_entries("/proc/self/task");
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        facts.descriptors_max = limit.rlim_cur;
    }
    rusage usage{};
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        facts.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
    }
    return facts;
}

}   // namespace millrace::net
