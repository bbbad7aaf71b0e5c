#include "archive/chunk_file.hpp"

#include "archive/files_for_tests.hpp"

namespace millrace::archive {
namespace {

TEST(ChunkFile, says_what_was_written) {
    VirtualFolder folder;
    write_file(folder, 7, 12);
    const auto found = scan(*open_file(folder, 7), 7, Depth::bodies);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->facts, facts());
    EXPECT_EQ(found->cause, "publisher gone");
    EXPECT_TRUE(found->sealed);
    EXPECT_EQ(found->damaged, 0U);
    EXPECT_EQ(found->end, found->size);
    ASSERT_EQ(numbers(found->fragments), "1000 1001 1002");
    const Fragment& second = found->fragments[1];
    EXPECT_TRUE(second.key);
    EXPECT_EQ(second.media_us, 1'000'000);
    EXPECT_EQ(second.duration_us, 1'000'000);
    EXPECT_EQ(second.utc.microseconds, 1'800'000'001'000'000);
    const auto bytes = read_fragment(*open_file(folder, 7), 7, second);
    ASSERT_TRUE(bytes);
    std::vector<std::byte> wanted;
    for (std::uint64_t place = 5; place < 10; ++place) {
        const std::vector<std::byte> one = body(place);
        wanted.insert(wanted.end(), one.begin(), one.end());
    }
    EXPECT_EQ(*bytes, Bytes{wanted});
}

TEST(ChunkFile, lists_a_fragment_only_when_its_bytes_are_synced) {
    VirtualFolder folder;
    auto file = ChunkFile::make(folder, 1, facts(), as_bytes("init"));
    ASSERT_TRUE(file);
    for (std::uint64_t place = 0; place < 7; ++place) {
        const PutChunk one = chunk(place);
        file->append(one.head, one.bytes);
    }
    ASSERT_TRUE(file->write_out());
    EXPECT_EQ(numbers(file->take_synced()), "");
    ASSERT_TRUE(file->sync());
    EXPECT_EQ(numbers(file->take_synced()), "1000");
    ASSERT_TRUE(file->seal(""));
    EXPECT_EQ(numbers(file->take_synced()), "1001");
}

TEST(ChunkFile, case_93_is_recovered_chunk_by_chunk_after_a_cut_at_any_byte) {
    VirtualFolder folder;
    write_file(folder, 1, 12, false);
    const std::vector<std::byte> whole = folder.bytes(file_name(1));
    const auto all = scan(*open_file(folder, 1), 1, Depth::bodies);
    ASSERT_TRUE(all);
    const std::size_t record = head_size + body(0).size();
    const std::size_t first = whole.size() - 12 * record;
    for (std::size_t size = 1; size <= whole.size(); ++size) {
        folder.bytes(file_name(1)) = {whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)};
        const auto file = open_file(folder, 1);
        const auto found = recover(*file, 1, "crash");
        if (size < first) {
            EXPECT_FALSE(found) << size;
            continue;
        }
        ASSERT_TRUE(found) << size;
        const std::size_t chunks = (size - first) / record;
        EXPECT_EQ(found->fragments.size(), (chunks + 4) / 5) << size;
        EXPECT_EQ(found->damaged, 0U);
        // And is a sealed file from then on.
        const auto again = scan(*file, 1, Depth::bodies);
        ASSERT_TRUE(again) << size;
        EXPECT_TRUE(again->sealed);
        EXPECT_EQ(again->cause, "crash");
        EXPECT_EQ(again->end, again->size);
        EXPECT_EQ(again->fragments, found->fragments);
    }
}

/// A file of so many chunks, of which the power cut left one out.
std::uint64_t write_file_with_hole(VirtualFolder& folder, std::uint64_t chunks, std::uint64_t hole) {
    write_file(folder, 1, chunks, false);
    std::vector<std::byte>& bytes = folder.bytes(file_name(1));
    const std::size_t record = head_size + body(0).size();
    const std::size_t at = bytes.size() - (chunks - hole) * record;
    std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), record, std::byte{});
    return at;
}

TEST(ChunkFile, f4_ends_where_a_power_cut_left_a_hole_in_what_was_never_acknowledged) {
    for (const bool index_is_new : {false, true}) {
        VirtualFolder folder;
        const std::uint64_t hole = write_file_with_hole(folder, 12, 8);
        const auto file = open_file(folder, 1);
        const auto found = recover(*file, 1, "crash", index_is_new ? std::nullopt : std::optional{hole - 1});
        ASSERT_TRUE(found);
        EXPECT_EQ(numbers(found->fragments), "1000 1001");
        EXPECT_EQ(found->fragments.back().duration_us, 600'000);
        const auto again = scan(*file, 1, Depth::bodies);
        ASSERT_TRUE(again);
        EXPECT_TRUE(again->sealed);
        EXPECT_EQ(again->damaged, 0U);
        EXPECT_EQ(again->fragments, found->fragments);
    }
}

TEST(ChunkFile, f25_keeps_what_is_behind_damage_of_what_was_acknowledged) {
    for (const bool index_is_new : {false, true}) {
        VirtualFolder folder;
        const std::uint64_t hole = write_file_with_hole(folder, 25, 8);
        const auto found =
            recover(*open_file(folder, 1), 1, "crash", index_is_new ? std::nullopt : std::optional{hole + 1});
        ASSERT_TRUE(found);
        EXPECT_EQ(numbers(found->fragments), "1000 1001 1002 1003 1004");
        EXPECT_EQ(found->damaged, 1U);
    }
}

/// The first record of a file under way is not as it was written.
void lose_first_record(VirtualFolder& folder) {
    const std::unique_ptr<FolderFile> file = open_file(folder, 1);
    const auto found = scan(*file, 1, Depth::heads);
    ASSERT_TRUE(found);
    std::fill_n(folder.bytes(file_name(1)).begin(), found->fragments.front().offset, std::byte{});
}

TEST(ChunkFile, f4_a_file_that_no_sync_ever_made_sure_of_is_none) {
    for (const bool index_is_new : {false, true}) {
        VirtualFolder folder;
        write_file(folder, 1, 5, false);
        lose_first_record(folder);
        const auto found = recover(*open_file(folder, 1), 1, "crash",
                                   index_is_new ? std::nullopt : std::optional<std::uint64_t>{0});
        ASSERT_FALSE(found) << index_is_new;
        EXPECT_EQ(found.error().code, Errc::malformed);
    }
}

TEST(ChunkFile, f25_keeps_what_is_behind_a_damaged_first_record_where_it_may_have_been_acknowledged) {
    for (const bool index_is_new : {false, true}) {
        VirtualFolder folder;
        write_file(folder, 1, 25, false);
        lose_first_record(folder);
        const auto found = recover(*open_file(folder, 1), 1, "crash",
                                   index_is_new ? std::nullopt : std::optional<std::uint64_t>{1});
        ASSERT_TRUE(found) << index_is_new;
        EXPECT_EQ(numbers(found->fragments), "1000 1001 1002 1003 1004");
        EXPECT_EQ(found->init_size, 0U);
    }
}

TEST(ChunkFile, case_f25_one_flipped_byte_harms_one_fragment_and_is_found) {
    VirtualFolder folder;
    write_file(folder, 1, 15);
    const std::vector<std::byte> whole = folder.bytes(file_name(1));
    const auto sound = scan(*open_file(folder, 1), 1, Depth::bodies);
    ASSERT_TRUE(sound);
    for (std::size_t at = 0; at < whole.size(); ++at) {
        folder.bytes(file_name(1)) = whole;
        folder.bytes(file_name(1))[at] ^= std::byte{0x10};
        const auto file = open_file(folder, 1);
        const auto found = scan(*file, 1, Depth::bodies);
        ASSERT_TRUE(found) << at;
        const auto harmed = static_cast<std::size_t>(std::ranges::count_if(
            sound->fragments, [&](const Fragment& one) { return !read_fragment(*file, 1, one); }));
        const bool in_fragment = at >= sound->fragments.front().offset &&
                                 at < sound->fragments.back().offset + sound->fragments.back().size;
        EXPECT_EQ(harmed, in_fragment ? 1U : 0U) << at;
        EXPECT_TRUE(found->damaged > 0 || !found->sealed || found->init_size == 0) << at;
    }
}

TEST(ChunkFile, takes_no_record_of_another_file) {
    VirtualFolder folder;
    write_file(folder, 1, 3);
    EXPECT_FALSE(scan(*open_file(folder, 1), 2, Depth::heads));
}

TEST(ChunkFile, names_files_by_their_number) {
    EXPECT_EQ(file_name(123), "0000000123.mp4");
    EXPECT_EQ(file_id("0000000123.mp4"), 123U);
    for (const char* name : {"index", "123.mp4", "00000001x3.mp4", "0000000123.mp4.new", "lock", ".mp4"}) {
        EXPECT_FALSE(file_id(name)) << name;
    }
}

}   // namespace
}   // namespace millrace::archive
