#include "base/disk_storage.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace millrace {
namespace {

class DiskStorageTest : public testing::Test {
protected:
    DiskStorageTest() {
        std::string name = testing::TempDir() + "millrace-disk-XXXXXX";
        folder_ = ::mkdtemp(name.data());
    }
    ~DiskStorageTest() override {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    static std::string text(const Result<std::optional<std::vector<std::byte>>>& read) {
        return read && *read ? std::string{as_text(**read)} : "none";
    }
    static unsigned mode(const std::string& path) {
        struct stat facts{};
        return ::stat(path.c_str(), &facts) == 0 ? facts.st_mode & 0777U : 0;
    }

    std::string folder_;
};

TEST_F(DiskStorageTest, replaces_a_file_that_only_its_user_may_read) {
    DiskStorage storage{folder_ + "/data"};
    EXPECT_EQ(text(storage.read("a.json", 100)), "none") << "not even the folder is there";
    ASSERT_TRUE(storage.replace("a.json", as_bytes("one")));
    ASSERT_TRUE(storage.replace("a.json", as_bytes("two, longer")));
    EXPECT_EQ(text(storage.read("a.json", 100)), "two, longer");
    EXPECT_EQ(mode(folder_ + "/data"), 0700U);
    EXPECT_EQ(mode(folder_ + "/data/a.json"), 0600U);
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator{folder_ + "/data"}, {}), 1);
}

TEST_F(DiskStorageTest, what_a_crash_left_behind_is_no_hindrance) {
    std::ofstream{folder_ + "/a.json.new"} << "half";
    DiskStorage storage{folder_};
    ASSERT_TRUE(storage.replace("a.json", as_bytes("whole")));
    EXPECT_EQ(text(storage.read("a.json", 100)), "whole");
    EXPECT_FALSE(std::filesystem::exists(folder_ + "/a.json.new"));
}

TEST_F(DiskStorageTest, case_99_says_which_path_is_the_trouble) {
    DiskStorage lost{folder_ + "/no/such"};
    EXPECT_EQ(lost.replace("a", as_bytes("x")).error().code, Errc::io);
    EXPECT_EQ(lost.trouble(), folder_ + "/no/such: No such file or directory");
    std::ofstream{folder_ + "/file"} << "x";
    DiskStorage occupied{folder_ + "/file"};
    EXPECT_FALSE(occupied.replace("a", as_bytes("x")));
    EXPECT_NE(occupied.trouble().find("Not a directory"), std::string::npos);
}

TEST_F(DiskStorageTest, a_file_beyond_its_limit_is_not_read) {
    DiskStorage storage{folder_};
    ASSERT_TRUE(storage.replace("a", as_bytes("1234")));
    EXPECT_EQ(text(storage.read("a", 4)), "1234");
    EXPECT_EQ(storage.read("a", 3).error().code, Errc::exhausted);
}

}   // namespace
}   // namespace millrace
