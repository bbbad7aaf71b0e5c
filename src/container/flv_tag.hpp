#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace millrace::flv {

/// Also the type of an RTMP message with the same body.
enum class TagType : std::uint8_t { audio = 8, video = 9, script = 18 };

constexpr std::size_t file_header_size = 9;
constexpr std::size_t tag_header_size = 11;
constexpr std::size_t previous_tag_size = 4;
/// Larger tags are not read; the format itself could say 16 MiB.
constexpr std::size_t tag_body_max = 8U << 20U;
/// A file header that claims to be longer is none.
constexpr std::size_t file_header_max = 4096;

/// One tag, whole, without its frame.
struct Tag {
    TagType type = TagType::script;   ///< as it came; the values above are those anyone knows
    std::uint32_t timestamp_ms = 0;   ///< modulo 2^32
    Bytes body;
};

/// Cuts the bytes of an FLV file or endless answer into tags, however they were cut on their way. It holds
/// one unfinished tag, as much of it as has arrived.
class Splitter {
public:
    struct Announced {
        bool audio = false;
        bool video = false;
    };

    /// Takes bytes off the front of `input` up to the end of one tag and gives that; nothing when `input` is
    /// used up first. Call until it gives nothing. After an error it is finished and repeats the error.
    Result<std::optional<Tag>> next(ByteSpan& input);

    /// What the file header said will come; often a lie.
    Announced announced() const { return announced_; }

private:
    enum class Part : std::uint8_t { file_header, header_rest, previous_size, tag_header, body };

    bool gather(ByteSpan& input);
    void expect(Part part, std::size_t size);
    Result<std::optional<Tag>> finish_part();
    Result<> read_file_header();
    Result<> read_tag_header();

    Part part_ = Part::file_header;
    std::size_t wanted_ = file_header_size;   // bytes of the part being gathered
    std::vector<std::byte> gathered_;
    Tag tag_;
    Announced announced_;
    std::optional<Error> failed_;
};

/// The 9 bytes of a file's header and the size 0 of the tag before the first.
std::array<std::byte, file_header_size + previous_tag_size> file_header(Splitter::Announced announced);

/// A tag's 11 bytes before its body, which is at most 2^24 - 1 bytes long.
std::array<std::byte, tag_header_size> tag_header(TagType type, std::uint32_t timestamp_ms,
                                                  std::size_t body_size);
/// The 4 bytes after it.
std::array<std::byte, previous_tag_size> tag_trailer(std::size_t body_size);

}   // namespace millrace::flv
