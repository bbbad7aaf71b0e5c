#include "playback/jitter_buffer.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace millrace::playback {
namespace {

constexpr media::TrackId picture = 0;
constexpr media::TrackId sound = 1;

Instant at(Duration since) {
    return Instant::from_nanoseconds(1'000'000'000'000) + since;
}

media::AccessUnit unit(media::TrackId track, Duration time, bool key = true, std::size_t size = 1000) {
    static const auto h264 = std::make_shared<const media::TrackConfig>();
    static const auto aac = [] {
        media::TrackConfig config;
        config.codec = media::Codec::aac;
        config.timescale = 48'000;
        return std::make_shared<const media::TrackConfig>(config);
    }();
    media::AccessUnit made;
    made.track = track;
    made.config = track == picture ? h264 : aac;
    made.payload = Bytes{std::vector<std::byte>(size)};
    made.dts = time / 1us * made.config->timescale / 1'000'000;
    made.pts = made.dts;
    made.key = key;
    return made;
}

/// Feeds a buffer and writes down when what was let out, in milliseconds since the beginning.
struct Pictured {
    explicit Pictured(JitterLimits limits) : buffer{limits} {}

    void take(Duration time, Duration arrival) {
        run(arrival);
        buffer.take(unit(picture, time), at(arrival));
        run(arrival);
    }
    void run(Duration until) {
        while (buffer.due() <= at(until)) {
            const Instant due = std::max(buffer.due(), last);
            const auto next = buffer.next(due);
            ASSERT_TRUE(next);
            last = due;
            out.push_back((due - at(0ns)) / 1ms);
            late += next->late ? 1 : 0;
        }
    }

    JitterBuffer buffer;
    Instant last = at(0ns);
    std::vector<std::int64_t> out;
    int late = 0;
};

}   // namespace

TEST(JitterBuffer, holds_nothing_back_where_all_comes_evenly) {
    Pictured pictures{{}};
    for (int i = 0; i < 100; ++i) {
        pictures.take(i * 40ms, i * 40ms + 7ms);
    }
    ASSERT_EQ(pictures.out.size(), 100U);
    for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(pictures.out[static_cast<std::size_t>(i)], i * 40 + 7);
    }
    EXPECT_EQ(pictures.buffer.delay(), 0ns);
    EXPECT_EQ(pictures.late, 0);
}

TEST(JitterBuffer, row_1_28_an_uneven_way_comes_out_even_after_the_first_late_one) {
    Pictured pictures{{}};
    for (int i = 0; i < 200; ++i) {
        pictures.take(i * 40ms, i * 40ms + (i % 5) * 6ms);
    }
    pictures.run(9s);
    ASSERT_EQ(pictures.out.size(), 200U);
    EXPECT_LE(pictures.late, 4) << "one at each step of learning";
    EXPECT_EQ(pictures.buffer.jitter(), 24ms);
    for (std::size_t i = 10; i < 200; ++i) {
        EXPECT_EQ(pictures.out[i] - pictures.out[i - 1], 40);
    }
}

TEST(JitterBuffer, row_4_11_sound_that_is_heard_is_let_out_ahead_and_pictures_wait_for_it) {
    JitterBuffer buffer{{}};
    buffer.let_sound_ahead(80ms);
    for (const media::TrackId track : {picture, sound}) {
        buffer.take(unit(track, 1s), at(7ms));
    }
    EXPECT_EQ(buffer.delay(), 80ms);
    EXPECT_EQ(buffer.due(), at(7ms));
    EXPECT_EQ(buffer.next(at(7ms))->unit.track, sound);
    EXPECT_EQ(buffer.due(), at(87ms));
    EXPECT_EQ(buffer.moment_of(1s), at(87ms));
    EXPECT_EQ(buffer.next(at(87ms))->unit.track, picture);
    buffer.let_sound_ahead({});
    EXPECT_EQ(buffer.moment_of(1s), at(7ms)) << "nobody hears it any more";
}

TEST(JitterBuffer, a_burst_at_the_beginning_is_due_at_once_and_is_no_jitter) {
    Pictured pictures{{}};
    for (int i = 0; i < 50; ++i) {
        pictures.take(i * 40ms, 100ms);
    }
    ASSERT_EQ(pictures.out.size(), 50U);
    EXPECT_EQ(pictures.out.back(), 100);
    EXPECT_EQ(pictures.buffer.delay(), 0ns);
    pictures.take(50 * 40ms, 140ms);
    EXPECT_EQ(pictures.out.back(), 140);
}

TEST(JitterBuffer, nothing_waits_longer_than_its_bound) {
    constexpr Duration bound = 100ms;
    JitterBuffer buffer{{.delay_max = bound}};
    Instant newest;
    for (int i = 0; i < 2000; ++i) {
        // On time, late by up to three times the bound, and with a clock that jumps ahead now and then.
        const Duration more = std::chrono::milliseconds{(i * 7919) % 300};
        newest = std::max(newest, at(i * 40ms + more));
        buffer.take(unit(picture, i * 40ms + (i / 500) * 3s), newest);
        while (buffer.next(newest)) {
        }
        if (buffer.due() != Instant::never()) {
            ASSERT_LE(buffer.due() - newest, bound) << i;
        }
    }
    EXPECT_EQ(buffer.skipped(), 0U);
}

TEST(JitterBuffer, a_way_that_became_longer_begins_a_new_line) {
    Pictured pictures{{.delay_max = 200ms}};
    for (int i = 0; i < 50; ++i) {
        pictures.take(i * 40ms, i * 40ms);
    }
    for (int i = 50; i < 100; ++i) {
        pictures.take(i * 40ms, i * 40ms + 2s);
    }
    EXPECT_EQ(pictures.late, 14) << "those of half a second, and the one that ends it";
    EXPECT_EQ(pictures.out.back(), 99 * 40 + 2000);
    EXPECT_EQ(pictures.buffer.delay(), 0ns);
}

TEST(JitterBuffer, the_delay_goes_back_when_the_way_is_even_again) {
    Pictured pictures{{.delay_min = 5ms}};
    for (int i = 0; i < 500; ++i) {
        const Duration more = i == 20 ? 90ms : 0ms;
        pictures.take(i * 40ms, i * 40ms + more);
        if (i == 21) {
            EXPECT_EQ(pictures.buffer.delay(), 90ms);
        }
    }
    EXPECT_EQ(pictures.buffer.delay(), 5ms) << "two windows later";
}

TEST(JitterBuffer, sound_and_picture_of_a_moment_are_due_together) {
    JitterBuffer buffer{{}};
    // Sound comes in blocks of five frames, behind the pictures of its moments.
    for (int block = 0; block < 20; ++block) {
        const Duration start = block * 100ms;
        for (int i = 0; i < 3; ++i) {
            buffer.take(unit(picture, start + i * 33ms), at(start + i * 33ms));
        }
        for (int i = 0; i < 5; ++i) {
            buffer.take(unit(sound, start + i * 20ms), at(start + 99ms));
        }
        while (buffer.next(at(start + 99ms))) {
        }
    }
    EXPECT_EQ(buffer.delay(), 99ms) << "the first of a block waited so long for its last";
    while (buffer.next(at(2500ms))) {
    }
    buffer.take(unit(sound, 3s), at(3s));
    EXPECT_EQ(buffer.due(), buffer.moment_of(3s));
    ASSERT_TRUE(buffer.next(at(4s)));
    buffer.take(unit(picture, 3s), at(3s));
    EXPECT_EQ(buffer.due(), buffer.moment_of(3s));
}

TEST(JitterBuffer, too_many_bytes_are_forgotten_up_to_the_next_key_frame) {
    JitterBuffer buffer{{.delay_min = 10s, .delay_max = 10s, .bytes_max = 10'000}};
    for (int i = 0; i < 12; ++i) {
        buffer.take(unit(picture, i * 40ms, i == 0), at(i * 40ms));
    }
    EXPECT_EQ(buffer.pictures(), 0U);
    EXPECT_EQ(buffer.skipped(), 12U);
    buffer.take(unit(picture, 480ms, true), at(480ms));
    EXPECT_EQ(buffer.pictures(), 1U);
    EXPECT_EQ(buffer.bytes(), 1000U);
    buffer.take(unit(9, 480ms), at(480ms));
    EXPECT_EQ(buffer.pictures(), 1U) << "a track that it does not have";
}

}   // namespace millrace::playback
