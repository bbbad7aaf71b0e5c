#pragma once

#include <string>
#include <string_view>

namespace millrace::rtmp {

/// What a client asks for, taken apart and otherwise as sent: nothing is decoded or judged here.
struct StreamAddress {
    std::string name;    ///< app and key joined by '/', the app alone if the key is empty
    std::string query;   ///< what stood behind '?', of the key first, then of the app (or else of tcUrl)
    std::string app;
};

/// Slashes at the seams ("live/" and "/cam") count once.
StreamAddress stream_address(std::string_view app, std::string_view tc_url, std::string_view key);

}   // namespace millrace::rtmp
