#pragma once

#include "apps/desktop/labels.hpp"
#include "apps/desktop/sentences.hpp"

#include <array>
#include <string>
#include <utility>
#include <vector>

namespace millrace::apps {

/// What a window shows, as programs read it.
struct WindowSight {
    std::string_view window;   ///< "sender", "receiver"
    std::string_view state;
    bool can_start = true;
    bool can_stop = false;
    Sentence sentence;
    Labels labels;
    bool black = true;
    bool full_screen = false;
    bool dark = false;   ///< light on dark
    /// Where things are on the screen, by name: left, top, width, height.
    std::vector<std::pair<std::string_view, std::array<int, 4>>> places;
    std::string stream;   ///< its document; empty: there is none now
};

/// One object on one line.
std::string window_json(const WindowSight& sight);

}   // namespace millrace::apps
