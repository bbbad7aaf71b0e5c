#pragma once

#include <string>
#include <vector>

namespace millrace::session {

/// What an operator may change while conversations run. Immutable once made; every desk holds the newest.
struct Settings {
    std::vector<std::string> origins{"*"};   ///< http.cors: pages of which sites may read media, or "*" alone
    std::string default_stream;              ///< what `/stream.m3u8` shows; empty: nothing
};

}   // namespace millrace::session
