#include "apps/node/outside_module.hpp"

#include "net/child.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace millrace::apps {

namespace {

/// Beside the program where it was built, or where packages put it.
constexpr std::array places{"millrace-outside.so", "../lib/millrace/millrace-outside.so"};

}   // namespace

void* find_outside(const char* name, std::string_view key) {
    for (const char* const place : places) {
        const std::string path = net::program_beside_us(place);
        if (!std::filesystem::exists(path)) {
            continue;
        }
        void* const module = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
        void* const found = module == nullptr ? nullptr : dlsym(module, name);
        if (found == nullptr) {
            throw std::runtime_error(fmt::format("{}: {} cannot be loaded: {}", key, path, dlerror()));
        }
        return found;
    }
    throw std::runtime_error(
        fmt::format("{}: {} is not there: it comes with this program, and speaks to buckets and catalogues",
                    key, net::program_beside_us(places.front())));
}

std::string read_secret(const std::string& path, std::string_view key) {
    constexpr std::size_t size_max = 1024;
    std::ifstream file{path};
    std::string secret;
    std::getline(file, secret);
    while (!secret.empty() && (secret.back() == '\r' || secret.back() == ' ')) {
        secret.pop_back();
    }
    if (secret.empty() || secret.size() > size_max) {
        throw std::runtime_error(fmt::format(
            "{}: {}: its first line is to be the secret, and this user must be able to read it", key, path));
    }
    return secret;
}

}   // namespace millrace::apps
