#include "session/hls_push.hpp"

#include "session/pushes_for_tests.hpp"

namespace millrace::session {
namespace {

constexpr std::array kinds{ForwardKind{"http://", hls_push}};

struct PutFile {
    std::string target;
    std::string type;
    std::string body;
};

/// A server that takes files, and answers as the test says.
class HlsPush : public toys::PushTest {
protected:
    HlsPush() : PushTest{kinds} {}

    /// So many seconds of the stream; the server answers meanwhile.
    void show_for(int seconds) {
        for (int picture = 0; picture < seconds * 25; ++picture) {
            show(1);
            serve();
        }
    }
    void serve_for(Duration span) {
        for (Duration spent{0}; spent < span; spent += 50ms) {
            serve();
            pass(50ms);
        }
        serve();
    }
    void serve() {
        for (std::size_t one = 0; one < connector_.servers.size(); ++one) {
            while (take(connector_.servers[one])) {
                world_.time.settle();
            }
        }
    }
    /// The numbers of the segments that were put.
    std::vector<std::uint64_t> segments() const {
        std::vector<std::uint64_t> numbers;
        for (const PutFile& file : files_) {
            if (file.type == "video/mp2t") {
                const std::string name = file.target.substr(file.target.rfind('/') + 1);
                numbers.push_back(std::stoull(name));
            }
        }
        return numbers;
    }

    std::vector<PutFile> files_;
    std::string answer_ = "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n";
    bool closes_ = false;   // behind each answer

private:
    static std::string header(std::string_view head, std::string_view name) {
        const std::size_t at = head.find(name);
        const std::size_t from = at == std::string_view::npos ? at : at + name.size() + 2;
        return at == std::string_view::npos ? std::string{}
                                            : std::string{head.substr(from, head.find("\r\n", from) - from)};
    }
    /// Whether there was a whole file.
    bool take(toys::PlayedServer& far) {
        const std::string& heard = far.hear();
        const std::size_t end = heard.find("\r\n\r\n");
        if (end == std::string::npos) {
            return false;
        }
        const std::string head = heard.substr(0, end + 2);
        const std::size_t size = std::stoul(header(head, "Content-Length"));
        if (heard.size() < end + 4 + size) {
            return false;
        }
        EXPECT_TRUE(head.starts_with("PUT ")) << head;
        files_.push_back({head.substr(4, head.find(" HTTP/1.1") - 4), header(head, "Content-Type"),
                          heard.substr(end + 4, size)});
        far.heard.erase(0, end + 4 + size);
        far.say(answer_);
        if (closes_) {
            far.connection->close();
        }
        return true;
    }
};

TEST_F(HlsPush, each_segment_is_put_once_and_behind_it_the_list_that_has_it) {
    publish();
    push({"http://far.example/live/cam/upload/?token=t0p"});
    show_for(12);
    EXPECT_EQ(report().state, hub::ForwardState::live) << report().reason;
    const std::vector<std::uint64_t> numbers = segments();
    ASSERT_GE(numbers.size(), 4U);
    for (std::size_t i = 1; i < numbers.size(); ++i) {
        EXPECT_EQ(numbers[i], numbers[i - 1] + 1);
    }
    for (std::size_t i = 0; i < files_.size(); ++i) {
        const PutFile& file = files_[i];
        EXPECT_TRUE(file.target.starts_with("/live/cam/upload/") && file.target.ends_with("?token=t0p"));
        if (file.type == "video/mp2t") {
            EXPECT_EQ(file.body.size() % 188, 0U);
            EXPECT_TRUE(file.body.starts_with("G"));
            continue;
        }
        EXPECT_EQ(file.type, "application/vnd.apple.mpegurl");
        ASSERT_GT(i, 0U);
        const std::string& before = files_[i - 1].target;
        const std::string name =
            before.substr(before.rfind('/') + 1, before.find('?') - before.rfind('/') - 1);
        EXPECT_NE(file.body.find(name), std::string::npos) << "the newest stands in its list";
        EXPECT_EQ(file.body.find("#EXT-X-ENDLIST"), std::string::npos);
    }
    EXPECT_EQ(connector_.asked, 1) << "the server keeps its connection";
}

TEST_F(HlsPush, the_said_end_stands_in_the_last_list) {
    publish();
    push({"http://far.example/up/"});
    show_for(5);
    finish();
    serve_for(15s);
    ASSERT_FALSE(files_.empty());
    EXPECT_EQ(files_.back().target, "/up/list.m3u8");
    EXPECT_NE(files_.back().body.find("#EXT-X-ENDLIST"), std::string::npos) << files_.back().body;
    EXPECT_EQ(report().state, hub::ForwardState::waiting) << report().reason;
}

TEST_F(HlsPush, a_server_that_closes_behind_each_answer_gets_every_segment) {
    closes_ = true;
    publish();
    push({"http://far.example/up/"});
    show_for(10);
    const std::vector<std::uint64_t> numbers = segments();
    ASSERT_GE(numbers.size(), 3U);
    for (std::size_t i = 1; i < numbers.size(); ++i) {
        EXPECT_EQ(numbers[i], numbers[i - 1] + 1);
    }
    EXPECT_GE(connector_.asked, static_cast<int>(files_.size()));
}

TEST_F(HlsPush, a_server_that_refuses_is_said_by_its_number_and_asked_again) {
    answer_ = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
    publish();
    push({"http://far.example/up/"});
    show_for(5);
    EXPECT_EQ(report().state, hub::ForwardState::broken);
    EXPECT_EQ(report().reason, "the server answers 403");
    answer_ = "HTTP/1.1 204 No Content\r\n\r\n";
    show_for(8);
    EXPECT_EQ(report().state, hub::ForwardState::live) << report().reason;
}

TEST_F(HlsPush, a_server_that_never_answers_breaks_it_and_another_connection_is_made) {
    publish();
    push({"http://far.example/up/"});
    for (int second = 0; second < 60; ++second) {
        show(25);
    }
    EXPECT_GE(connector_.asked, 2);
    EXPECT_NE(report().state, hub::ForwardState::live);
}

}   // namespace
}   // namespace millrace::session
