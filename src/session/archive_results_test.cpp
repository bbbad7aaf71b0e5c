#include "session/archive_results.hpp"

#include "base/date_time.hpp"
#include "container/mp4_event.hpp"
#include "container/mp4_samples.hpp"
#include "session/archive_for_tests.hpp"
#include "session/archive_play.hpp"

namespace millrace::session {
namespace {

/// A stream whose pictures somebody speaks of, and its archive.
class ArchiveResults : public toys::ArchiveTest {
protected:
    /// So many pictures, each with the box of a ball, each fifth of a cat; in whole milliseconds.
    void play(int pictures) {
        for (int picture = 0; picture < pictures; ++picture) {
            const WallTime capture = world_.time.utc();
            began_ = began_.value_or(capture);
            record(1, "1800000000-00000001", true);
            const std::string json = fmt::format(R"({{"n":{},"boxes":[{{"label":"{}"}}]}})", said_,
                                                 said_ % 5 == 0 ? "cat" : "ball");
            recording_->say({.body = Bytes::copy(json), .capture = capture, .pts = said_ * 3600});
            ++said_;
        }
    }
    std::string time(int ms) const { return date_time_text({began_->microseconds + ms * 1000}); }
    toys::Fetched ask(std::string query, std::string name = "live/cam") {
        return get(route_, "/api/v1/recordings/" + name + "/results", std::move(query));
    }
    /// "0 5 10": `n` of the results in an answer.
    static std::string numbers(const std::string& text) {
        std::string found;
        for (std::size_t at = text.find(R"({"n":)"); at != text.npos; at = text.find(R"({"n":)", at + 1)) {
            found += (found.empty() ? "" : " ") + text.substr(at + 5, text.find(',', at) - at - 5);
        }
        return found;
    }
    static std::string next(const std::string& text) {
        constexpr std::string_view key = R"("next":")";
        const std::size_t at = text.find(key);
        return at == text.npos ? "" : text.substr(at + key.size(), text.rfind('"') - at - key.size());
    }

    web::Route route_ = archive_play(desk_, {keeper_, stills_, exports_});
    std::optional<WallTime> began_;
    int said_ = 0;
};

TEST_F(ArchiveResults, row_0_28_are_listed_by_time_and_class) {
    play(75);
    record(0);
    const toys::Fetched some = ask("from=" + time(400) + "&to=" + time(600));
    EXPECT_EQ(some.status, 200);
    EXPECT_EQ(numbers(some.text()), "10 11 12 13 14") << some.text();
    EXPECT_EQ(next(some.text()), "");
    EXPECT_NE(some.text().find(R"("run":"1800000000-00000001","capture":")" + time(400).substr(0, 23)),
              std::string::npos)
        << some.text();
    EXPECT_NE(some.text().find(R"("pts":0.400000,"result":{"n":10,)"), std::string::npos) << some.text();
    const toys::Fetched cats = ask("class=cat&from=" + time(0));
    EXPECT_EQ(numbers(cats.text()), "0 5 10 15 20 25 30 35 40 45 50 55 60 65 70");
    EXPECT_EQ(numbers(ask("class=dog").text()), "");
}

TEST_F(ArchiveResults, come_page_by_page_each_once) {
    play(130);
    record(0);
    std::string all;
    std::string page;
    int pages = 0;
    do {
        const toys::Fetched answer = ask("limit=7" + (page.empty() ? "" : "&page=" + page));
        ASSERT_EQ(answer.status, 200) << answer.text();
        all += (all.empty() ? "" : " ") + numbers(answer.text());
        page = next(answer.text());
    } while (!page.empty() && ++pages < 30);
    std::string wanted;
    for (int n = 0; n < 130; ++n) {
        wanted += (n == 0 ? "" : " ") + std::to_string(n);
    }
    EXPECT_EQ(all, wanted);
    EXPECT_EQ(pages, 130 / 7);
}

TEST_F(ArchiveResults, what_is_asked_wrongly_is_said_in_words_and_nothing_is_an_empty_list) {
    EXPECT_EQ(ask("").text(), R"({"items":[]})");
    for (const char* wrong : {"limit=0", "limit=1001", "limit=x", "page=1", "page=a-1", "page=1-",
                              "from=noon", "page=99999999999999999999-1"}) {
        EXPECT_EQ(ask(wrong).status, 400) << wrong;
    }
    EXPECT_EQ(ask("", "live/..").status, 400);
}

TEST_F(ArchiveResults, go_out_with_the_media_in_every_form_of_the_archive) {
    play(50);
    record(0);
    const archive::Listing found = listing();
    ASSERT_EQ(found.fragments.size(), 2U);
    std::size_t events = 0;
    for (const archive::FoundFragment& one : found.fragments) {
        const toys::Fetched media =
            get(route_, fmt::format("/live/cam/archive/{}-{}.m4s", one.file, one.fragment.number));
        ASSERT_EQ(media.status, 200);
        events += mp4::read_events(media.body)->size();
    }
    EXPECT_EQ(events, 50U) << "emsg in the segments of the archive's lists";
    const std::string packets = get(route_, "/live/cam/archive.ts").text();
    std::size_t tags = 0;
    for (std::size_t at = packets.find("TXXX"); at != packets.npos; at = packets.find("TXXX", at + 1)) {
        ++tags;
    }
    EXPECT_EQ(tags, 50U) << "ID3 in a transport stream";
    const auto film = mp4::samples::read_file(get(route_, "/live/cam/archive.mp4").body);
    EXPECT_EQ(film.error, "");
    EXPECT_EQ(film.units_of(0).size(), sent(media::Kind::video).size()) << "one file is as without";
}

}   // namespace
}   // namespace millrace::session
