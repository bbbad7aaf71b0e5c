#include "apps/node/bucket.hpp"

#include "archive/object_place.hpp"
#include "net/child.hpp"

#include <dlfcn.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace millrace::apps {

namespace {

/// Beside the program where it was built, or where packages put it.
constexpr std::array places{"millrace-outside.so", "../lib/millrace/millrace-outside.so"};

std::string secret_of(const control::ObjectRule& rule) {
    if (!rule.secret_key.empty()) {
        return rule.secret_key;
    }
    constexpr std::size_t size_max = 1024;
    std::ifstream file{rule.secret_key_file};
    std::string key;
    std::getline(file, key);
    while (!key.empty() && (key.back() == '\r' || key.back() == ' ')) {
        key.pop_back();
    }
    if (key.empty() || key.size() > size_max) {
        throw std::runtime_error("storage.objects.secret_key_file: " + rule.secret_key_file +
                                 ": its first line is to be the key, and this user must be able to read it");
    }
    return key;
}

archive::ObjectPlace place_of(const control::Configuration& configuration) {
    const control::ObjectRule& rule = configuration.objects;
    return {.endpoint = rule.endpoint,
            .bucket = rule.bucket,
            .region = rule.region,
            .access_key = rule.access_key,
            .secret_key = secret_of(rule),
            .prefix = rule.prefix,
            .verify = configuration.tls_verify,
            .ca_file = rule.ca_file,
            .outgoing = OutgoingRules{configuration.outgoing_allow}};
}

/// Loaded once, for as long as the process lives: errors say texts that lie in it.
archive::OpenObjectStore load_module() {
    for (const char* const place : places) {
        const std::string path = net::program_beside_us(place);
        if (!std::filesystem::exists(path)) {
            continue;
        }
        void* const module = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
        void* const found = module == nullptr ? nullptr : dlsym(module, archive::open_object_store_name);
        if (found == nullptr) {
            throw std::runtime_error(
                fmt::format("storage.objects: {} cannot be loaded: {}", path, dlerror()));
        }
        return reinterpret_cast<archive::OpenObjectStore>(found);
    }
    throw std::runtime_error(
        fmt::format("storage.objects: {} is not there: it comes with this program, and speaks to buckets",
                    net::program_beside_us(places.front())));
}

std::unique_ptr<archive::ObjectStore> open_store(const archive::ObjectPlace& place) {
    std::unique_ptr<archive::ObjectStore> store{load_module()(place)};
    if (!store) {
        throw std::runtime_error("storage.objects: libcurl does not start");
    }
    return store;
}

}   // namespace

Bucket::Bucket(const control::Configuration& configuration)
    : label_{place_of(configuration).label()},
      far_{open_store(place_of(configuration))},
      near_{open_store(place_of(configuration))},
      out_{1, archive::BucketMeans::works_max},
      in_{1, archive::BucketMeans::works_max} {
}

archive::BucketMeans Bucket::means() {
    return {.bucket = label_, .out = {out_, *far_}, .in = {in_, *near_}};
}

void Bucket::stop() {
    far_->stop();
    near_->stop();
    out_.stop();
    in_.stop();
}

}   // namespace millrace::apps
