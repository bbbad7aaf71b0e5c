#include "base/block_log.hpp"

#include "base/answer.hpp"
#include "base/byte_reader.hpp"
#include "base/byte_writer.hpp"
#include "base/seat.hpp"
#include "base/virtual_connection.hpp"
#include "base/virtual_time.hpp"
#include "base/waiting.hpp"
#include "base/web.hpp"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(BlockLog, a_view_reads_what_was_written_across_blocks) {
    BlockLog log;
    LogView view;
    std::string written;
    for (int i = 0; i < 100; ++i) {
        const std::string message(static_cast<std::size_t>(997 + i), static_cast<char>('a' + i % 26));
        log.append(as_bytes(message));
        log.end_message(Instant{} + i * 1ms);
        written += message;
    }
    view.apply(log.take_change());
    std::array<ByteSpan, 64> slices;
    const std::size_t count = view.gather(0, view.head(), slices);
    std::string read;
    for (const ByteSpan slice : std::span{slices}.first(count)) {
        read += as_text(slice);
    }
    EXPECT_EQ(read, written);
    EXPECT_GT(count, 5U);
}

}   // namespace
}   // namespace millrace
