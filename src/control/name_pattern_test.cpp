#include "control/name_pattern.hpp"

#include <gtest/gtest.h>

namespace millrace::control {
namespace {

TEST(NamePattern, matches_names_segment_by_segment) {
    struct Row {
        std::string_view pattern;
        std::string_view name;
        bool matches;
    };
    const std::vector<Row> rows{
        {"live/cam", "live/cam", true},
        {"live/cam", "live/cam2", false},
        {"live/cam", "live", false},
        {"live", "live/cam", false},
        {"*", "cam", true},
        {"*", "live/a/b", true},
        {"live/*", "live/a", true},
        {"live/*", "live/a/b", true},
        {"live/*", "live", false},
        {"live/*", "alive/a", false},
        {"*/cam", "live/cam", true},
        {"*/cam", "live/a/cam", false},
        {"live/cam*", "live/cam", true},
        {"live/cam*", "live/cam/a", false},
        {"live/*-hd", "live/a-hd", true},
        {"live/*-hd", "live/a-sd", false},
        {"a*b*c", "aXbYbZc", true},
        {"a*b*c", "aXbYbZ", false},
        {"**", "live/a", false},
        {"**", "live", true},
    };
    for (const auto& row : rows) {
        const auto pattern = NamePattern::parse(row.pattern);
        ASSERT_TRUE(pattern) << row.pattern;
        EXPECT_EQ(pattern->matches(*hub::StreamName::parse(row.name)), row.matches)
            << row.pattern << " " << row.name;
    }
}

TEST(NamePattern, refuses_what_can_match_no_name) {
    for (const std::string_view text :
         {"", "/", "live/", "a b", "..", "api/*", "*.flv", "live/whep", "[a]", "a?"}) {
        EXPECT_FALSE(NamePattern::parse(text)) << text;
    }
}

}   // namespace
}   // namespace millrace::control
