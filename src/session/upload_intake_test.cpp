#include "session/upload_intake.hpp"

#include "session/pulls_for_tests.hpp"

namespace millrace::session {
namespace {

/// How a piece was answered, once it was.
using Answered = std::shared_ptr<std::optional<Result<bool>>>;

/// A desk that takes uploads of the stream live/cam.
class Uploading : public testing::Test {
protected:
    ~Uploading() override { world_.time.stop(); }

    static UploadPiece piece(UploadForm form, std::uint64_t file, std::vector<std::byte> bytes) {
        return {.stream = "live/cam",
                .peer = {"192.0.2.7", 40'000},
                .who = {},
                .form = form,
                .file = file,
                .bytes = Bytes{std::move(bytes)},
                .begins = true,
                .ends = true};
    }
    /// The first `size` bytes of a file, and the rest of them.
    static std::pair<UploadPiece, UploadPiece> halves(UploadPiece whole, std::size_t size) {
        const ByteSpan bytes = whole.bytes.span();
        UploadPiece first = whole;
        first.bytes = Bytes{std::vector<std::byte>{bytes.begin(), bytes.begin() + std::ptrdiff_t(size)}};
        first.ends = false;
        UploadPiece rest = std::move(whole);
        rest.bytes = Bytes{std::vector<std::byte>{bytes.begin() + std::ptrdiff_t(size), bytes.end()}};
        rest.begins = false;
        return {std::move(first), std::move(rest)};
    }
    /// So many milliseconds of film as a segment; the file's number is that of its begin.
    static UploadPiece segment(std::int64_t start_ms, std::int64_t length_ms) {
        return piece(UploadForm::ts, static_cast<std::uint64_t>(start_ms) + 1,
                     toys::ts_film(start_ms, length_ms));
    }
    static UploadPiece list(std::string_view text) {
        const ByteSpan bytes = as_bytes(text);
        return piece(UploadForm::list, 7'777'777, {bytes.begin(), bytes.end()});
    }
    static UploadPiece last_list() { return list("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-ENDLIST\n"); }

    Answered put(UploadPiece piece) {
        auto answered = std::make_shared<std::optional<Result<bool>>>();
        executor_.run([&] { executor_.tasks().spawn(ask(*this, std::move(piece), answered)); });
        world_.time.settle();
        return answered;
    }
    void pass(Duration span) { world_.time.run_for(span); }
    std::string state() {
        const std::vector<hub::StreamReport> reports = world_.reports();
        return reports.empty() ? "none" : std::string{name(reports.front().state)};
    }
    hub::StreamReport report() { return world_.reports().at(0); }
    std::uint64_t pictures() { return toys::units_of(report(), media::Kind::video); }

    hub::toys::World world_;
    VirtualExecutor& executor_ = world_.time.add_executor();
    toys::AnyoneMay admission_;
    SeededRandom random_{3};
    Desk desk_{executor_, world_.directory, admission_, random_};
    UploadDesk uploads_{desk_};

private:
    static Task<> ask(Uploading& self, UploadPiece piece, Answered answered) {
        Answer<bool> answer{self.executor_};
        self.uploads_.take(std::move(piece), answer.reply());
        *answered = co_await answer.within(Instant::never());
    }
};

bool is_fine(const Answered& answered) {
    return answered->has_value() && answered->value().has_value();
}
std::optional<Errc> error_of(const Answered& answered) {
    const bool failed = answered->has_value() && !answered->value().has_value();
    return failed ? std::optional{answered->value().error().code} : std::nullopt;
}

TEST_F(Uploading, segments_leave_at_their_own_pace_as_one_stream) {
    EXPECT_TRUE(is_fine(put(segment(0, 2000))));
    EXPECT_EQ(state(), "live");
    EXPECT_EQ(report().publisher->protocol, "upload");
    EXPECT_LE(pictures(), 5U) << "not the whole segment at once";
    pass(2s);
    EXPECT_TRUE(is_fine(put(segment(2000, 2000))));
    pass(2s + 100ms);
    EXPECT_EQ(pictures(), 100U);
    EXPECT_EQ(report().jumps, 0U);
    EXPECT_EQ(report().units_unusable, 0U);
}

TEST_F(Uploading, a_file_that_begins_before_the_end_of_the_one_before_waits_for_it) {
    auto [first, rest] = halves(segment(0, 2000), 188 * 20);
    EXPECT_TRUE(is_fine(put(std::move(first))));
    const Answered overtaking = put(segment(2000, 2000));
    pass(1s);
    EXPECT_FALSE(overtaking->has_value()) << "it waits";
    EXPECT_TRUE(is_fine(put(std::move(rest))));
    pass(100ms);
    EXPECT_TRUE(is_fine(overtaking));
    pass(5s);
    EXPECT_EQ(pictures(), 100U) << "all of both, in their order";
    EXPECT_EQ(report().jumps, 0U);
    EXPECT_EQ(report().units_unusable, 0U);
}

TEST_F(Uploading, a_file_that_is_never_ended_gives_way) {
    auto [first, rest] = halves(segment(0, 2000), 188 * 20);
    EXPECT_TRUE(is_fine(put(std::move(first))));
    const Answered another = put(segment(2000, 2000));
    pass(UploadIntake::broken_after + 100ms);
    EXPECT_TRUE(is_fine(another));
    EXPECT_EQ(error_of(put(std::move(rest))), Errc::cancelled) << "its place is taken";
    EXPECT_EQ(state(), "live");
}

TEST_F(Uploading, a_file_beside_one_that_goes_on_and_on_is_refused) {
    const UploadPiece whole = segment(0, 8000);
    auto [begun, rest] = halves(whole, 188 * 20);
    EXPECT_TRUE(is_fine(put(std::move(begun))));
    const Answered another = put(segment(8000, 2000));
    for (int second = 0; second < 4; ++second) {
        auto [more, after] = halves(std::move(rest), 188 * 20);
        more.begins = false;
        EXPECT_TRUE(is_fine(put(std::move(more))));
        rest = std::move(after);
        pass(1s);
    }
    EXPECT_EQ(error_of(another), Errc::exists);
}

TEST_F(Uploading, a_list_that_ends_may_overtake_the_last_segment) {
    EXPECT_TRUE(is_fine(put(segment(0, 2000))));
    pass(1s);
    EXPECT_TRUE(is_fine(put(last_list())));
    pass(500ms);
    EXPECT_TRUE(is_fine(put(segment(2000, 2000))));
    pass(1s);
    EXPECT_EQ(state(), "live") << "what came is let out first";
    pass(3s);
    EXPECT_EQ(state(), "offline");
    EXPECT_EQ(pictures(), 100U);
}

TEST_F(Uploading, a_segment_long_behind_the_end_goes_on_after_all) {
    EXPECT_TRUE(is_fine(put(segment(0, 6000))));
    EXPECT_TRUE(is_fine(put(last_list())));
    pass(3s);
    EXPECT_TRUE(is_fine(put(segment(6000, 2000))));
    pass(6s);
    EXPECT_EQ(pictures(), 200U);
    EXPECT_EQ(state(), "live") << "the end was taken back";
    pass(UploadIntake::silence_max + 2s);
    EXPECT_NE(state(), "live");
}

TEST_F(Uploading, the_end_is_heeded_only_in_a_whole_list) {
    EXPECT_TRUE(is_fine(put(segment(0, 1000))));
    auto [first, rest] = halves(last_list(), 40);
    EXPECT_TRUE(is_fine(put(std::move(first))));
    pass(3s);
    EXPECT_NE(state(), "offline");
    EXPECT_TRUE(is_fine(put(std::move(rest))));
    pass(3s);
    EXPECT_EQ(state(), "offline");
}

TEST_F(Uploading, a_list_beyond_all_bounds_is_refused) {
    EXPECT_EQ(error_of(put(list(std::string(UploadIntake::list_max + 1, '#')))), Errc::exhausted);
    EXPECT_EQ(state(), "none");
}

TEST_F(Uploading, fragments_and_their_initialisation_are_read_and_what_is_broken_costs_itself) {
    EXPECT_TRUE(is_fine(put(piece(UploadForm::mp4, 1, toys::mp4_film(0, 1000)))));
    pass(1s);
    EXPECT_TRUE(is_fine(put(piece(UploadForm::mp4, 2, toys::mp4_film(1000, 1000, false)))));
    pass(1s + 100ms);
    const std::uint64_t before = pictures();
    EXPECT_GE(before, 45U);
    std::vector<std::byte> smaller_than_its_head(100);
    smaller_than_its_head[3] = std::byte{4};
    EXPECT_EQ(error_of(put(piece(UploadForm::mp4, 3, smaller_than_its_head))), Errc::malformed);
    EXPECT_TRUE(is_fine(put(piece(UploadForm::mp4, 4, toys::mp4_film(2000, 1000)))));
    pass(1s + 100ms);
    EXPECT_GT(pictures(), before + 20);
    EXPECT_EQ(state(), "live");
}

TEST_F(Uploading, an_upload_far_ahead_of_its_pace_waits_for_its_answer) {
    const Answered long_one = put(segment(0, 30'000));
    EXPECT_FALSE(long_one->has_value());
    pass(15s);
    EXPECT_TRUE(is_fine(long_one));
}

Task<> ask_home(Uploads& uploads, Executor& asker, std::pair<std::string, UploadDesk*> where,
                std::vector<UploadDesk*>& homes) {
    Answer<UploadDesk*> answer{asker};
    uploads.home_of(where.first, *where.second, answer.reply());
    const Result<UploadDesk*> home = co_await answer.within(Instant::never());
    homes.push_back(home.value_or(nullptr));
}

TEST_F(Uploading, a_stream_has_its_home_where_its_first_file_came) {
    Uploads uploads{executor_};
    UploadDesk other{desk_};
    std::vector<UploadDesk*> homes;
    for (const auto& where :
         {std::pair<std::string, UploadDesk*>{"live/a", &uploads_}, {"live/a", &other}, {"live/b", &other}}) {
        executor_.run([&] { executor_.tasks().spawn(ask_home(uploads, executor_, where, homes)); });
        world_.time.settle();
    }
    EXPECT_EQ(homes, (std::vector<UploadDesk*>{&uploads_, &uploads_, &other}));
}

}   // namespace
}   // namespace millrace::session
