#include "capture/live_source.hpp"

#include "capture/live_encoder.hpp"
#include "capture/live_for_tests.hpp"
#include "capture/transcoded_source.hpp"
#include "media/nal.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace millrace::capture {
namespace {

using namespace testing;

/// A device that gives pictures at these moments, then what it ends with.
class PlayedDevice final : public Grabber {
public:
    PlayedDevice(std::vector<Duration> moments, std::optional<Fault> ending)
        : moments_{std::move(moments)}, ending_{std::move(ending)} {}

    Outcome<std::vector<Grab>> next() override {
        if (next_ == moments_.size()) {
            return ending_ ? Outcome<std::vector<Grab>>{std::unexpected(*ending_)} : std::vector<Grab>{};
        }
        std::vector<Grab> grabs;
        grabs.push_back(picture_at(moments_[next_++]));
        return grabs;
    }

private:
    std::vector<Duration> moments_;
    std::optional<Fault> ending_;
    std::size_t next_ = 0;
};

LiveSource::Plan plan_of(std::vector<Duration> moments, std::optional<Fault> ending = std::nullopt) {
    LiveSource::Plan plan{
        .grabbers = {}, .encode = {}, .size = {}, .tracks = {track_of(media::Kind::video)}, .lossless = true};
    plan.encode.preset = "ultrafast";
    plan.grabbers.push_back([moments = std::move(moments), ending = std::move(ending)] {
        return Outcome<std::unique_ptr<Grabber>>{std::make_unique<PlayedDevice>(moments, ending)};
    });
    return plan;
}

std::vector<Duration> steps(int count, Duration step, Duration from = 0s) {
    std::vector<Duration> moments;
    for (int i = 0; i < count; ++i) {
        moments.push_back(from + i * step);
    }
    return moments;
}

std::optional<std::uint32_t> number_of(const media::AccessUnit& unit) {
    const Result<std::vector<ByteSpan>> nals = media::split_length_prefixed(unit.payload, 4);
    for (const ByteSpan nal : *nals) {
        if (const auto note = media::read_capture_sei(nal.subspan(1))) {
            return note->frame;
        }
    }
    return std::nullopt;
}

/// Feeds an encoder directly, a picture each step.
std::vector<media::AccessUnit> feed(LiveEncoder& encoder, const std::vector<Duration>& moments) {
    std::vector<media::AccessUnit> all;
    for (const Duration at : moments) {
        Grab grab = picture_at(at);
        Outcome<std::vector<media::AccessUnit>> units = encoder.take(grab);
        EXPECT_TRUE(units) << (units ? "" : units.error().words);
        std::ranges::move(*units, std::back_inserter(all));
    }
    return all;
}

}   // namespace

TEST(LiveSource, row_1_28_pictures_stand_where_they_were_taken_whatever_the_pace) {
    std::vector<Duration> moments = steps(30, 33ms);
    const std::vector<Duration> slow = steps(14, 142ms, 1s);   // the camera falls to 7 a second
    moments.insert(moments.end(), slow.begin(), slow.end());
    LiveSource source{plan_of(moments), moment_at(0s)};
    const Collected got{source};
    ASSERT_FALSE(got.fault);
    ASSERT_EQ(got.video.size(), moments.size());
    for (std::size_t i = 0; i < moments.size(); ++i) {
        EXPECT_EQ(got.video[i].pts, moments[i] / 1ms * 90);
        EXPECT_EQ(got.video[i].capture.utc, moment_at(moments[i]).utc);
        EXPECT_EQ(number_of(got.video[i]), i);
        EXPECT_EQ(got.video[i].capture.label, media::CaptureTime::Label::capture);
        // A key frame is the first picture of each second.
        const bool first = i == 0 || moments[i] / 1s != moments[i - 1] / 1s;
        EXPECT_EQ(got.video[i].key, first) << i;
    }
}

TEST(LiveSource, row_1_34_what_was_captured_was_encoded_or_is_counted_as_dropped) {
    for (const bool lossless : {true, false}) {
        LiveSource::Plan plan = plan_of(steps(90, 33ms));
        plan.lossless = lossless;
        LiveSource source{std::move(plan), moment_at(0s)};
        const Collected got{source};
        const Counters counters = source.counters();
        EXPECT_EQ(counters.captured, 90U);
        EXPECT_EQ(counters.encoded + counters.dropped_slow, 90U);
        EXPECT_EQ(counters.encoded, got.video.size());
        EXPECT_EQ(counters.frames, got.video.size());
        EXPECT_EQ(counters.pictures_waiting, 0U);
        if (lossless) {
            EXPECT_EQ(counters.dropped_slow, 0U);
        }
        ASSERT_FALSE(got.video.empty());
        EXPECT_TRUE(got.video.front().key);
    }
}

TEST(LiveSource, row_1_34_a_picture_that_came_broken_is_counted_too) {
    class Rattling final : public Grabber {
    public:
        Outcome<std::vector<Grab>> next() override {
            std::vector<Grab> grabs;
            if (number_ < 6) {
                grabs.push_back(picture_at(number_ * 40ms));
                grabs.push_back({Broken{}, moment_at(number_ * 40ms + 20ms), {}});
            }
            ++number_;
            return grabs;
        }

    private:
        int number_ = 0;
    };
    LiveSource::Plan plan = plan_of({});
    plan.grabbers.clear();
    plan.grabbers.push_back([] { return Outcome<std::unique_ptr<Grabber>>{std::make_unique<Rattling>()}; });
    LiveSource source{std::move(plan), moment_at(0s)};
    const Collected got{source};
    EXPECT_EQ(got.video.size(), 6U);
    EXPECT_EQ(number_of(got.video[1]), 2U) << "the one that is missing has its number";
    EXPECT_EQ(source.counters().captured, 12U);
    EXPECT_EQ(source.counters().broken, 6U);
}

TEST(LiveSource, a_device_that_is_lost_says_so_after_its_last_picture) {
    LiveSource source{plan_of(steps(3, 40ms), Fault{"/dev/video0 was lost", false}), moment_at(0s)};
    const Collected got{source};
    EXPECT_EQ(got.video.size(), 3U);
    ASSERT_TRUE(got.fault);
    EXPECT_EQ(got.fault->words, "/dev/video0 was lost");
    EXPECT_FALSE(got.fault->lasting);
}

TEST(LiveSource, a_device_that_is_not_there_is_a_fault_in_words) {
    LiveSource::Plan plan = plan_of({});
    plan.grabbers.clear();
    plan.grabbers.push_back([]() -> Outcome<std::unique_ptr<Grabber>> {
        return std::unexpected(Fault{"/dev/video9 is not there", false});
    });
    LiveSource source{std::move(plan), moment_at(0s)};
    const Collected got{source};
    ASSERT_TRUE(got.fault);
    EXPECT_EQ(got.fault->words, "/dev/video9 is not there");
}

TEST(LiveSource, a_device_that_gives_nothing_is_taken_for_lost_unless_its_pace_is_anothers) {
    for (const bool may_be_silent : {false, true}) {
        LiveSource::Plan plan = plan_of({});
        plan.may_be_silent = may_be_silent;
        std::stop_source held;
        plan.grabbers.clear();
        plan.grabbers.push_back([token = held.get_token()]() -> Outcome<std::unique_ptr<Grabber>> {
            while (!token.stop_requested()) {
                std::this_thread::yield();
            }
            return std::unexpected(Fault{"over", false});
        });
        {
            LiveSource source{std::move(plan), moment_at(0s)};
            EXPECT_EQ(source.due(), may_be_silent ? Instant::never() : start + LiveSource::silence_max);
            EXPECT_EQ(source.produce(moment_at(LiveSource::silence_max)).has_value(), may_be_silent);
            held.request_stop();
        }
    }
}

/// A film whose units are all due.
class PlayedFilm final : public Source {
public:
    explicit PlayedFilm(std::vector<media::AccessUnit> units) : units_{std::move(units)} {}

    std::vector<media::Track> tracks() const override {
        return {track_of(media::Kind::video), track_of(media::Kind::audio)};
    }
    Instant due() const override { return next_ == units_.size() ? Instant::never() : Instant{}; }
    Outcome<std::vector<media::AccessUnit>> produce(Moment /*moment*/) override {
        return std::vector{units_[next_++]};
    }

private:
    std::vector<media::AccessUnit> units_;
    std::size_t next_ = 0;
};

TEST(TranscodedSource, row_4_19_a_film_is_coded_anew_beside_the_thread_that_asks_and_keeps_its_times) {
    EncodeOptions with_b_frames;
    with_b_frames.preset = "ultrafast";
    with_b_frames.b_frames = 2;
    LiveEncoder encoder{with_b_frames, {}};
    std::vector<media::AccessUnit> film = feed(encoder, steps(40, 40ms));
    std::ranges::move(encoder.drain(), std::back_inserter(film));
    ASSERT_EQ(film.size(), 40U);
    std::vector<std::int64_t> times;
    for (const media::AccessUnit& unit : film) {
        times.push_back(unit.pts);
    }
    std::ranges::sort(times);
    const Bytes frame = Bytes::copy(as_bytes("a frame of sound"));
    media::AccessUnit sound{.track = audio_track};
    sound.dts = sound.pts = 100;
    sound.payload = frame;
    sound.config = std::make_shared<const media::TrackConfig>(
        media::TrackConfig{.codec = media::Codec::aac, .timescale = 48'000});
    film.push_back(sound);
    for (const bool with_sound : {true, false}) {
        EncodeOptions options;
        options.preset = "ultrafast";
        options.codec = media::Codec::h265;
        if (!with_sound) {
            options.audio.reset();
        }
        const std::unique_ptr<Source> source =
            transcoded(std::make_unique<PlayedFilm>(film), options, moment_at(0s));
        EXPECT_GE(source->doorbell(), 0) << "it works by itself, and rings";
        EXPECT_EQ(source->tracks().size(), with_sound ? 2U : 1U);
        const Collected got{*source};
        ASSERT_FALSE(got.fault) << got.fault->words;
        ASSERT_EQ(got.video.size(), times.size()) << "also what was inside the decoder at the end";
        for (std::size_t i = 0; i < times.size(); ++i) {
            EXPECT_EQ(got.video[i].pts, times[i]);
            EXPECT_EQ(got.video[i].config->codec, media::Codec::h265);
        }
        ASSERT_EQ(got.audio.size(), with_sound ? 1U : 0U);
        EXPECT_TRUE(got.audio.empty() || got.audio[0].payload == frame);
        const Counters counters = source->counters();
        EXPECT_EQ(counters.captured, times.size());
        EXPECT_EQ(counters.encoded, counters.captured);
    }
}

TEST(LiveEncoder, row_3_5_whole_gops_are_left_out_and_a_key_frame_comes_next) {
    EncodeOptions options;
    options.preset = "ultrafast";
    LiveEncoder encoder{options, {}};
    EXPECT_EQ(feed(encoder, steps(10, 40ms)).size(), 10U);
    encoder.skip(2);
    EXPECT_TRUE(feed(encoder, steps(39, 40ms, 400ms)).empty());
    EXPECT_TRUE(encoder.is_skipping());
    const std::vector<media::AccessUnit> after = feed(encoder, steps(25, 40ms, 2s));
    EXPECT_FALSE(encoder.is_skipping());
    ASSERT_EQ(after.size(), 25U);
    EXPECT_TRUE(after.front().key);
    EXPECT_EQ(after.front().pts, 180'000);
    EXPECT_EQ(std::ranges::count_if(after, &media::AccessUnit::key), 1);
}

TEST(LiveEncoder, another_bitrate_opens_an_encoder_anew_that_cannot_follow) {
    for (const media::Codec codec : {media::Codec::h264, media::Codec::h265}) {
        EncodeOptions options;
        options.codec = codec;
        options.preset = "ultrafast";
        options.gop = 10s;
        LiveEncoder encoder{options, {}};
        ASSERT_EQ(feed(encoder, steps(5, 40ms)).size(), 5U);
        encoder.set_bitrate(500'000);
        const std::vector<media::AccessUnit> after = feed(encoder, steps(5, 40ms, 200ms));
        ASSERT_EQ(after.size(), 5U) << "a picture in, a picture out";
        EXPECT_EQ(after.front().key, codec == media::Codec::h265);
        EXPECT_EQ(after.front().pts, 18'000);
        EXPECT_FALSE(after.back().key);
    }
}

TEST(LiveEncoder, pictures_of_another_layout_and_size_are_brought_into_shape) {
    EncodeOptions options;
    options.preset = "ultrafast";
    LiveEncoder encoder{options, {320, 180}};
    for (const AVPixelFormat format : {AV_PIX_FMT_BGR24, AV_PIX_FMT_YUYV422, AV_PIX_FMT_NV12}) {
        ffmpeg::Frame frame{av_frame_alloc()};
        frame->format = format;
        frame->width = 640;
        frame->height = 360;
        ASSERT_EQ(av_frame_get_buffer(frame.get(), 0), 0);
        Grab grab{std::move(frame), moment_at(0s), {}};
        const Outcome<std::vector<media::AccessUnit>> units = encoder.take(grab);
        ASSERT_TRUE(units);
        ASSERT_EQ(units->size(), 1U);
        EXPECT_EQ(units->front().config->width, 320U);
        EXPECT_EQ(units->front().config->height, 180U);
    }
}

TEST(LiveEncoder, jpegs_are_key_frames_and_shrink_when_the_bitrate_must) {
    EncodeOptions options;
    options.codec = media::Codec::mjpeg;
    LiveEncoder encoder{options, {}};
    const auto noise = [](Duration at) {
        Grab grab = picture_at(at);
        AVFrame& frame = *std::get<ffmpeg::Frame>(grab.what);
        std::uint32_t seed = 1;
        for (int i = 0; i < frame.linesize[0] * frame.height; ++i) {
            seed = seed * 1664525 + 1013904223;
            frame.data[0][i] = static_cast<std::uint8_t>(seed >> 24U);
        }
        return grab;
    };
    std::vector<std::size_t> sizes;
    for (const Duration at : steps(30, 33ms)) {
        Grab grab = noise(at);
        const Outcome<std::vector<media::AccessUnit>> units = encoder.take(grab);
        ASSERT_TRUE(units && units->size() == 1);
        EXPECT_TRUE(units->front().key);
        EXPECT_EQ(units->front().config->codec, media::Codec::mjpeg);
        sizes.push_back(units->front().payload.size());
        encoder.set_bitrate(1'500'000);
    }
    EXPECT_LT(sizes.back(), sizes.front() / 2);
}

TEST(SoundLine, row_1_28_what_a_clock_says_is_missing_is_silence_and_what_is_too_much_is_left_out) {
    for (const media::Codec codec : {media::Codec::aac, media::Codec::opus}) {
        SoundLine line{codec};
        std::int64_t next = 0;
        std::int64_t frame_samples = 0;
        const auto play = [&](Duration at) {
            ffmpeg::Frame frame{av_frame_alloc()};
            frame->format = AV_SAMPLE_FMT_S16;
            frame->sample_rate = 44'100;
            frame->nb_samples = 441;
            frame->ch_layout = AV_CHANNEL_LAYOUT_STEREO;
            EXPECT_EQ(av_frame_get_buffer(frame.get(), 0), 0);
            av_samples_set_silence(frame->extended_data, 0, 441, 2, AV_SAMPLE_FMT_S16);
            const Outcome<std::vector<media::AccessUnit>> units = line.take(*frame, at);
            ASSERT_TRUE(units) << units.error().words;
            for (const media::AccessUnit& unit : *units) {
                EXPECT_EQ(unit.config->channels, 2U);
                next = next == 0 ? unit.dts : next;
                EXPECT_EQ(unit.dts, next) << "sound follows sound";
                frame_samples = unit.duration;
                next = unit.dts + unit.duration;
            }
        };
        for (int i = 0; i < 100; ++i) {
            play(i * 10ms);
        }
        EXPECT_NEAR(static_cast<double>(next), 48'000, 4000);
        for (int i = 110; i < 210; ++i) {   // 100 ms are missing
            play(i * 10ms);
        }
        EXPECT_NEAR(static_cast<double>(next), 48'000 * 2.1, 4000);
        for (int i = 0; i < 100; ++i) {   // twice as much as there should be
            play(2100ms + i * 5ms);
        }
        EXPECT_NEAR(static_cast<double>(next), 48'000 * 2.6, 4000);
        EXPECT_GT(frame_samples, 0);
    }
}

}   // namespace millrace::capture
