#pragma once

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace millrace::apps {

/// An address as people type it, as a source: a file may stand without its "file:".
inline std::string played_address(const std::string& typed) {
    const std::size_t colon = typed.find(':');
    const bool has_kind = colon != std::string::npos && colon > 1 && colon < typed.find('/');
    return has_kind ? typed : "file:" + typed;
}

/// Why a source that is a file cannot be read, so that nobody waits for it; empty for any other.
inline std::string trouble_with(const std::string& source) {
    constexpr std::string_view file = "file:";
    if (!source.starts_with(file)) {
        return {};
    }
    const std::string path = source.substr(file.size(), source.find('?') - file.size());
    return ::access(path.c_str(), R_OK) == 0 ? std::string{} : path + ": " + std::strerror(errno);
}

}   // namespace millrace::apps
