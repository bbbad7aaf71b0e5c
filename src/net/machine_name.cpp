#include "net/machine_name.hpp"

#include <unistd.h>

#include <array>

namespace millrace::net {

std::string machine_name() {
    constexpr std::size_t size_max = 256;   // POSIX: 255 at most
    std::array<char, size_max> name{};
    return gethostname(name.data(), name.size() - 1) == 0 ? std::string{name.data()} : std::string{};
}

}   // namespace millrace::net
