#include "base/block_log.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <thread>

namespace millrace {
namespace {

/// Changes on their way to another thread, as an executor's queue carries them.
class Post {
public:
    void put(LogChange change) {
        const std::scoped_lock lock{mutex_};
        changes_.push_back(std::move(change));
    }
    std::vector<LogChange> take() {
        const std::scoped_lock lock{mutex_};
        return std::exchange(changes_, {});
    }

private:
    std::mutex mutex_;
    std::vector<LogChange> changes_;
};

std::byte byte_at(std::uint64_t offset) {
    return static_cast<std::byte>((offset * 0x9E3779B97F4A7C15U) >> 56U);
}

void write_all(Post& post, std::uint64_t total) {
    BlockLog log{{.keep = 50ms, .bytes_max = 1U << 20U}};
    std::vector<std::byte> message;
    Instant now;
    std::uint64_t offset = 0;
    for (std::uint64_t i = 0; offset < total; ++i) {
        if (i % 30 == 0) {
            log.mark_entrance({});
        }
        message.resize(1 + (i * 7919) % 9000);
        for (std::byte& byte : message) {
            byte = byte_at(offset++);
        }
        // In two pieces: while the other thread reads a block's beginning, its end is being written.
        log.append(std::span{message}.first(message.size() / 2));
        if (i % 3 == 0) {
            post.put(log.take_change());
        }
        log.append(std::span{message}.subspan(message.size() / 2));
        log.end_message(now = now + 1ms);
    }
    log.end();
    post.put(log.take_change());
}

TEST(BlockLog, is_read_on_one_thread_while_it_is_written_on_another) {
    constexpr std::uint64_t total = 20U << 20U;
    Post post;
    std::thread writer{[&post] { write_all(post, total); }};
    LogView view;
    std::uint64_t cursor = 0;
    std::uint64_t wrong = 0;
    std::array<ByteSpan, 16> slices;
    const auto read_on = [&] {
        while (cursor < view.head()) {
            cursor = std::max(cursor, view.tail());
            for (const ByteSpan slice : std::span{slices}.first(view.gather(cursor, view.head(), slices))) {
                for (const std::byte byte : slice) {
                    wrong += byte == byte_at(cursor++) ? 0 : 1;
                }
            }
        }
    };
    while (!view.ended()) {
        for (const LogChange& change : post.take()) {
            view.apply(change);
            read_on();
        }
        std::this_thread::yield();
    }
    writer.join();
    EXPECT_GE(cursor, total);
    EXPECT_EQ(cursor, view.head());
    EXPECT_EQ(wrong, 0U);
}

}   // namespace
}   // namespace millrace
