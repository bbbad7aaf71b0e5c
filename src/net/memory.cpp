#include "net/memory.hpp"

#include "base/log.hpp"
#include "net/descriptor.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>

namespace millrace::net {

namespace {

constexpr std::uint64_t endless = std::numeric_limits<std::uint64_t>::max();

/// The beginning of a small file of the kernel's; empty where there is none.
std::string read_start(const std::string& path) {
    std::array<char, 512> text;
    const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    const ssize_t size = file ? ::read(file.number(), text.data(), text.size()) : -1;
    return size > 0 ? std::string{text.data(), static_cast<std::size_t>(size)} : std::string{};
}

/// The number that a text begins with.
std::optional<std::uint64_t> number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end != text.data() ? std::optional{value} : std::nullopt;
}

std::uint64_t room(std::uint64_t limit, std::uint64_t used) {
    return limit - std::min(limit, used);
}

/// What is left of our addresses (setrlimit(2): RLIMIT_AS).
std::uint64_t room_for_addresses() {
    rlimit limit{};
    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
        return endless;
    }
    const auto pages = number(read_start("/proc/self/statm"));
    return pages ? room(limit.rlim_cur, *pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE))) : endless;
}

/// Where our control group is, if it has a limit (cgroups(7), version 2).
std::string group_with_limit() {
    const std::string text = read_start("/proc/self/cgroup");
    if (!text.starts_with("0::/")) {
        return {};
    }
    std::string folder = "/sys/fs/cgroup" + text.substr(3, text.find('\n') - 3);
    return number(read_start(folder + "/memory.max")) ? folder : std::string{};
}

std::uint64_t room_in_group(const std::string& folder) {
    const auto limit = folder.empty() ? std::nullopt : number(read_start(folder + "/memory.max"));
    const auto used = limit ? number(read_start(folder + "/memory.current")) : std::nullopt;
    return used ? room(*limit, *used) : endless;
}

}   // namespace

Memory::Memory(Executor& home) : home_{home}, group_{group_with_limit()} {
    home_.post([this] { on_time(); });
}

void Memory::on_time() {
    look();
    home_.timers().arm(*this, home_.now() + look_every);
}

void Memory::look() {
    const bool now_scarce = std::min(room_for_addresses(), room_in_group(group_)) < reserve;
    if (scarce_.exchange(now_scarce, std::memory_order_relaxed) != now_scarce) {
        log::warning(
            "net", "{}",
            now_scarce ? "memory is scarce: newcomers are refused" : "there is memory again for newcomers");
    }
}

}   // namespace millrace::net
