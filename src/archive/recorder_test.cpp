#include "archive/keeper.hpp"

#include "archive/files_for_tests.hpp"
#include "archive/units_for_tests.hpp"
#include "base/virtual_background.hpp"
#include "container/mp4_event.hpp"

namespace millrace::archive {
namespace {

/// A disk whose works wait while it stalls.
class StallingDisk final : public Background {
public:
    explicit StallingDisk(Background& disk) : disk_{disk} {}
    bool run(std::move_only_function<void()> work) override {
        if (!stalled) {
            return disk_.run(std::move(work));
        }
        waiting_.push_back(std::move(work));
        return true;
    }
    void go_on() {
        stalled = false;
        for (auto& work : std::exchange(waiting_, {})) {
            EXPECT_TRUE(disk_.run(std::move(work)));
        }
    }
    bool stalled = false;

private:
    Background& disk_;
    std::vector<std::move_only_function<void()>> waiting_;
};

/// A stream with a camera, its recording, and a disk that may stall.
class RecorderTest : public testing::Test {
protected:
    RecorderTest() { keeper_.open(); }
    ~RecorderTest() override {
        recording_.reset();
        time_.settle();
    }

    void begin(hub::RecordingWish wish = {.now = true}) {
        tracks_ = {camera_.video, camera_.audio};
        recording_ = keeper_.begin({.stream = "live/cam",
                                    .run = "1800000000-00000001",
                                    .feed = feed_,
                                    .tracks = tracks_,
                                    .home = home_,
                                    .wish = wish});
    }
    /// So many pictures, one each 40 ms.
    void play(int pictures) {
        for (; pictures > 0; --pictures) {
            for (const media::AccessUnitRef& unit : camera_.next({time_.utc().microseconds + wall_jump_})) {
                tracks_[unit->track].config = unit->config;
                feed_.append(unit, unit->payload.size(), unit->key && unit->track == 0, time_.now());
                ++units_;
            }
            recording_->pump(time_.now());
            feed_.trim(time_.now());
            time_.run_for(40ms);
        }
    }
    Listing listing() {
        Answer<Listing> answer{home_};
        keeper_.list("live/cam", {{0}, {INT64_MAX / 2}}, answer.reply());
        time_.settle();
        Listing found;
        const auto take = [](Answer<Listing>& from, Listing& into, Executor& home) -> Task<> {
            Result<Listing> got = co_await from.within(home.now() + 1s);
            EXPECT_TRUE(got);
            into = got.value_or(Listing{});
        };
        home_.tasks().spawn(take(answer, found, home_));
        time_.settle();
        return found;
    }
    /// All units that can be read back.
    std::vector<media::AccessUnit> played(const Listing& listing) {
        std::vector<media::AccessUnit> units;
        for (const FoundFragment& one : listing.fragments) {
            const auto file = open_file(folder_, one.file);
            const auto found = scan(*file, one.file, Depth::bodies);
            EXPECT_TRUE(found);
            std::vector<std::byte> movie(found->init_size);
            EXPECT_TRUE(file->read(found->init_offset, movie));
            const auto bytes = read_fragment(*file, one.file, one.fragment);
            EXPECT_TRUE(bytes);
            movie.insert(movie.end(), bytes->begin(), bytes->end());
            const mp4::samples::Read read = mp4::samples::read_file(movie);
            EXPECT_EQ(read.error, "");
            units.insert(units.end(), read.units.begin(), read.units.end());
        }
        return units;
    }
    static std::string said(int picture) { return fmt::format(R"({{"n":{}}})", picture); }
    void say(int picture) {
        recording_->say({.body = Bytes::copy(said(picture)),
                         .capture = {1'800'000'000'000'000 + picture},
                         .pts = picture * 3600});
    }
    /// What stands in fragments as they are read in that form.
    std::vector<media::TimedMessage> results_of(const Listing& listing, Form form) {
        std::vector<media::TimedMessage> results;
        for (const FoundFragment& one : listing.fragments) {
            const auto file = open_file(folder_, one.file);
            const auto bytes = read_fragment(*file, one.file, one.fragment, form);
            EXPECT_TRUE(bytes);
            const auto read = mp4::read_events(bytes.value_or(Bytes{}));
            EXPECT_TRUE(read);
            std::ranges::copy(*read, std::back_inserter(results));
        }
        return results;
    }
    /// Likewise, all that is written of a file so far.
    std::vector<media::AccessUnit> played_of_file(std::uint64_t id) {
        const mp4::samples::Read read = mp4::samples::read_file(folder_.bytes(file_name(id)));
        EXPECT_EQ(read.error, "");
        return read.units;
    }
    std::string causes(const Listing& listing) {
        std::string text;
        for (const Gap& gap : listing.gaps) {
            text += (text.empty() ? "" : ", ") + gap.cause;
        }
        return text;
    }

    VirtualTime time_;
    VirtualExecutor& home_ = time_.add_executor();
    VirtualExecutor& disk_thread_ = time_.add_executor();
    VirtualFolder folder_;
    SeededRandom random_{1};
    VirtualBackground works_{disk_thread_, 1024};
    StallingDisk disk_{works_};
    Keeper keeper_{disk_, {.folder = folder_, .random = random_, .clock = time_}};
    hub::MediaFeed feed_;
    TestCamera camera_;
    std::vector<media::Track> tracks_;
    std::unique_ptr<hub::Recording> recording_;
    std::size_t units_ = 0;
    std::int64_t wall_jump_ = 0;
};

TEST_F(RecorderTest, records_every_unit_once_and_in_order) {
    begin();
    play(130);
    EXPECT_TRUE(recording_->report().under_way);
    recording_->pause("publisher gone");
    const Listing found = listing();
    EXPECT_EQ(found.fragments.size(), 6U);
    const std::vector<media::AccessUnit> units = played(found);
    EXPECT_EQ(units.size(), units_);
    std::map<media::TrackId, std::int64_t> newest;
    for (const media::AccessUnit& unit : units) {
        EXPECT_TRUE(!newest.contains(unit.track) || unit.dts > newest[unit.track]);
        newest[unit.track] = unit.dts;
    }
    EXPECT_EQ(causes(found), "");
    EXPECT_GT(recording_->report().bytes, 0U);
    EXPECT_FALSE(recording_->report().under_way);
}

TEST_F(RecorderTest, row_0_28_what_is_said_of_pictures_is_recorded_beside_them_and_changes_none) {
    begin();
    constexpr int pictures = 130;
    for (int picture = 0; picture < pictures; ++picture) {
        play(1);
        say(picture);
    }
    recording_->pause("publisher gone");
    const Listing found = listing();
    ASSERT_EQ(found.fragments.size(), 6U);
    EXPECT_EQ(played(found).size(), units_) << "a player reads the same units";
    const std::vector<media::TimedMessage> results = results_of(found, Form::results);
    ASSERT_EQ(results.size(), pictures);
    for (int picture = 0; picture < pictures; ++picture) {
        const media::TimedMessage& one = results[static_cast<std::size_t>(picture)];
        EXPECT_EQ(as_text(one.body), said(picture));
        EXPECT_EQ(one.pts, picture * 3600);
        EXPECT_EQ(one.capture.microseconds, 1'800'000'000'000'000 + picture);
    }
    EXPECT_EQ(results_of(found, Form::chunks).size(), results.size())
        << "players of the chunks get them, too";
    for (const FoundFragment& one : found.fragments) {
        const auto file = open_file(folder_, one.file);
        const auto heads = read_fragment(*file, one.file, one.fragment, Form::heads);
        const auto records = read_fragment(*file, one.file, one.fragment, Form::records);
        ASSERT_TRUE(heads && records);
        const std::vector<std::byte> whole{records->begin(), records->end()};
        const auto said = read_fragment(*file, one.file, one.fragment, Form::results);
        ASSERT_TRUE(said);
        EXPECT_EQ(unpack_fragment(whole, one.file, Form::heads).value_or(Bytes{}), *heads);
        EXPECT_EQ(unpack_fragment(whole, one.file, Form::results).value_or(Bytes{}), *said);
    }
}

TEST_F(RecorderTest, f14_results_that_were_acknowledged_are_there_after_a_crash) {
    begin();
    for (int picture = 0; picture < 60; ++picture) {
        play(1);
        say(picture);
    }
    time_.run_for(1s);
    keeper_.tend();
    time_.settle();
    const auto file = open_file(folder_, 1);
    ASSERT_TRUE(recover(*file, 1, "crash"));   // as kill -9 leaves it
    const auto found = scan(*file, 1, Depth::bodies);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->damaged, 0U);
    std::size_t results = 0;
    for (const Fragment& one : found->fragments) {
        const auto bytes = read_fragment(*file, 1, one, Form::results);
        ASSERT_TRUE(bytes);
        results += mp4::read_events(*bytes)->size();
    }
    EXPECT_GE(results, 45U);
}

TEST_F(RecorderTest, results_wait_for_a_stalled_disk_within_bounds_and_are_not_kept_beyond) {
    begin();
    play(30);
    const std::string large = R"({"a":")" + std::string(16'000, 'x') + R"("})";
    for (int times = 0; times < 200; ++times) {
        recording_->say({.body = Bytes::copy(large), .capture = {1}, .pts = 1});
    }
    play(30);
    recording_->pause("publisher gone");
    const std::size_t kept = results_of(listing(), Form::results).size();
    EXPECT_GT(kept, 50U);
    EXPECT_LE(kept, Recorder::results_size_max / large.size());
}

TEST_F(RecorderTest, keeps_sound_that_came_before_its_picture) {
    std::vector<media::AccessUnitRef> units = camera_.next(time_.utc());
    std::ranges::rotate(units, units.begin() + 1);
    for (const media::AccessUnitRef& unit : units) {
        feed_.append(unit, unit->payload.size(), unit->key && unit->track == 0, time_.now());
        ++units_;
        if (unit->cut != nullptr) {
            feed_.keep_from(0);
        }
    }
    begin();
    play(30);
    recording_->pause("publisher gone");
    EXPECT_EQ(played(listing()).size(), units_);
}

TEST_F(RecorderTest, begins_so_long_before_the_command_with_a_key_frame_and_loses_nothing_from_there) {
    constexpr Duration before = 10s;
    begin({.now = false, .before = before});
    play(24 * 25);
    const hub::RecordingReport waits = recording_->report();
    EXPECT_FALSE(waits.on);
    EXPECT_FALSE(waits.under_way);
    EXPECT_GE(waits.held, before + 1s);
    EXPECT_LE(waits.held, before + 5s) << "a segment and what comes ahead of it";
    EXPECT_GT(waits.held_bytes, 0U);
    EXPECT_TRUE(listing().fragments.empty());
    const WallTime command = time_.utc();
    recording_->wish({.now = true, .before = before});
    play(3 * 25);
    EXPECT_TRUE(recording_->report().under_way);
    EXPECT_EQ(recording_->report().held_bytes, 0U);
    recording_->wish({.now = false, .before = before});
    const Listing found = listing();
    ASSERT_FALSE(found.fragments.empty());
    const auto ahead =
        std::chrono::microseconds{command.microseconds - found.fragments.front().fragment.utc.microseconds};
    EXPECT_GE(ahead, before);
    EXPECT_LE(ahead, before + 3s);
    EXPECT_TRUE(found.fragments.front().fragment.key);
    const std::vector<media::AccessUnit> units = played(found);
    std::map<media::TrackId, std::int64_t> next;
    std::map<media::TrackId, std::size_t> count;
    for (const media::AccessUnit& unit : units) {
        const std::int64_t step = unit.track == 0 ? 3600 : 1024;
        EXPECT_TRUE(!next.contains(unit.track) || unit.dts == next[unit.track]) << unit.dts;
        next[unit.track] = unit.dts + step;
        ++count[unit.track];
    }
    EXPECT_EQ(next[0], 27 * 25 * 3600) << "up to the command that ended it";
    EXPECT_NEAR(static_cast<double>(count[1]) * 1024 / 44'100, static_cast<double>(count[0]) / 25, 0.1);
    // It waits again, and the next command finds what came since, from the first key frame on.
    play(2 * 25);
    recording_->wish({.now = true, .before = before});
    play(25);
    recording_->pause("publisher gone");
    const Listing both = listing();
    EXPECT_EQ(causes(both), "") << "it was ended just in front of a key frame";
    EXPECT_GT(both.fragments.back().file, found.fragments.back().file);
    EXPECT_EQ(both.fragments.size(), found.fragments.size() + 3);
}

TEST_F(RecorderTest, bounds_what_waits_for_a_command_by_bytes) {
    begin({.now = false, .before = 20s});
    camera_.picture_size = 200'000;
    play(25 * 25);
    const hub::RecordingReport waits = recording_->report();
    EXPECT_LE(waits.held_bytes, std::size_t{65} << 20U);
    EXPECT_GE(waits.held_bytes, std::size_t{60} << 20U);
    EXPECT_LE(feed_.bytes(), std::size_t{65} << 20U);
    recording_->wish({.now = true, .before = 20s});
    play(5 * 25);
    recording_->pause("publisher gone");
    const Listing found = listing();
    ASSERT_FALSE(found.fragments.empty());
    EXPECT_TRUE(found.fragments.front().fragment.key);
    EXPECT_EQ(recording_->report().lost, 0U);
    EXPECT_EQ(causes(found), "");
}

TEST_F(RecorderTest, names_the_gap_of_a_publisher_that_went_and_came_back) {
    begin();
    play(60);
    recording_->pause("publisher gone");
    time_.run_for(20s);
    camera_ = TestCamera{};
    recording_.reset();
    feed_.clear();
    begin();
    play(60);
    recording_->pause("publisher gone");
    const Listing found = listing();
    EXPECT_EQ(causes(found), "publisher gone");
    EXPECT_EQ(played(found).size(), units_);
    ASSERT_EQ(found.gaps.size(), 1U);
    EXPECT_NEAR(static_cast<double>(found.gaps[0].end.microseconds - found.gaps[0].begin.microseconds), 20e6,
                1e5);
}

TEST_F(RecorderTest, f2_holds_no_sound_back_when_a_publisher_comes_back_with_the_same_coding) {
    begin();
    play(75);
    // Another publisher says the same, its pictures first.
    camera_.video.config = std::make_shared<const media::TrackConfig>(*camera_.video.config);
    camera_.audio.config = std::make_shared<const media::TrackConfig>(*camera_.audio.config);
    play(20);
    time_.run_for(1s);
    const auto sounds = [&](std::int64_t from_ms) {
        std::uint64_t count = 0;
        for (const media::AccessUnit& unit : played_of_file(1)) {
            count += unit.kind() == media::Kind::audio && unit.dts_ms() >= from_ms ? 1 : 0;
        }
        return count;
    };
    EXPECT_GE(sounds(75 * 40), 20U * 40 * 44 / 1024 - 10) << "but for a chunk under way";
    EXPECT_FALSE(folder_.has(file_name(2)));
}

TEST_F(RecorderTest, case_f9_loses_nothing_while_a_disk_stalls_for_five_seconds) {
    begin();
    play(30);
    disk_.stalled = true;
    play(125);
    disk_.go_on();
    play(30);
    recording_->pause("publisher gone");
    EXPECT_EQ(played(listing()).size(), units_);
    EXPECT_EQ(recording_->report().lost, 0U);
}

TEST_F(RecorderTest, case_f9_names_the_gap_of_a_disk_that_stalls_for_longer) {
    begin();
    play(30);
    camera_.picture_size = 20'000;
    disk_.stalled = true;
    play(50 * 25);
    disk_.go_on();
    play(60);
    recording_->pause("publisher gone");
    const Listing found = listing();
    EXPECT_EQ(causes(found), "disk too slow");
    EXPECT_GT(recording_->report().lost, 0U);
    EXPECT_LT(played(found).size(), units_);
}

TEST_F(RecorderTest, case_f20_begins_a_new_file_where_the_coding_changes_and_loses_no_unit) {
    begin();
    play(60);
    media::TrackConfig another = *camera_.video.config;
    another.extra = Bytes::copy("another");
    camera_.video = {.id = 0,
                     .kind = media::Kind::video,
                     .config = std::make_shared<const media::TrackConfig>(std::move(another))};
    play(65);
    recording_->pause("publisher gone");
    const Listing found = listing();
    EXPECT_GT(found.fragments.back().file, found.fragments.front().file);
    EXPECT_EQ(causes(found), "");
}

TEST_F(RecorderTest, case_96_f10_keeps_the_order_when_the_wall_clock_is_set) {
    constexpr std::int64_t second = 1'000'000;
    constexpr std::int64_t hour = 3600 * second;
    const std::int64_t to_1970 = second - time_.utc().microseconds;
    begin();
    for (const std::int64_t jump :
         {0L, hour, -hour, 87'600 * hour, to_1970, 0L, -second}) {   // a leap second
        wall_jump_ = jump;
        play(50);
    }
    recording_->pause("publisher gone");
    const Listing found = listing();
    EXPECT_EQ(played(found).size(), units_);
    for (std::size_t at = 1; at < found.fragments.size(); ++at) {
        const Fragment& before = found.fragments[at - 1].fragment;
        EXPECT_NEAR(static_cast<double>(found.fragments[at].fragment.utc.microseconds),
                    static_cast<double>(before.utc.microseconds + before.duration_us), 20e3);
    }
}

TEST_F(RecorderTest, case_f5_goes_on_after_a_full_disk_with_the_next_segment) {
    begin();
    play(60);
    folder_.limits.size_max = folder_.used();
    play(60);
    EXPECT_FALSE(recording_->report().under_way);
    EXPECT_EQ(recording_->report().trouble, "disk full");
    folder_.limits.size_max = UINT64_MAX;
    play(120);
    EXPECT_TRUE(recording_->report().under_way);
    EXPECT_EQ(recording_->report().trouble, "");
    recording_->pause("publisher gone");
    EXPECT_EQ(causes(listing()), "disk full");
}

}   // namespace
}   // namespace millrace::archive
