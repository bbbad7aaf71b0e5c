#include "hub/segmenter.hpp"

#include "base/random.hpp"
#include "hub/cutter.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

namespace millrace::hub {
namespace {

using media::AccessUnit;
using media::AccessUnitRef;
using media::ConfigRef;
using media::SegmentUnits;

ConfigRef new_video() {
    return std::make_shared<const media::TrackConfig>(media::TrackConfig{.timescale = 90'000});
}
ConfigRef new_audio() {
    return std::make_shared<const media::TrackConfig>(
        media::TrackConfig{.codec = media::Codec::aac, .timescale = 1000});
}

/// Units on their way through a cutter into a segmenter.
class Path {
public:
    explicit Path(Duration segment = 2s) : cutter{segment} { cutter.open_run(100); }

    void video(std::int64_t ms, bool key, std::int64_t composition_ms = 0) {
        add({.track = 0,
             .config = video_config,
             .dts = ms * 90,
             .pts = (ms + composition_ms) * 90,
             .key = key});
    }
    void audio(std::int64_t ms, bool discontinuity = false) {
        add({.track = 1,
             .config = audio_config,
             .dts = ms,
             .pts = ms,
             .duration = 20,
             .key = true,
             .discontinuity = discontinuity});
    }
    void add(AccessUnit unit) {
        unit.cut = cutter.consider(unit, media::Kind::video);
        entered.push_back(std::make_shared<const AccessUnit>(std::move(unit)));
        segmenter.take(entered.back(), true);
        while (auto made = segmenter.next()) {
            segments.push_back(std::move(*made));
        }
    }
    void end() {
        segmenter.end();
        while (auto made = segmenter.next()) {
            segments.push_back(std::move(*made));
        }
    }
    /// "v 0-1960 a 0-1980 | …": of each segment the first and last dts of each track, and where it ends.
    std::string text() const {
        std::string text;
        for (const SegmentUnits& segment : segments) {
            text += text.empty() ? "" : " | ";
            std::string separator;
            for (const media::SegmentTrack& track : segment.tracks) {
                const std::int64_t scale = track.track.config->timescale;
                text += fmt::format("{}{} {}-{}>{}", separator, track.track.id == 0 ? "v" : "a",
                                    track.units.front()->dts_ms(), track.units.back()->dts_ms(),
                                    media::rescale(track.end, scale, 1000));
                separator = " ";
            }
        }
        return text;
    }

    Cutter cutter;
    Segmenter segmenter{"run"};
    ConfigRef video_config = new_video();
    ConfigRef audio_config = new_audio();
    std::vector<AccessUnitRef> entered;
    std::vector<SegmentUnits> segments;
};

TEST(Segmenter, gives_pictures_to_their_cut_and_audio_to_its_time) {
    Path path;
    for (std::int64_t ms = 0; ms < 4200; ms += 20) {
        if (ms % 40 == 0) {
            path.video(ms, ms % 1000 == 0);
        }
        path.audio(ms);
    }
    EXPECT_EQ(path.text(), "v 0-1960>2000 a 0-1980>2000 | v 2000-3960>4000 a 2000-3980>4000");
    EXPECT_TRUE(path.segments.at(0).first);
    EXPECT_FALSE(path.segments.at(1).first);
    EXPECT_EQ(path.segments.at(1).cut.number, 101U);
    path.end();
    EXPECT_EQ(path.segments.size(), 3U) << "and what there is when nothing follows";
}

TEST(Segmenter, waits_for_audio_that_lags_and_splits_audio_that_is_ahead) {
    for (const std::int64_t lag : {500, -500}) {
        Path path;
        for (std::int64_t ms = 0; ms < 7000; ms += 20) {
            if (ms % 40 == 0) {
                path.video(ms, ms % 2000 == 0);
            }
            if (ms >= lag) {
                path.audio(ms - lag);
            }
        }
        const std::string from = lag < 0 ? "500" : "0";
        EXPECT_EQ(path.text(), "v 0-1960>2000 a " + from +
                                   "-1980>2000 | v 2000-3960>4000 a 2000-3980>4000 | "
                                   "v 4000-5960>6000 a 4000-5980>6000");
    }
}

TEST(Segmenter, a_track_that_stops_holds_a_segment_for_a_second_of_run_time) {
    Path path;
    for (std::int64_t ms = 0; ms < 3000; ms += 40) {
        path.video(ms, ms % 2000 == 0);
        if (ms < 1000) {
            path.audio(ms);
        }
    }
    EXPECT_TRUE(path.segments.empty());
    path.video(3000, false);
    EXPECT_EQ(path.text(), "v 0-1960>2000 a 0-960>980");
    path.audio(1000);
    path.audio(1020);
    path.video(4000, true);
    path.audio(4000);
    path.audio(4020);
    path.video(4040, false);
    EXPECT_EQ(path.segments.at(1).tracks.at(1).units.size(), 2U) << "what comes late goes to the next";
}

TEST(Segmenter, pictures_that_are_shown_in_another_order_stay_with_their_cut) {
    Path path;
    for (int i = 0; i < 102; ++i) {
        path.video(i * 40, i % 50 == 0, i % 3 == 0 ? 120 : 40);
    }
    ASSERT_EQ(path.segments.size(), 2U);
    EXPECT_EQ(path.segments.at(0).tracks.at(0).units.size(), 50U);
    EXPECT_EQ(path.segments.at(1).tracks.at(0).units.front()->dts_ms(), 2000);
}

TEST(Segmenter, case_F20_audio_between_its_change_and_the_cut_goes_behind_the_cut) {
    Path path;
    for (std::int64_t ms = 0; ms <= 1000; ms += 20) {
        if (ms % 40 == 0) {
            path.video(ms, ms == 0);
        }
        path.audio(ms);
    }
    path.audio_config = new_audio();
    path.audio(1020);
    path.audio(1030);
    path.video(1040, false);
    path.audio(1050);
    path.end();
    EXPECT_EQ(path.text(), "v 0-1000>1040 a 0-1000>1020 | v 1040-1040>1080 a 1020-1050>1070");
    EXPECT_EQ(path.segments.at(1).tracks.at(1).track.config, path.audio_config);
}

TEST(Segmenter, a_hole_at_a_discontinuity_lengthens_nothing) {
    Path path;
    for (std::int64_t ms = 0; ms < 1000; ms += 20) {
        if (ms % 40 == 0) {
            path.video(ms, ms == 0);
        }
        path.audio(ms);
    }
    path.cutter.change_publisher();
    path.video_config = new_video();
    path.audio_config = new_audio();
    path.audio(7990, true);
    path.video(8000, true);
    path.audio(8010);
    path.end();
    EXPECT_EQ(path.text(), "v 0-960>1000 a 0-980>1000 | v 8000-8000>8040 a 7990-8010>8030");
}

TEST(Segmenter, started_with_the_cut_under_way_it_makes_the_same_segments_as_one_that_always_ran) {
    Path path;
    for (std::int64_t ms = 0; ms < 9000; ms += 20) {
        if (ms % 40 == 0) {
            path.video(ms, ms % 2000 == 0);
        }
        path.audio(ms + (ms % 200 < 100 ? 60 : 0));
    }
    path.end();
    Segmenter later{"run"};
    std::size_t from = 0;
    while (path.entered[from]->cut == nullptr || path.entered[from]->cut->number != 102) {
        ++from;
    }
    for (std::size_t i = from - 20; i < path.entered.size(); ++i) {
        later.take(path.entered[i], true);
    }
    later.end();
    for (std::size_t i = 2; i < path.segments.size(); ++i) {
        const std::optional<SegmentUnits> made = later.next();
        ASSERT_TRUE(made);
        ASSERT_EQ(made->tracks.size(), 2U);
        for (std::size_t track = 0; track < 2; ++track) {
            EXPECT_EQ(made->tracks[track].units, path.segments[i].tracks[track].units);
            EXPECT_EQ(made->tracks[track].end, path.segments[i].tracks[track].end);
        }
    }
}

TEST(Segmenter, case_F18_a_publisher_that_had_time_for_sound_alone_leaves_a_discontinuity_of_its_own) {
    Path path{1s};
    const auto show = [&](std::int64_t from, std::int64_t to, bool pictures) {
        path.video_config = new_video();
        path.audio_config = new_audio();
        for (std::int64_t ms = from; ms < to; ms += 20) {
            if (pictures && ms % 40 == 0) {
                path.video(ms, ms == from);
            }
            path.audio(ms, ms == from);
        }
        path.cutter.change_publisher();
    };
    show(0, 800, true);
    show(1000, 1200, false);
    show(1400, 2000, true);
    path.end();
    EXPECT_EQ(
        path.text(),
        "v 0-760>800 a 0-780>800 | v 1400-1400>1440 a 1000-1180>1200 | v 1440-1960>2000 a 1400-1980>2000");
    EXPECT_TRUE(path.segments.at(1).cut.discontinuity);
    EXPECT_TRUE(path.segments.at(2).cut.discontinuity);
}

/// A publisher that does everything a publisher may do, in an order drawn from a seed. `restarts`: how many
/// of a thousand pictures it does not live beyond.
class Wild {
public:
    Wild(Path& path, Random& random, std::uint32_t restarts)
        : path_{path}, random_{random}, restarts_{restarts} {}

    void step() {
        now_ += 40;
        if (random_.next_u32() % 1000 < restarts_) {
            jump();
        }
        const std::uint32_t dice = random_.next_u32() % 1000;
        if (dice < 4) {
            path_.video_config = new_video();
            since_key_ = 1000;
        } else if (dice < 8) {
            path_.audio_config = new_audio();
        } else if (dice < 12) {
            audio_on_ = !audio_on_;
        } else if (dice < 14) {
            gop_ = 10 + random_.next_u32() % 200;
        } else if (dice < 16) {
            lag_ = static_cast<std::int64_t>(random_.next_u32() % 1200) - 600;
        } else if (dice < 18) {
            video_on_ = !video_on_;
        }
        if (waits_for_key_ > 0) {
            --waits_for_key_;
        } else if (video_on_) {
            const bool key = ++since_key_ >= gop_;
            since_key_ = key ? 0 : since_key_;
            path_.video(now_, key, static_cast<std::int64_t>(random_.next_u32() % 3) * 40);
        }
        while (audio_on_ && audio_at_ + 20 <= now_ - lag_) {
            audio_at_ += 20;
            path_.audio(audio_at_, std::exchange(audio_jumped_, false));
        }
        if (!audio_on_ && now_ - lag_ > audio_at_) {
            audio_at_ = now_ - lag_;
            audio_jumped_ = true;
        }
    }

    /// Last pictures: what broke off before them has its cuts.
    void finish() {
        for (int i = 0; i < 100; ++i) {
            now_ += 40;
            path_.video(now_, true);
        }
    }

private:
    void jump() {
        path_.cutter.change_publisher();
        path_.video_config = new_video();
        path_.audio_config = new_audio();
        // The timeline lets a newcomer begin behind all that was there.
        now_ = std::max(now_, audio_at_) + random_.next_u32() % 9000;
        audio_at_ = std::max(audio_at_, now_ - 60);
        audio_jumped_ = true;
        lag_ = 0;
        since_key_ = 1000;
        video_on_ = true;
        waits_for_key_ = random_.next_u32() % 3 == 0 ? random_.next_u32() % 50 : 0;
    }
    Path& path_;
    Random& random_;
    std::uint32_t restarts_;
    std::int64_t now_ = 0;
    std::int64_t audio_at_ = -20;
    std::int64_t lag_ = 0;
    std::uint32_t since_key_ = 1000;
    std::uint32_t gop_ = 50;
    std::uint32_t waits_for_key_ = 0;   // pictures that the hub leaves out
    bool audio_on_ = true;
    bool audio_jumped_ = false;
    bool video_on_ = true;
};

using Dealt = std::map<media::TrackId, std::vector<AccessUnitRef>>;

/// What lies in segments of one configuration a track, in a row, and none longer than the target. Where a
/// track's configuration is another than in its segment before, a discontinuity is said.
Dealt dealt_out(const Path& path, std::string& wrong) {
    struct Before {
        ConfigRef config;
        std::uint64_t discontinuities = 0;
    };
    Dealt dealt;
    std::map<media::TrackId, Before> before;
    std::uint64_t number = 100;
    for (const SegmentUnits& segment : path.segments) {
        wrong += segment.cut.number == number++ ? "" : "a number is missing; ";
        for (const media::SegmentTrack& track : segment.tracks) {
            const double seconds =
                static_cast<double>(track.duration()) / static_cast<double>(track.track.config->timescale);
            // Audio that breaks off while pictures lag or stay away may wait longer for its cut.
            const bool video = track.track.id == 0;
            if (seconds <= 0 || (video && std::lround(seconds) > path.cutter.target_duration())) {
                wrong += fmt::format("{} lasts {} s; ", track.track.id == 0 ? "video" : "audio", seconds);
            }
            Before& last = before[track.track.id];
            if (last.config != nullptr && last.config != track.track.config &&
                last.discontinuities == segment.cut.discontinuity_sequence) {
                wrong +=
                    fmt::format("{}: {} changes unsaid; ", segment.cut.number, video ? "video" : "audio");
            }
            last = {track.track.config, segment.cut.discontinuity_sequence};
            for (const AccessUnitRef& unit : track.units) {
                wrong += unit->config == track.track.config ? "" : "two configurations; ";
                dealt[unit->track].push_back(unit);
            }
        }
    }
    return dealt;
}

/// Each unit once and in order.
std::string unsound(const Path& path) {
    std::string wrong;
    Dealt dealt = dealt_out(path, wrong);
    Dealt entered;
    for (const AccessUnitRef& unit : path.entered) {
        const bool begun = !entered.empty() || unit->cut != nullptr;
        if (begun && (unit->track == 0 || unit->pts >= path.segments.front().cut.time / 90)) {
            entered[unit->track].push_back(unit);
        }
    }
    for (const auto& [track, units] : entered) {
        std::vector<AccessUnitRef>& got = dealt[track];
        // Audio that ran ahead of the first cut and belongs behind it comes on top.
        if (got.size() < units.size() ||
            !std::equal(units.begin(), units.end(), got.end() - static_cast<std::ptrdiff_t>(units.size()))) {
            wrong += fmt::format("track {}: {} of {} units; ", track, got.size(), units.size());
        }
    }
    return wrong;
}

/// What was wrong with the segments of a wild publisher's stream.
std::string of_wild(std::uint64_t seed, Duration segment, std::uint32_t restarts) {
    SeededRandom random{seed};
    Path path{segment};
    Wild publisher{path, random, restarts};
    for (int i = 0; i < 1500; ++i) {
        publisher.step();
    }
    publisher.finish();
    path.cutter.close();
    path.end();
    return unsound(path);
}

TEST(Segmenter, every_unit_after_the_first_cut_is_in_one_segment_of_its_track_in_order) {
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        ASSERT_EQ(of_wild(seed, 2s, 2), "") << "seed " << seed;
    }
}

TEST(Segmenter, case_F18_publishers_that_live_a_second_leave_a_discontinuity_at_each_change) {
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        ASSERT_EQ(of_wild(seed, 1s, 40), "") << "seed " << seed;
    }
}

TEST(Segmenter, pictures_that_stay_away_while_sound_goes_on_lengthen_no_segment_over_the_target) {
    EXPECT_EQ(of_wild(1'239, 2s, 2), "") << "one picture, and a hole before the target is fixed";
    EXPECT_EQ(of_wild(2'827, 1s, 40), "") << "a hole, one picture, and another publisher";
    Path path{1s};
    for (std::int64_t ms = 0; ms < 1'400; ms += 20) {
        if (ms < 80 || ms == 1'320) {
            path.video(ms, ms == 0);
        }
        path.audio(ms);
    }
    path.cutter.change_publisher();
    path.video_config = new_video();
    path.video(5'000, true);
    path.end();
    EXPECT_EQ(path.text(), "v 0-1320>2320 a 0-1380>1400 | v 5000-5000>5020");
}

TEST(Segmenter, sound_of_a_publisher_that_had_no_picture_is_left_out_of_the_first_segment) {
    EXPECT_EQ(of_wild(1'627, 2s, 2), "");
    Path path{1s};
    path.audio(0);
    path.audio_config = new_audio();
    path.audio(20);
    path.cutter.change_publisher();
    path.video(4'000, true);
    path.audio_config = new_audio();
    path.audio(3'980);
    path.audio(4'000);
    path.end();
    EXPECT_EQ(path.text(), "v 4000-4000>4040 a 4000-4000>4020");
}

}   // namespace
}   // namespace millrace::hub
