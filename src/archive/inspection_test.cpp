#include "archive/inspection.hpp"

#include "archive/files_for_tests.hpp"

namespace millrace::archive {
namespace {

/// An archive of two files, closed in good order.
class InspectionTest : public testing::Test {
protected:
    InspectionTest() {
        Archive archive{{.folder = folder_, .random = random_, .clock = time_}};
        EXPECT_TRUE(archive.open());
        const auto progress = std::make_shared<Progress>();
        for (int file = 0; file < 2; ++file) {
            std::vector<BatchItem> items{BeginFile{facts(), Bytes::copy("init")}};
            for (std::uint64_t place = 0; place < 10; ++place) {
                items.emplace_back(chunk(place_++));
            }
            archive.write({.stream = "live/cam", .items = std::move(items), .progress = progress});
        }
        archive.close("node stopped");
    }
    Inspection look(Closeness closeness) {
        const auto found = inspect(folder_, random_, closeness, [](std::uint64_t, std::uint64_t) {});
        EXPECT_TRUE(found);
        return found.value_or(Inspection{});
    }

    VirtualTime time_;
    VirtualFolder folder_;
    SeededRandom random_{1};
    std::uint64_t place_ = 0;
};

TEST_F(InspectionTest, finds_nothing_in_a_sound_archive) {
    for (const Closeness closeness : {Closeness::index, Closeness::heads, Closeness::bodies}) {
        const Inspection found = look(closeness);
        EXPECT_TRUE(found.sound()) << (found.faults.empty() ? "" : found.faults.front());
        EXPECT_EQ(found.files, 2U);
        EXPECT_EQ(found.fragments, 4U);
    }
}

TEST_F(InspectionTest, case_f25_finds_one_flipped_byte_anywhere_in_a_file) {
    const std::vector<std::byte> whole = folder_.bytes(file_name(1));
    for (std::size_t at = 0; at < whole.size(); at += 3) {
        folder_.bytes(file_name(1)) = whole;
        folder_.bytes(file_name(1))[at] ^= std::byte{0x40};
        EXPECT_FALSE(look(Closeness::bodies).sound()) << at;
    }
}

TEST_F(InspectionTest, says_what_is_missing_or_too_much) {
    folder_.forget(file_name(1));
    write_file(folder_, 9, 5);
    folder_.bytes(file_name(2)).pop_back();
    const Inspection found = look(Closeness::index);
    ASSERT_EQ(found.faults.size(), 3U);
    EXPECT_EQ(found.faults[0], "0000000001.mp4: the file is not there");
    EXPECT_TRUE(found.faults[1].starts_with("0000000002.mp4: has "));
    EXPECT_EQ(found.faults[2], "0000000009.mp4: is not in the index; a node that starts puts it there");
}

}   // namespace
}   // namespace millrace::archive
