#include "container/mp4_event.hpp"

#include <gtest/gtest.h>

namespace millrace::mp4 {
namespace {

/// Of the first letter of the scheme, in the box.
constexpr std::size_t scheme_at = 32;

media::TimedMessage result(std::string_view json, std::int64_t pts) {
    return {.body = Bytes::copy(as_bytes(json)), .capture = {1'800'000'000'123'456 + pts}, .pts = pts};
}

void append(std::vector<std::byte>& out, const media::TimedMessage& message) {
    write_event_head(out, message, 7);
    out.insert(out.end(), message.body.begin(), message.body.end());
}

TEST(Mp4Event, row_0_28_results_come_back_as_they_were_written) {
    const std::vector said{result(R"({"n":1})", 0), result(R"({"boxes":[]})", std::int64_t{1} << 40U)};
    std::vector<std::byte> out;
    for (const media::TimedMessage& message : said) {
        append(out, message);
    }
    const auto read = read_events(out);
    ASSERT_TRUE(read);
    ASSERT_EQ(read->size(), said.size());
    for (std::size_t at = 0; at < said.size(); ++at) {
        EXPECT_EQ((*read)[at].body, said[at].body);
        EXPECT_EQ((*read)[at].capture, said[at].capture);
        EXPECT_EQ((*read)[at].pts, said[at].pts);
    }
}

TEST(Mp4Event, other_boxes_and_other_schemes_are_passed_over) {
    std::vector<std::byte> out;
    append(out, result("{}", 1));
    std::vector<std::byte> other = out;
    other[scheme_at] = std::byte{'x'};
    const std::string_view free{
        "\0\0\0\x0A"
        "free\1\2",
        10};
    other.insert(other.end(), as_bytes(free).begin(), as_bytes(free).end());
    other.insert(other.end(), out.begin(), out.end());
    const auto read = read_events(other);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->size(), 1U);
}

TEST(Mp4Event, what_is_cut_or_changed_anywhere_is_refused_or_read_within_its_bounds) {
    std::vector<std::byte> whole;
    append(whole, result(R"({"n":1})", 90'000));
    for (std::size_t size = 1; size < whole.size(); ++size) {
        EXPECT_FALSE(read_events(ByteSpan{whole}.first(size))) << size;
    }
    for (std::size_t at = 0; at < whole.size(); ++at) {
        std::vector<std::byte> changed = whole;
        changed[at] ^= std::byte{0xFF};
        const auto read = read_events(changed);
        EXPECT_TRUE(!read || read->size() <= 1) << at;
    }
}

}   // namespace
}   // namespace millrace::mp4
