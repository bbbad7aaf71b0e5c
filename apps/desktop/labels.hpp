#pragma once

#include "control/report_json.hpp"
#include "hub/playback_report.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::apps {

/// A number as a window shows it: its name, the value in words, and the number itself for the graph.
struct Label {
    static constexpr std::string_view none = "–";

    std::string_view name;   ///< a literal
    std::string value = std::string{none};
    std::string unit{};
    std::optional<double> number{};   ///< of a large one; nothing: there is none now

    std::string text() const { return unit.empty() ? value : value + " " + unit; }
};

/// What stands beside a picture: a few large numbers, each with a graph, and small ones beneath. Which ones
/// there are, and in which order, never changes.
struct Labels {
    std::vector<Label> large;
    std::vector<Label> small;
};

/// Of a stream that is sent from here; without numbers (`Label::none`) where nothing flows.
Labels sender_labels(const hub::StreamReport& stream, const control::Audience& audience);
/// Of a stream that is played here; likewise while there is no picture.
Labels receiver_labels(const hub::StreamReport& stream, const hub::PlaybackReport& playback);

}   // namespace millrace::apps
