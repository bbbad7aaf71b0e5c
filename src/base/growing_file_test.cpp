#include "base/growing_file.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace millrace {
namespace {

namespace files = std::filesystem;

class GrowingFiles : public testing::Test {
protected:
    GrowingFiles() { files::create_directories(folder_); }
    ~GrowingFiles() override { files::remove_all(folder_); }

    std::unique_ptr<GrowingFile> begin(const std::string& name) {
        auto file = GrowingFile::begin(path(name), trouble_);
        return file ? std::move(*file) : nullptr;
    }
    std::string path(const std::string& name) const { return (folder_ / name).string(); }
    std::string read(const std::string& name) const {
        std::ostringstream text;
        text << std::ifstream{path(name)}.rdbuf();
        return text.str();
    }
    std::size_t count() const {
        return static_cast<std::size_t>(
            std::distance(files::directory_iterator{folder_}, files::directory_iterator{}));
    }

    files::path folder_ = files::path{testing::TempDir()} /
                          ("growing_file_" + std::to_string(reinterpret_cast<std::uintptr_t>(this)));
    std::string trouble_;
};

TEST_F(GrowingFiles, has_its_name_once_it_is_whole) {
    const auto file = begin("a.ts");
    ASSERT_TRUE(file->append(as_bytes("one ")));
    EXPECT_FALSE(files::exists(path("a.ts")));
    ASSERT_TRUE(file->append(as_bytes("two")));
    ASSERT_TRUE(file->finish());
    EXPECT_EQ(file->name(), path("a.ts"));
    EXPECT_EQ(read("a.ts"), "one two");
    EXPECT_EQ(count(), 1U);
}

TEST_F(GrowingFiles, never_takes_anothers_place) {
    for (const char* text : {"first", "second", "third"}) {
        const auto file = begin("a.b.mp4");
        ASSERT_TRUE(file->append(as_bytes(text)));
        ASSERT_TRUE(file->finish());
    }
    EXPECT_EQ(read("a.b.mp4"), "first");
    EXPECT_EQ(read("a.b-2.mp4"), "second");
    EXPECT_EQ(read("a.b-3.mp4"), "third");
}

TEST_F(GrowingFiles, two_at_once_do_not_meet) {
    const auto one = begin("a.ts");
    const auto two = begin("a.ts");
    ASSERT_TRUE(one->append(as_bytes("1")) && two->append(as_bytes("2")));
    ASSERT_TRUE(two->finish() && one->finish());
    EXPECT_EQ(read("a.ts"), "2");
    EXPECT_EQ(read("a-2.ts"), "1");
}

TEST_F(GrowingFiles, one_that_holds_nothing_goes_away) {
    ASSERT_TRUE(begin("a.ts")->finish());
    EXPECT_EQ(count(), 0U);
}

TEST_F(GrowingFiles, says_what_is_wrong_in_the_systems_words) {
    EXPECT_EQ(begin("no/such/folder/a.ts"), nullptr);
    EXPECT_NE(trouble_.find("No such file or directory"), std::string::npos) << trouble_;
}

}   // namespace
}   // namespace millrace
