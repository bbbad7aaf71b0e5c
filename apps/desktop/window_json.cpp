#include "apps/desktop/window_json.hpp"

#include "base/web.hpp"

#include <fmt/format.h>

namespace millrace::apps {

namespace {

std::string joined(const std::string& to, std::string_view name, std::string_view value) {
    return fmt::format("{}{}{}: {}", to, to.empty() ? "" : ", ", web::json_quoted(name), value);
}

}   // namespace

std::string window_json(const WindowSight& sight) {
    std::string labels;
    for (const std::vector<Label>* part : {&sight.labels.large, &sight.labels.small}) {
        for (const Label& label : *part) {
            labels = joined(labels, label.name, web::json_quoted(label.text()));
        }
    }
    std::string places;
    for (const auto& [name, at] : sight.places) {
        places = joined(places, name, fmt::format("[{}, {}, {}, {}]", at[0], at[1], at[2], at[3]));
    }
    return fmt::format(R"({{"window": {}, "state": {}, "mood": {}, "message": {}, "black": {}, )"
                       R"("full_screen": {}, "dark": {}, "start_enabled": {}, "stop_enabled": {}, )"
                       R"("labels": {{{}}}, "places": {{{}}}, "stream": {}}})",
                       web::json_quoted(sight.window), web::json_quoted(sight.state),
                       web::json_quoted(name(sight.sentence.mood)), web::json_quoted(sight.sentence.text),
                       sight.black, sight.full_screen, sight.dark, sight.can_start, sight.can_stop, labels,
                       places, sight.stream.empty() ? "null" : sight.stream);
}

}   // namespace millrace::apps
