#include "base/date_time.hpp"

#include <gtest/gtest.h>

#include <array>

namespace millrace {
namespace {

TEST(DateTime, reads_what_rfc_3339_allows) {
    struct Row {
        std::string_view text;
        std::string_view utc;
    };
    constexpr std::array rows{
        Row{"2026-11-20T14:09:32Z", "2026-11-20T14:09:32.000Z"},
        Row{"2026-11-20 14:09:32.5Z", "2026-11-20T14:09:32.500Z"},
        Row{"2026-11-20t14:09:32.123456789z", "2026-11-20T14:09:32.123Z"},
        Row{"2026-12-31T23:30:00-01:30", "2027-01-01T01:00:00.000Z"},
        Row{"2024-02-29T00:00:00+02:00", "2024-02-28T22:00:00.000Z"},
        Row{"2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000Z"},
        Row{"1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"},
    };
    for (const auto& row : rows) {
        const auto time = parse_date_time(row.text);
        ASSERT_TRUE(time) << row.text;
        EXPECT_EQ(date_time_text(*time), row.utc);
    }
}

TEST(DateTime, refuses_everything_else) {
    for (const std::string_view text :
         {"", "2026", "2026-11-20", "2026-11-20T14:09:32", "2026-11-20T14:09Z", "2026-13-01T00:00:00Z",
          "2025-02-29T00:00:00Z", "2026-11-20T24:00:00Z", "2026-11-20T14:09:32.Z", "2026-11-20T14:09:32+0200",
          "2026-11-20T14:09:32Z ", "1969-12-31T23:59:59Z", "2026-11-20T14:09:61Z", "-026-11-20T14:09:32Z",
          "20261120T140932Z", "2026-11-20T14:09:32+24:00"}) {
        EXPECT_FALSE(parse_date_time(text)) << text;
    }
}

}   // namespace
}   // namespace millrace
