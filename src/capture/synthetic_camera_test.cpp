#include "capture/synthetic_camera.hpp"

#include "base/mutex.hpp"
#include "capture/live_for_tests.hpp"
#include "capture/live_sources.hpp"
#include "media/capture_sei.hpp"
#include "media/nal.hpp"
#include "media/time.hpp"

#include <gtest/gtest.h>

#include <condition_variable>

namespace millrace::capture {
namespace {

using namespace testing;

/// The camera's clock, which a test lets run: who waits beyond `allowed` waits until more is allowed.
class PlayedClock {
public:
    /// On the camera's thread.
    Moment wait(Instant then) {
        const MutexLock lock{mutex_};
        while (then > allowed_) {
            waits_ = true;
            changed_.notify_all();
            changed_.wait(mutex_);
        }
        waits_ = false;
        now_ = std::max(now_, then);
        return moment_at(now_ - start);
    }
    /// Up to there, each moment at its time, until nothing more is due.
    void run_to(Instant until) {
        const MutexLock lock{mutex_};
        allowed_ = std::max(allowed_, until);
        waits_ = false;
        changed_.notify_all();
        while (!waits_) {
            changed_.wait(mutex_);
        }
    }
    /// Nobody waits any more.
    void let_go() {
        const MutexLock lock{mutex_};
        allowed_ = Instant::never();
        changed_.notify_all();
    }
    /// All of a sudden it is so late.
    void jump_to(Instant then) {
        const MutexLock lock{mutex_};
        now_ = std::max(now_, then);
    }

private:
    Mutex mutex_;
    std::condition_variable_any changed_;
    Instant now_ MILLRACE_GUARDED_BY(mutex_) = start;
    Instant allowed_ MILLRACE_GUARDED_BY(mutex_) = start - 1s;
    bool waits_ MILLRACE_GUARDED_BY(mutex_) = false;
};

/// A camera on a clock of our own.
struct Camera {
    explicit Camera(const std::string& text) {
        const Outcome<SourceOptions> options = parse_source(text);
        EXPECT_TRUE(options) << (options ? "" : options.error().words);
        source = open_camera(std::get<CameraOptions>(*options), moment_at(0s),
                             [this](Instant then) { return clock.wait(std::max(then, start)); });
    }
    Camera(const Camera&) = delete;
    Camera& operator=(const Camera&) = delete;
    ~Camera() { clock.let_go(); }

    /// Lets time pass up to `until`, and takes all that came of it.
    void run_to(Duration until) {
        while (reached < until) {
            reached = std::min(reached + 1s, until);   // what waits to be taken has a bound
            settle();
        }
    }
    /// Nobody looked until then.
    void look(Duration at) {
        clock.jump_to(start + at);
        reached = at;
        settle();
    }
    void settle() {
        clock.run_to(start + reached);
        for (Counters now = source->counters(); now.pictures_waiting > 0 || now.encoded > video.size();
             now = source->counters()) {
            ASSERT_TRUE(take());
        }
        ASSERT_TRUE(take());
    }
    /// All there is now.
    bool take() {
        for (;;) {
            Outcome<std::vector<media::AccessUnit>> units = source->produce(moment_at(0s));
            if (!units || units->empty()) {
                return units.has_value();
            }
            for (media::AccessUnit& unit : *units) {
                (unit.kind() == media::Kind::video ? video : audio).push_back(std::move(unit));
            }
        }
    }
    PlayedClock clock;
    Duration reached{};
    std::unique_ptr<Source> source;
    std::vector<media::AccessUnit> video;
    std::vector<media::AccessUnit> audio;
};

std::optional<media::CaptureNote> note_of(const media::AccessUnit& unit) {
    const Result<std::vector<ByteSpan>> nals = media::split_length_prefixed(unit.payload, 4);
    const unsigned header = unit.config->codec == media::Codec::h265 ? 2 : 1;
    for (const ByteSpan nal : *nals) {
        if (auto note = media::read_capture_sei(nal.subspan(header))) {
            return note;
        }
    }
    return std::nullopt;
}

std::vector<std::size_t> keys(const std::vector<media::AccessUnit>& units) {
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < units.size(); ++i) {
        if (units[i].key) {
            places.push_back(i);
        }
    }
    return places;
}

}   // namespace

TEST(SyntheticCamera, row_1_24_one_encoder_for_the_life_of_the_stream) {
    for (const std::string codec : {"h264", "h265"}) {
        Camera camera{"test:?size=256x144&fps=25&gop=1s&preset=ultrafast&codec=" + codec};
        camera.run_to(2999ms);
        ASSERT_EQ(camera.video.size(), 75U) << "a picture in, a picture out";
        EXPECT_EQ(keys(camera.video), (std::vector<std::size_t>{0, 25, 50}));
        for (std::size_t i = 0; i < camera.video.size(); ++i) {
            const media::AccessUnit& unit = camera.video[i];
            EXPECT_EQ(unit.config, camera.video[0].config) << "one configuration";
            EXPECT_EQ(unit.pts, static_cast<std::int64_t>(i) * 3600);
            EXPECT_EQ(unit.dts, unit.pts);
            EXPECT_EQ(unit.duration, 3600);
        }
        EXPECT_EQ(camera.video[0].config->width, 256U);
        EXPECT_EQ(camera.source->counters().frames, 75U);
        EXPECT_EQ(camera.source->counters().late, 0U);
    }
}

TEST(SyntheticCamera, row_4_24_each_picture_says_when_it_was_taken_and_its_quantizer) {
    for (const std::string codec : {"h264", "h265"}) {
        Camera camera{"test:?size=256x144&fps=30&preset=ultrafast&audio=none&codec=" + codec};
        camera.run_to(1s);
        for (std::size_t i = 0; i < camera.video.size(); ++i) {
            const std::optional<media::CaptureNote> note = note_of(camera.video[i]);
            ASSERT_TRUE(note) << i;
            EXPECT_EQ(note->frame, i);
            EXPECT_NEAR(static_cast<double>(note->utc.microseconds - utc_at_start.microseconds),
                        static_cast<double>(i) * 1e6 / 30, 2);
            ASSERT_TRUE(note->qp);
            EXPECT_EQ(camera.video[i].capture.label, media::CaptureTime::Label::capture);
            EXPECT_EQ(camera.video[i].capture.utc, note->utc);
            EXPECT_EQ(camera.video[i].camera_number, i);
            EXPECT_NEAR(camera.video[i].coded_qp.value_or(0), *note->qp, 0.01);
            EXPECT_TRUE(camera.video[i].slice_qp);
        }
    }
}

TEST(SyntheticCamera, a_key_frame_comes_when_asked_for) {
    for (const std::string codec : {"h264", "h265"}) {
        Camera camera{"test:?size=256x144&fps=25&gop=10s&preset=ultrafast&audio=none&codec=" + codec};
        camera.run_to(400ms);
        camera.source->ask_key_frame();
        camera.run_to(1s);
        EXPECT_EQ(keys(camera.video), (std::vector<std::size_t>{0, 11})) << codec;
    }
}

TEST(SyntheticCamera, the_bitrate_follows_while_it_runs) {
    Camera camera{"test:?size=640x360&fps=30&gop=1s&bitrate=3M&audio=none"};
    const auto bits_a_second = [&camera](std::size_t from) {
        std::size_t bytes = 0;
        for (std::size_t i = from; i < camera.video.size(); ++i) {
            bytes += camera.video[i].payload.size();
        }
        return static_cast<double>(bytes) * 8 * 30 / static_cast<double>(camera.video.size() - from);
    };
    camera.run_to(3s);
    const double before = bits_a_second(0);
    camera.source->set_bitrate(300'000);
    const std::size_t changed = camera.video.size() + 30;
    camera.run_to(7s);
    EXPECT_LT(bits_a_second(changed), before / 2);
    EXPECT_LT(bits_a_second(changed), 400'000);
}

TEST(SyntheticCamera, row_3_5_whole_gops_are_left_out_when_told) {
    Camera camera{"test:?size=256x144&fps=25&gop=1s&preset=ultrafast"};
    camera.run_to(390ms);
    camera.source->skip(2);
    camera.run_to(2990ms);
    ASSERT_EQ(camera.video.size(), 10U + 25U);
    EXPECT_EQ(keys(camera.video), (std::vector<std::size_t>{0, 10}));
    EXPECT_EQ(camera.video[10].pts, 180'000);
    const Counters counters = camera.source->counters();
    EXPECT_EQ(counters.dropped_asked, 40U);
    EXPECT_EQ(counters.captured, counters.encoded + counters.dropped_asked);
    EXPECT_GT(camera.audio.size(), 130U) << "sound goes on";
}

TEST(SyntheticCamera, row_3_3_every_codec_is_made_here) {
    struct Case {
        std::string words;
        media::Codec codec;
    };
    for (const Case& one : {Case{"codec=mjpeg&audio=none", media::Codec::mjpeg},
                            Case{"codec=h264&bframes=2&audio=none", media::Codec::h264},
                            Case{"codec=h264&encoder=hardware&audio=opus", media::Codec::h264},
                            Case{"codec=av1&audio=none", media::Codec::av1}}) {
        Camera camera{"test:?size=256x144&fps=25&" + one.words};
        camera.run_to(1960ms);
        ASSERT_GT(camera.video.size(), 40U) << one.words;
        EXPECT_EQ(camera.video[0].config->codec, one.codec);
        EXPECT_TRUE(camera.video[0].key);
        EXPECT_EQ(camera.video[0].pts, 0);
        for (std::size_t i = 1; i < camera.video.size(); ++i) {
            EXPECT_GT(camera.video[i].dts, camera.video[i - 1].dts) << one.words;
            EXPECT_GE(camera.video[i].pts, camera.video[i].dts);
            EXPECT_EQ(camera.video[i].capture.utc.microseconds,
                      utc_at_start.microseconds + camera.video[i].pts * 100 / 9);
        }
        if (!camera.audio.empty()) {
            EXPECT_EQ(camera.audio[0].config->codec, media::Codec::opus);
        }
    }
}

TEST(SyntheticCamera, an_encoder_that_is_not_here_is_refused_by_name) {
    const Outcome<std::unique_ptr<Source>> source = open_source("test:?encoder=h264_magic", moment_at(0s));
    ASSERT_TRUE(source);
    const Collected got{**source};
    ASSERT_TRUE(got.fault);
    EXPECT_TRUE(got.fault->lasting);
    EXPECT_NE(got.fault->words.find("no encoder 'h264_magic' of h264"), std::string::npos)
        << got.fault->words;
}

TEST(SyntheticCamera, row_1_35_sound_runs_beside_the_picture) {
    Camera camera{"test:?size=256x144&fps=25&preset=ultrafast"};
    camera.run_to(2s);
    ASSERT_GT(camera.audio.size(), 85U);
    for (std::size_t i = 0; i < camera.audio.size(); ++i) {
        EXPECT_EQ(camera.audio[i].pts, static_cast<std::int64_t>(i) * 1024);
        EXPECT_EQ(camera.audio[i].duration, 1024);
        EXPECT_NEAR(static_cast<double>(camera.audio[i].capture.utc.microseconds - utc_at_start.microseconds),
                    static_cast<double>(i) * 1024 / 48'000 * 1e6, 2);
    }
    const double audio_end = static_cast<double>(camera.audio.back().pts) / 48'000;
    const double video_end = static_cast<double>(camera.video.back().pts) / 90'000;
    EXPECT_NEAR(audio_end, video_end, 0.1);
}

TEST(SyntheticCamera, row_1_28_late_pictures_are_counted_and_keep_their_own_times) {
    Camera camera{"test:?size=256x144&fps=25&preset=ultrafast&audio=none"};
    camera.run_to(200ms);
    // Half a second nobody looked: the pictures come one by one, each with the time it was due.
    camera.look(720ms);
    ASSERT_EQ(camera.video.size(), 19U);
    EXPECT_EQ(camera.source->counters().late, 12U);
    EXPECT_EQ(camera.source->counters().skipped, 0U);
    EXPECT_EQ(note_of(camera.video.back())->frame, 18U);
    EXPECT_EQ(note_of(camera.video[10])->utc.microseconds, utc_at_start.microseconds + 400'000);
}

TEST(SyntheticCamera, moments_lost_for_good_are_skipped_and_never_repeated) {
    Camera camera{"test:?size=256x144&fps=25&preset=ultrafast"};
    camera.run_to(200ms);
    const std::size_t before = camera.video.size();
    camera.look(1h);
    ASSERT_EQ(camera.video.size(), before + 1);
    EXPECT_EQ(camera.source->counters().skipped, 25U * 3600 - before);
    EXPECT_EQ(note_of(camera.video.back())->frame, 25U * 3600);
    EXPECT_EQ(camera.video.back().pts, 3600 * 90'000);
    camera.run_to(1h + 1s);
    EXPECT_NEAR(static_cast<double>(camera.audio.back().pts) / 48'000, 3601, 0.1) << "sound goes along";
}

TEST(SyntheticCamera, a_stream_begins_at_zero_when_its_thread_does) {
    Camera camera{"test:?size=256x144&fps=25&preset=ultrafast&audio=none"};
    camera.look(300ms);
    ASSERT_EQ(camera.video.size(), 1U);
    EXPECT_EQ(camera.video[0].pts, 0);
    EXPECT_EQ(camera.video[0].capture.utc.microseconds, utc_at_start.microseconds + 300'000);
    EXPECT_EQ(camera.source->counters().late, 0U);
}

TEST(SyntheticCamera, row_4_19_pictures_wait_for_their_encoder_in_a_bounded_queue_and_none_is_lost) {
    Camera camera{"test:?size=256x144&fps=25&preset=ultrafast"};
    camera.look(0ms);
    camera.look(1900ms);   // all at once: faster than any encoder
    const Counters counters = camera.source->counters();
    EXPECT_EQ(camera.video.size(), 48U);
    EXPECT_EQ(counters.captured, 48U);
    EXPECT_EQ(counters.encoded, 48U);
    EXPECT_EQ(counters.dropped_slow, 0U);
    EXPECT_EQ(counters.pictures_waiting, 0U);
}

}   // namespace millrace::capture
