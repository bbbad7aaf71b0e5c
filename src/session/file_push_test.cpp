#include "session/file_push.hpp"

#include "session/pushes_for_tests.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace millrace::session {
namespace {

constexpr std::array kinds{ForwardKind{"file:", file_push}};

class FilePush : public toys::PushTest {
protected:
    FilePush() : PushTest{kinds} { std::filesystem::create_directories(folder_); }
    ~FilePush() override { std::filesystem::remove_all(folder_); }

    std::string path(std::string_view name) const { return fmt::format("{}/{}", folder_, name); }
    static std::string content(const std::string& path) {
        std::ifstream file{path, std::ios::binary};
        return {std::istreambuf_iterator<char>{file}, {}};
    }
    /// Lets everybody work until nobody has anything to do.
    void settle() {
        for (int turn = 0; turn < 8; ++turn) {
            disk_.work();
            world_.time.settle();
        }
    }

private:
    std::string folder_ = fmt::format("{}/millrace-file-push-{}", testing::TempDir(), ::getpid());
};

/// The tags of a file of FLV; how many are pictures.
std::size_t pictures_in(std::string_view file) {
    constexpr std::size_t head = 9 + 4;
    std::size_t pictures = 0;
    for (std::size_t at = head; at + 11 <= file.size();) {
        const auto byte = [&](std::size_t offset) { return static_cast<std::uint8_t>(file[at + offset]); };
        const std::size_t size = byte(1) << 16U | byte(2) << 8U | byte(3);
        constexpr unsigned video = 9;
        pictures += byte(0) == video ? 1 : 0;
        at += 11 + size + 4;
    }
    return pictures;
}

TEST_F(FilePush, a_file_has_its_name_once_the_stream_ended) {
    publish();
    show(1);
    push({"file:" + path("cam.flv")});
    settle();
    EXPECT_EQ(report().state, hub::ForwardState::live) << report().reason;
    show(49);
    settle();
    EXPECT_TRUE(std::filesystem::exists(path("cam.flv.part")));
    EXPECT_FALSE(std::filesystem::exists(path("cam.flv")));
    finish();
    settle();
    pass(1s);
    settle();
    EXPECT_FALSE(std::filesystem::exists(path("cam.flv.part")));
    const std::string file = content(path("cam.flv"));
    EXPECT_TRUE(file.starts_with("FLV"));
    EXPECT_GE(pictures_in(file), 50U) << "and a sequence header";
    EXPECT_EQ(report().state, hub::ForwardState::waiting);
    EXPECT_EQ(report().bytes, file.size());
}

TEST_F(FilePush, while_the_disk_stands_still_nothing_is_lost) {
    publish();
    show(1);
    push({"file:" + path("cam.flv")});
    settle();
    show(25);
    EXPECT_LE(disk_.waiting(), 1U) << "one piece at a time";
    show(24);
    finish();
    settle();
    pass(1s);
    settle();
    EXPECT_GE(pictures_in(content(path("cam.flv"))), 50U);
}

TEST_F(FilePush, a_name_that_is_taken_stays_what_it_was) {
    std::ofstream{path("cam.ts")} << "another's";
    publish();
    show(1);
    push({"file:" + path("cam.ts")});
    settle();
    show(25);
    finish();
    settle();
    pass(1s);
    settle();
    EXPECT_EQ(content(path("cam.ts")), "another's");
    EXPECT_TRUE(content(path("cam-2.ts")).starts_with("G")) << "a transport stream";
}

TEST_F(FilePush, what_is_wrong_with_the_disk_is_said_and_it_is_tried_again) {
    publish();
    show(1);
    push({"file:" + path("none/cam.flv")});
    settle();
    EXPECT_EQ(report().state, hub::ForwardState::broken);
    EXPECT_NE(report().reason.find("No such file"), std::string::npos) << report().reason;
    std::filesystem::create_directories(path("none"));
    pass(forward_pause_max);
    settle();
    EXPECT_EQ(report().state, hub::ForwardState::live) << report().reason;
}

TEST_F(FilePush, a_disk_with_too_much_to_do_is_said) {
    disk_.full = true;
    publish();
    show(1);
    push({"file:" + path("cam.flv")});
    world_.time.settle();
    EXPECT_EQ(report().state, hub::ForwardState::broken);
    EXPECT_NE(report().reason.find("too much waits"), std::string::npos) << report().reason;
}

TEST_F(FilePush, an_ending_that_says_no_container_is_given_up) {
    publish();
    show(1);
    push({"file:" + path("cam.avi")});
    settle();
    EXPECT_TRUE(report().given_up);
    EXPECT_NE(report().reason.find("ends in .ts, .flv or .mp4"), std::string::npos) << report().reason;
}

TEST_F(FilePush, a_file_that_is_not_wanted_any_more_is_whole) {
    publish();
    show(1);
    push({"file:" + path("cam.mp4")});
    settle();
    show(30);
    settle();
    push({});
    pass(1s);
    settle();
    EXPECT_EQ(content(path("cam.mp4")).substr(4, 4), "ftyp");
}

}   // namespace
}   // namespace millrace::session
