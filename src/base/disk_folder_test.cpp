#include "base/disk_folder.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

namespace millrace {
namespace {

class DiskFolderTest : public testing::Test {
protected:
    DiskFolderTest() {
        std::string pattern = (std::filesystem::temp_directory_path() / "millrace-folder-XXXXXX").string();
        path_ = ::mkdtemp(pattern.data());
    }
    ~DiskFolderTest() override { std::filesystem::remove_all(path_); }

    std::string path_;
};

TEST_F(DiskFolderTest, makes_itself_with_the_first_file_and_not_before) {
    DiskFolder folder{path_ + "/data/archive"};
    EXPECT_TRUE(folder.names()->empty());
    EXPECT_EQ(folder.open("a", Folder::Open::existing).error().code, Errc::not_found);
    EXPECT_FALSE(std::filesystem::exists(path_ + "/data"));
    ASSERT_TRUE(folder.open("a", Folder::Open::made_new));
    EXPECT_EQ(*folder.names(), std::vector<std::string>{"a"});
    EXPECT_TRUE(folder.sync_names());
    EXPECT_GT(*folder.free_bytes(), 0U);
    EXPECT_EQ(folder.open("a", Folder::Open::made_new).error().code, Errc::exists);
    struct stat facts{};
    ASSERT_EQ(::stat((path_ + "/data/archive/a").c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777U, 0600U);
}

TEST_F(DiskFolderTest, reads_what_was_written_and_cut) {
    DiskFolder folder{path_ + "/archive"};
    const auto file = folder.open("a", Folder::Open::existing_or_new);
    ASSERT_TRUE(file);
    ASSERT_TRUE((*file)->write(0, as_bytes("0123456789")));
    ASSERT_TRUE((*file)->write(4, as_bytes("abc")));
    ASSERT_TRUE((*file)->truncate(9));
    ASSERT_TRUE((*file)->sync());
    EXPECT_EQ(*(*file)->size(), 9U);
    std::vector<std::byte> bytes(20);
    ASSERT_EQ(*(*file)->read(2, bytes), 7U);
    EXPECT_EQ(as_text(bytes).substr(0, 7), "23abc78");
    ASSERT_TRUE(folder.remove("a"));
    EXPECT_TRUE(folder.remove("a")) << "it is gone already";
}

TEST_F(DiskFolderTest, case_90_follows_no_link) {
    DiskFolder folder{path_ + "/archive"};
    ASSERT_TRUE(folder.open("a", Folder::Open::made_new));
    std::filesystem::create_symlink("/etc/passwd", path_ + "/archive/b");
    EXPECT_EQ(folder.open("b", Folder::Open::existing).error().code, Errc::io);
}

TEST_F(DiskFolderTest, is_one_process_alone) {
    DiskFolder folder{path_ + "/archive"};
    ASSERT_TRUE(folder.claim());
    EXPECT_TRUE(folder.claim());
    DiskFolder another{path_ + "/archive"};
    EXPECT_EQ(another.claim().error().code, Errc::exists);
}

TEST_F(DiskFolderTest, says_when_it_was_taken_away_and_makes_itself_anew) {
    DiskFolder folder{path_ + "/archive"};
    ASSERT_TRUE(folder.claim());
    EXPECT_TRUE(folder.still_there());
    std::filesystem::remove_all(path_ + "/archive");
    EXPECT_EQ(folder.still_there().error().code, Errc::not_found);
    EXPECT_TRUE(folder.claim());
    EXPECT_TRUE(folder.open("a", Folder::Open::made_new));
    EXPECT_TRUE(std::filesystem::exists(path_ + "/archive/a"));
}

}   // namespace
}   // namespace millrace
