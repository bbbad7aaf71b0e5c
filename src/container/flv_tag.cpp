#include "container/flv_tag.hpp"

#include "base/byte_reader.hpp"

#include <algorithm>

namespace millrace::flv {

// A file (Video File Format Specification version 10, annex E), big-endian:
//
//   "FLV"  version=1  flags (1 video, 4 audio)  u32 size of this header (9)
//   u32 0
//   then for each tag:
//   +------+------------+-----------------+----------------+-------------+------~~------+---------------+
//   | type | body size  | timestamp ms    | timestamp ms   | stream id 0 | body         | 11 + body size|
//   | u8   | u24        | u24, low 24 bits| u8, bits 24-31 | u24         |              | u32           |
//   +------+------------+-----------------+----------------+-------------+------~~------+---------------+
//
// The low five bits of `type` are the type; bit 5 says the body is encrypted, which nobody sends. We do not
// look at the size that follows a tag: writers disagree about it, and nothing depends on it.

namespace {

constexpr std::uint8_t has_video = 0x01;
constexpr std::uint8_t has_audio = 0x04;
// Room reserved ahead of a body: a peer's announced size alone takes no memory.
constexpr std::size_t reserved_max = 64U << 10U;

}   // namespace

Result<std::optional<Tag>> Splitter::next(ByteSpan& input) {
    while (!failed_ && gather(input)) {
        Result<std::optional<Tag>> tag = finish_part();
        if (!tag) {
            failed_ = tag.error();
        } else if (*tag) {
            return tag;
        }
    }
    if (failed_) {
        return std::unexpected(*failed_);
    }
    return std::nullopt;
}

bool Splitter::gather(ByteSpan& input) {
    const std::size_t count = std::min(input.size(), wanted_ - gathered_.size());
    gathered_.insert(gathered_.end(), input.begin(), input.begin() + static_cast<std::ptrdiff_t>(count));
    input = input.subspan(count);
    return gathered_.size() == wanted_;
}

void Splitter::expect(Part part, std::size_t size) {
    part_ = part;
    wanted_ = size;
    gathered_.clear();
    gathered_.reserve(std::min(size, reserved_max));
}

Result<std::optional<Tag>> Splitter::finish_part() {
    Result<> read;
    switch (part_) {
        case Part::file_header: read = read_file_header(); break;
        case Part::header_rest: expect(Part::previous_size, previous_tag_size); break;
        case Part::previous_size: expect(Part::tag_header, tag_header_size); break;
        case Part::tag_header: read = read_tag_header(); break;
        case Part::body:
            tag_.body = Bytes{std::exchange(gathered_, {})};
            expect(Part::previous_size, previous_tag_size);
            return std::exchange(tag_, {});
    }
    if (!read) {
        return std::unexpected(read.error());
    }
    return std::nullopt;
}

Result<> Splitter::read_file_header() {
    ByteReader reader{gathered_};
    if (as_text(reader.take(3)) != "FLV" || reader.u8() != 1) {
        return fail(Errc::malformed, "these bytes are no FLV file");
    }
    const std::uint8_t flags = reader.u8();
    announced_ = {.audio = (flags & has_audio) != 0, .video = (flags & has_video) != 0};
    const std::uint32_t size = reader.u32();
    if (size < file_header_size || size > file_header_max) {
        return fail(Errc::malformed, "the FLV file header has an impossible size");
    }
    expect(Part::header_rest, size - file_header_size);
    return {};
}

Result<> Splitter::read_tag_header() {
    ByteReader reader{gathered_};
    tag_.type = TagType{reader.u8()};
    const std::uint32_t body_size = reader.u24();
    const std::uint32_t low = reader.u24();
    const std::uint32_t high = reader.u8();
    tag_.timestamp_ms = high << 24U | low;
    if (body_size > tag_body_max) {
        return fail(Errc::exhausted, "an FLV tag is larger than 8 MiB");
    }
    expect(Part::body, body_size);
    return {};
}

std::array<std::byte, file_header_size + previous_tag_size> file_header(Splitter::Announced announced) {
    std::array<std::byte, file_header_size + previous_tag_size> header{};
    std::memcpy(header.data(), "FLV\x01", 4);
    header[4] =
        static_cast<std::byte>((announced.audio ? has_audio : 0U) | (announced.video ? has_video : 0U));
    header[8] = std::byte{file_header_size};
    return header;
}

std::array<std::byte, tag_header_size> tag_header(TagType type, std::uint32_t timestamp_ms,
                                                  std::size_t body_size) {
    const auto byte = [](std::uint64_t value) { return static_cast<std::byte>(value & 0xFFU); };
    return {static_cast<std::byte>(type),
            byte(body_size >> 16U),
            byte(body_size >> 8U),
            byte(body_size),
            byte(timestamp_ms >> 16U),
            byte(timestamp_ms >> 8U),
            byte(timestamp_ms),
            byte(timestamp_ms >> 24U),
            std::byte{},
            std::byte{},
            std::byte{}};
}

std::array<std::byte, previous_tag_size> tag_trailer(std::size_t body_size) {
    const std::size_t size = tag_header_size + body_size;
    const auto byte = [](std::uint64_t value) { return static_cast<std::byte>(value & 0xFFU); };
    return {byte(size >> 24U), byte(size >> 16U), byte(size >> 8U), byte(size)};
}

}   // namespace millrace::flv
