#include "container/flv_tag.hpp"

#include "base/byte_writer.hpp"

#include <gtest/gtest.h>

namespace millrace::flv {
namespace {

struct Sample {
    TagType type;
    std::uint32_t timestamp_ms;
    std::size_t size;
};
constexpr Sample samples[] = {
    {TagType::script, 0, 20},        {TagType::video, 0, 0},           {TagType::video, 0xFFFFFF, 300},
    {TagType::audio, 0x01000000, 7}, {TagType::video, 0xFFFFFFFF, 40}, {TagType{63}, 5, 1},
};

std::vector<std::byte> sample_body(const Sample& sample) {
    return std::vector<std::byte>(sample.size, static_cast<std::byte>(sample.size));
}

void write_tag(ByteWriter& writer, const Sample& sample) {
    writer.bytes(tag_header(sample.type, sample.timestamp_ms, sample.size));
    writer.bytes(sample_body(sample));
    writer.bytes(tag_trailer(sample.size));
}

std::vector<std::byte> sample_file() {
    std::vector<std::byte> out;
    ByteWriter writer{out};
    writer.bytes(file_header({.audio = true, .video = true}));
    for (const Sample& sample : samples) {
        write_tag(writer, sample);
    }
    return out;
}

void expect_samples(const std::vector<Tag>& tags, std::size_t count = std::size(samples)) {
    ASSERT_EQ(tags.size(), count);
    for (std::size_t i = 0; i < count; ++i) {
        EXPECT_EQ(tags[i].type, samples[i].type);
        EXPECT_EQ(tags[i].timestamp_ms, samples[i].timestamp_ms);
        EXPECT_EQ(tags[i].body, Bytes{sample_body(samples[i])});
    }
}

/// Adds the tags that `input` completes; false once the splitter refused it.
bool split(Splitter& splitter, ByteSpan input, std::vector<Tag>& tags) {
    while (true) {
        Result<std::optional<Tag>> tag = splitter.next(input);
        if (!tag || !*tag) {
            return tag.has_value();
        }
        tags.push_back(std::move(**tag));
    }
}

TEST(FlvSplitter, gives_the_tags_of_a_file) {
    Splitter splitter;
    std::vector<Tag> tags;
    ASSERT_TRUE(split(splitter, sample_file(), tags));
    expect_samples(tags);
    EXPECT_TRUE(splitter.announced().audio);
    EXPECT_TRUE(splitter.announced().video);
}

TEST(FlvSplitter, gives_the_same_tags_wherever_the_bytes_are_cut) {
    const std::vector<std::byte> file = sample_file();
    for (std::size_t cut = 0; cut <= file.size(); ++cut) {
        Splitter splitter;
        std::vector<Tag> tags;
        ASSERT_TRUE(split(splitter, ByteSpan{file}.first(cut), tags));
        ASSERT_TRUE(split(splitter, ByteSpan{file}.subspan(cut), tags));
        expect_samples(tags);
    }
}

TEST(FlvSplitter, gives_the_same_tags_byte_by_byte) {
    const std::vector<std::byte> file = sample_file();
    Splitter splitter;
    std::vector<Tag> tags;
    for (std::size_t i = 0; i < file.size(); ++i) {
        ASSERT_TRUE(split(splitter, ByteSpan{file}.subspan(i, 1), tags));
    }
    expect_samples(tags);
}

TEST(FlvSplitter, passes_over_a_longer_file_header) {
    std::vector<std::byte> file = sample_file();
    file[8] = std::byte{12};
    file.insert(file.begin() + 9, 3, std::byte{0xEE});
    Splitter splitter;
    std::vector<Tag> tags;
    ASSERT_TRUE(split(splitter, file, tags));
    expect_samples(tags);
}

TEST(FlvSplitter, refuses_what_is_no_flv_and_stays_refusing) {
    const std::string_view starts[] = {"GET / HTTP", std::string_view{"FLV\x02\x05\0\0\0\x09", 9},
                                       std::string_view{"FLV\x01\x05\0\0\0\x08", 9},
                                       std::string_view{"FLV\x01\x05\xFF\xFF\xFF\xFF", 9}};
    for (const std::string_view start : starts) {
        Splitter splitter;
        std::vector<Tag> tags;
        EXPECT_FALSE(split(splitter, as_bytes(start), tags));
        EXPECT_FALSE(split(splitter, sample_file(), tags));
        EXPECT_TRUE(tags.empty());
    }
}

TEST(FlvSplitter, case_8_a_tag_over_the_limit_is_refused_by_its_header) {
    std::vector<std::byte> bytes;
    ByteWriter writer{bytes};
    writer.bytes(file_header({}));
    writer.bytes(tag_header(TagType::video, 0, tag_body_max + 1));
    Splitter splitter;
    ByteSpan input{bytes};
    const Result<std::optional<Tag>> tag = splitter.next(input);
    ASSERT_FALSE(tag);
    EXPECT_EQ(tag.error().code, Errc::exhausted);
}

}   // namespace
}   // namespace millrace::flv
