#include "base/rfc3339.hpp"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(Rfc3339, writes_utc_to_the_millisecond) {
    struct Row {
        std::int64_t microseconds;
        std::string_view text;
    };
    const std::vector<Row> rows{
        {0, "1970-01-01T00:00:00.000Z"},
        {-1, "1969-12-31T23:59:59.999Z"},
        {951'782'400'000'999, "2000-02-29T00:00:00.000Z"},
        {1'800'000'000'125'000, "2027-01-15T08:00:00.125Z"},
    };
    for (const Row& row : rows) {
        EXPECT_EQ(rfc3339({row.microseconds}), row.text);
    }
}

}   // namespace
}   // namespace millrace
