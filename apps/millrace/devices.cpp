#include "apps/millrace/verbs.hpp"
#include "net/child.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace millrace::apps {

int devices(bool as_json) {
    // The child knows them; it takes our place.
    std::string program = net::program_beside_us("millrace-media");
    std::string list = "--devices";
    std::string form = as_json ? "json" : "text";
    const std::array<char*, 4> arguments{program.data(), list.data(), form.data(), nullptr};
    ::execv(program.c_str(), arguments.data());
    fmt::print(stderr, "millrace: {}: {}\n", program, std::strerror(errno));
    return 1;
}

}   // namespace millrace::apps
