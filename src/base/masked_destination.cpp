#include "base/masked_destination.hpp"

#include "base/secret.hpp"

#include <algorithm>

namespace millrace {

namespace {

bool is_rtmp(std::string_view to) {
    const std::string_view scheme = to.substr(0, to.find("://"));
    return scheme == "rtmp" || scheme == "rtmps";
}

}   // namespace

std::string masked_destination(std::string_view to) {
    std::string shown = masked(to);
    if (!is_rtmp(to)) {
        return shown;
    }
    const std::size_t host = shown.find("://") + 3;
    const std::size_t app = shown.find('/', host);
    const std::size_t path_end = std::min(shown.find_first_of("?#", host), shown.size());
    if (app == std::string::npos || app >= path_end) {
        return shown;
    }
    const std::size_t key = shown.rfind('/', path_end - 1);
    return key > app && key + 1 < path_end ? shown.replace(key + 1, path_end - key - 1, "***") : shown;
}

}   // namespace millrace
