#include "base/block_log.hpp"

#include "base/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace millrace {
namespace {

constexpr Instant start = Instant::from_nanoseconds(5'000'000'000);

void add(BlockLog& log, std::size_t size, Instant at, char filler = 'x') {
    log.append(as_bytes(std::string(size, filler)));
    log.end_message(at);
}

std::string read(const LogView& view, std::uint64_t from, std::uint64_t to) {
    std::array<ByteSpan, 512> slices;
    std::string text;
    for (const ByteSpan slice : std::span{slices}.first(view.gather(from, to, slices))) {
        text += as_text(slice);
    }
    return text;
}

/// Writes down what a view tells.
class Diary final : public LogView::Listener {
public:
    explicit Diary(const LogView& view) : view_{view} {}
    void on_trim(std::uint64_t tail) override {
        said += "trim " + std::to_string(tail) + " of " + std::to_string(view_.tail()) + ";";
    }
    void on_advance(bool flush) override { said += flush ? "flush;" : "advance;"; }
    void on_end() override { said += "end;"; }
    std::string said;

private:
    const LogView& view_;
};

TEST(BlockLog, a_view_reads_what_was_written_across_blocks) {
    BlockLog log;
    LogView view;
    std::string written;
    for (int i = 0; i < 100; ++i) {
        const std::string message(static_cast<std::size_t>(997 + i), static_cast<char>('a' + i % 26));
        log.append(as_bytes(message));
        log.end_message(start + i * 1ms);
        written += message;
    }
    view.apply(log.take_change());
    EXPECT_EQ(read(view, 0, view.head()), written);
    EXPECT_EQ(read(view, 16'000, 17'000), written.substr(16'000, 1000));
    EXPECT_EQ(read(view, 300, 300), "");
}

TEST(BlockLog, gather_stops_when_there_is_no_more_room) {
    BlockLog log;
    LogView view;
    add(log, 100'000, start);
    view.apply(log.take_change());
    std::array<ByteSpan, 2> slices;
    EXPECT_EQ(view.gather(10, view.head(), slices), 2U);
    EXPECT_EQ(slices[0].size() + slices[1].size(), 2 * BlockLog::block_size_min - 10);
}

TEST(BlockLog, announces_nothing_of_an_unfinished_message) {
    BlockLog log;
    LogView view;
    log.append(as_bytes("ab"));
    view.apply(log.take_change());
    EXPECT_EQ(view.head(), 0U);
    log.append(as_bytes("cd"));
    log.end_message(start);
    log.append(as_bytes("ef"));
    view.apply(log.take_change());
    EXPECT_EQ(read(view, 0, view.head()), "abcd");
}

TEST(BlockLog, keeps_all_since_the_newest_entrance_and_at_least_three_seconds) {
    BlockLog log;
    std::uint64_t entrance = 0;
    for (int i = 0; i < 400; ++i) {   // 40 ms each, an entrance every two seconds
        if (i % 50 == 0) {
            entrance = log.head();
            log.mark_entrance({});
        }
        add(log, 100, start + i * 40ms);
        EXPECT_LE(log.tail(), entrance);
        if (i > 76) {
            EXPECT_GE(log.head() - log.tail(), 76U * 100);
            EXPECT_LE(log.head() - log.tail(), (76U + 50U) * 100);
        }
        EXPECT_TRUE(log.has_entrance());
    }
}

TEST(BlockLog, keeps_ten_seconds_at_most_even_of_one_group) {
    BlockLog log;
    log.mark_entrance({});
    for (int i = 0; i <= 250; ++i) {
        add(log, 100, start + i * 40ms);
    }
    EXPECT_EQ(log.tail(), 0U);
    EXPECT_TRUE(log.has_entrance());
    add(log, 100, start + 251 * 40ms);
    EXPECT_FALSE(log.has_entrance());
    add(log, 100, start + 252 * 40ms);
    EXPECT_EQ(log.head() - log.tail(), 76U * 100) << "without an entrance, three seconds are enough";
}

TEST(BlockLog, forgets_what_is_old_when_writing_pauses_but_never_the_newest_message) {
    BlockLog log;
    add(log, 100, start);
    add(log, 100, start + 1h);
    EXPECT_EQ(log.tail(), 100U);
    EXPECT_EQ(log.head(), 200U);
}

TEST(BlockLog, keeps_eight_megabytes_at_most) {
    BlockLog log;
    log.mark_entrance({});
    for (int i = 0; i < 100; ++i) {
        add(log, 300'000, start + i * 1ms);
        EXPECT_LE(log.head() - log.tail(), 8U << 20U);
        EXPECT_LE(log.memory(), (8U << 20U) + 2 * BlockLog::block_size_max);
    }
    EXPECT_GT(log.head() - log.tail(), (8U << 20U) - 300'000);
    EXPECT_FALSE(log.has_entrance());
}

TEST(BlockLog, keeps_a_message_larger_than_its_limit_until_the_next) {
    BlockLog log;
    add(log, 100, start);
    add(log, 9U << 20U, start);
    EXPECT_EQ(log.tail(), 100U);
    add(log, 100, start);
    EXPECT_EQ(log.tail(), log.head() - 100);
}

TEST(BlockLog, keeps_a_bounded_number_of_messages) {
    BlockLog log{{.messages_max = 10}};
    for (int i = 0; i < 30; ++i) {
        add(log, 5, start);
    }
    EXPECT_EQ(log.head() - log.tail(), 50U);
}

TEST(BlockLog, blocks_grow_with_the_rate) {
    struct Case {
        std::size_t bytes_per_second;
        std::size_t blocks_max;   // for the second that is looked at
    };
    for (const Case& c : {Case{20'000, 3}, Case{250'000, 6}, Case{1'000'000, 6}, Case{10'000'000, 41}}) {
        BlockLog log;
        for (int i = 0; i < 100; ++i) {
            add(log, c.bytes_per_second / 25, start + i * 40ms);
        }
        log.take_change();
        for (int i = 100; i < 125; ++i) {
            add(log, c.bytes_per_second / 25, start + i * 40ms);
        }
        EXPECT_LE(log.take_change().blocks.size(), c.blocks_max) << c.bytes_per_second;
    }
    BlockLog one;
    add(one, 2'000'000, start);
    EXPECT_LE(one.take_change().blocks.size(), 20U) << "within one large message too";
}

TEST(BlockLog, small_streams_use_small_blocks) {
    BlockLog log;
    add(log, 10, start);
    EXPECT_EQ(log.memory(), BlockLog::block_size_min);
}

TEST(LogView, knows_message_ends_and_ages) {
    BlockLog log;
    LogView view;
    for (int i = 1; i <= 3; ++i) {
        add(log, 100, start + i * 1s);
    }
    view.apply(log.take_change());
    struct Case {
        std::uint64_t offset;
        std::uint64_t end;
        Duration age;   // two seconds after the last
    };
    for (const Case& c : {Case{0, 0, 4s}, Case{1, 100, 4s}, Case{99, 100, 4s}, Case{100, 100, 3s},
                          Case{101, 200, 3s}, Case{299, 300, 2s}, Case{300, 300, 0s}}) {
        EXPECT_EQ(view.message_end_from(c.offset), c.end) << c.offset;
        EXPECT_EQ(view.is_message_end(c.offset), c.offset == c.end) << c.offset;
        EXPECT_EQ(view.age_from(c.offset, start + 5s), c.age) << c.offset;
    }
}

TEST(LogView, row_1_34_counts_the_pictures_that_end_at_a_place_or_before) {
    BlockLog log{{.keep = 1s, .age_max = 1s}};
    LogView view;
    for (int i = 0; i < 10; ++i) {
        add(log, 10, start + i * 1s);
        if (i % 2 == 0) {
            log.end_picture();
        }
        add(log, 5, start + i * 1s);   // sound
        view.apply(log.take_change());
        const auto begun = static_cast<std::uint64_t>(i);
        EXPECT_EQ(view.pictures_until(15 * begun + 10), begun / 2 + 1);
        EXPECT_EQ(view.pictures_until(15 * begun + 15), begun / 2 + 1);
        if (i < 2) {
            EXPECT_EQ(view.pictures_until(9), 0U) << "it has not ended";
        }
    }
    EXPECT_GT(view.tail(), 100U);
    EXPECT_EQ(view.pictures_until(view.tail()), 4U) << "those that are forgotten count";
}

TEST(LogView, tells_its_listener_before_it_forgets_and_after_it_advanced) {
    BlockLog log{{.messages_max = 2}};
    LogView view;
    Diary diary{view};
    view.listen(diary);
    add(log, 10, start);
    view.apply(log.take_change());
    add(log, 10, start);
    add(log, 10, start);
    log.request_flush();
    view.apply(log.take_change());
    log.end();
    view.apply(log.take_change());
    view.apply(log.take_change());
    EXPECT_EQ(diary.said, "advance;trim 10 of 0;flush;advance;end;advance;");
    EXPECT_TRUE(view.ended());
    view.stop_listening(diary);
    view.apply(log.take_change());
    EXPECT_EQ(diary.said.size(), std::string_view{"advance;trim 10 of 0;flush;advance;end;advance;"}.size());
}

TEST(LogView, hands_out_blocks_that_outlive_it) {
    BlockLog log{{.keep = 1s}};
    auto view = std::make_unique<LogView>();
    add(log, 50'000, start, 'a');
    view->apply(log.take_change());
    const std::vector<BlockRef> kept = view->blocks_of(20'000, 50'000);
    for (int i = 1; i < 10; ++i) {
        add(log, 50'000, start + i * 1s, 'b');
        view->apply(log.take_change());
    }
    EXPECT_GT(log.tail(), 50'000U);
    view.reset();
    EXPECT_LE(kept.front()->start(), 20'000U);
    EXPECT_GE(kept.back()->limit(), 50'000U);
    for (const BlockRef& block : kept) {
        const std::uint64_t end = std::min<std::uint64_t>(block->limit(), 50'000);
        for (std::uint64_t at = block->start(); at < end; ++at) {
            ASSERT_EQ(*block->at(at), std::byte{'a'});
        }
    }
}

/// What a log keeps, worked out anew from all that was ever written.
struct Written {
    std::uint64_t end;
    Instant at;
};
std::uint64_t tail_by_the_rules(const std::vector<Written>& all, std::uint64_t group, Instant now,
                                const BlockLog::Limits& limits) {
    std::uint64_t wanted = 0;
    std::uint64_t bound = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
        const std::uint64_t begin = i == 0 ? 0 : all[i - 1].end;
        const bool too_many = all.size() - i > limits.messages_max;
        const bool too_much = all.back().end - begin > limits.bytes_max;
        wanted = now - all[i].at > limits.keep ? all[i].end : wanted;
        bound = now - all[i].at > limits.age_max || too_many || too_much ? all[i].end : bound;
    }
    const std::uint64_t newest = all.size() > 1 ? all[all.size() - 2].end : 0;
    return std::min(std::max(std::min(wanted, group), bound), newest);
}

TEST(BlockLog, forgets_what_its_rules_say_and_no_more) {
    const BlockLog::Limits limits{.keep = 1s, .age_max = 3s, .bytes_max = 100'000, .messages_max = 100};
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
        SeededRandom random{seed};
        BlockLog log{limits};
        std::vector<Written> all;
        std::uint64_t group = 0;
        bool entered = false;
        std::uint64_t tail = 0;
        Instant now = start;
        for (int i = 0; i < 400; ++i) {
            if (random.below(40) == 0) {
                log.mark_entrance({});
                group = log.head();
                entered = true;
            }
            add(log, random.below(random.below(10) == 0 ? 60'000 : 2000) + 1, now);
            all.push_back({log.head(), now});
            entered = entered && group >= tail;
            tail = std::max(tail, tail_by_the_rules(all, entered ? group : log.head(), now, limits));
            ASSERT_EQ(log.tail(), tail) << "message " << i << " of seed " << seed;
            (void)log.take_change();
            now = now + Duration{random.below(random.below(30) == 0 ? 2'000'000'000 : 40'000'000)};
        }
    }
}

TEST(LogView, a_snapshot_is_what_all_changes_make) {
    for (std::uint64_t seed = 0; seed < 30; ++seed) {
        SeededRandom random{seed};
        BlockLog log{{.keep = 1s, .age_max = 3s, .bytes_max = 300'000, .messages_max = 200}};
        LogView followed;
        std::vector<std::unique_ptr<LogView>> joined;
        Instant now = start;
        for (int i = 0; i < 600; ++i) {
            if (random.below(20) == 0) {
                log.mark_entrance(Bytes::copy(std::to_string(i)));
            }
            const std::size_t size = random.below(random.below(10) == 0 ? 60'000 : 2000);
            log.append(as_bytes(std::string(size / 2, 'a')));
            if (random.below(15) == 0) {
                const LogChange change = log.take_change();
                followed.apply(change);
                for (const auto& view : joined) {
                    view->apply(change);
                }
                // In the middle of a message: its blocks come with the next change.
                joined.push_back(std::make_unique<LogView>());
                joined.back()->apply(log.snapshot());
            }
            log.append(as_bytes(std::string(size - size / 2, static_cast<char>('b' + i % 20))));
            log.end_message(now);
            if (random.below(3) > 0) {
                log.end_picture();
            }
            now = now + Duration{random.below(40'000'000)};
        }
        log.end();
        const LogChange last = log.take_change();
        followed.apply(last);
        joined.push_back(std::make_unique<LogView>());
        joined.back()->apply(log.snapshot());
        for (const auto& view : joined) {
            if (view != joined.back()) {
                view->apply(last);
            }
            ASSERT_EQ(view->head(), followed.head());
            ASSERT_EQ(view->tail(), followed.tail());
            ASSERT_TRUE(view->ended());
            ASSERT_EQ(read(*view, view->tail(), view->head()), read(followed, view->tail(), view->head()));
            ASSERT_EQ(view->newest_entrance() == nullptr, followed.newest_entrance() == nullptr);
            if (view->newest_entrance() != nullptr) {
                ASSERT_EQ(view->newest_entrance()->offset, followed.newest_entrance()->offset);
                ASSERT_EQ(view->newest_entrance()->resume, followed.newest_entrance()->resume);
            }
            for (int i = 0; i < 50; ++i) {
                const auto span = static_cast<std::uint32_t>(view->head() - view->tail() + 1);
                const std::uint64_t offset = view->tail() + random.below(span);
                ASSERT_EQ(view->message_end_from(offset), followed.message_end_from(offset));
                ASSERT_EQ(view->age_from(offset, now), followed.age_from(offset, now));
                ASSERT_EQ(view->pictures_until(offset), followed.pictures_until(offset));
            }
        }
    }
}

}   // namespace
}   // namespace millrace
