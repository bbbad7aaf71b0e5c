#pragma once

#include "base/byte_reader.hpp"
#include "base/byte_writer.hpp"
#include "base/result.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Boxes of ISO/IEC 14496-12, written and read.
namespace millrace::mp4 {

// A box (§4.2):
//
//   size u32, with the header | type u32 | size 1: size u64 | type "uuid": 16 bytes | body
//   size 0: up to the end of the file, and only for the last box of a file
//   a full box begins its body with: version u8 | flags u24

/// Four characters as they stand in the file.
using FourCc = std::uint32_t;
consteval FourCc four_cc(std::string_view text) {
    FourCc code = 0;
    for (const char c : text) {
        code = code << 8U | static_cast<std::uint8_t>(c);
    }
    return code;
}
/// Printable; other characters become dots.
std::string text_of(FourCc type);

constexpr std::size_t box_header_size = 8;
constexpr std::size_t large_box_header_size = 16;

/// A box being written at the end of a buffer; its size is put in when this goes, so scopes nest as boxes do.
/// For boxes below 4 GB.
class OpenBox {
public:
    OpenBox(std::vector<std::byte>& out, FourCc type);
    /// A full box.
    OpenBox(std::vector<std::byte>& out, FourCc type, std::uint8_t version, std::uint32_t flags);
    ~OpenBox();
    OpenBox(const OpenBox&) = delete;
    OpenBox& operator=(const OpenBox&) = delete;

private:
    std::vector<std::byte>& out_;
    std::size_t start_;
};

/// Puts a number over four bytes written before.
void overwrite_u32(std::vector<std::byte>& out, std::size_t at, std::uint32_t value);

/// The header of a box, before its body is there.
struct BoxHeader {
    FourCc type = 0;
    std::size_t header_size = box_header_size;
    std::optional<std::uint64_t> body_size;   ///< none: up to the end of the file
};
/// Nothing while `bytes` end inside the header. A size below the header's own is malformed.
Result<std::optional<BoxHeader>> read_box_header(ByteSpan bytes);

/// A box that is there whole.
struct Box {
    FourCc type = 0;
    ByteSpan body;
};

/// Version and flags of a full box, and a reader behind them.
struct FullBox {
    explicit FullBox(const Box& box) : reader{box.body} {
        version = reader.u8();
        flags = reader.u24();
    }
    std::uint8_t version = 0;
    std::uint32_t flags = 0;
    ByteReader reader;
};

/// Boxes one after another, and in which one something was wrong: "moof/traf/trun". A parser of boxes gives
/// one path to all it calls; who enters a box leaves it, unless it fails.
class BoxPath {
public:
    /// Deeper nesting than any file we read has.
    static constexpr std::size_t depth_max = 12;

    Result<> enter(FourCc type);
    void leave();
    bool inside(FourCc type) const { return std::ranges::find(path_, type) != path_.end(); }
    std::string text() const;

private:
    std::vector<FourCc> path_;
};

/// Calls `visit(box)` for each box in `bytes`. Stops at the first error, then `path` says where it was: a box
/// larger than its parent, of a size below its header's, or one that runs to the end of the file.
template <class Visit>
Result<> for_each_box(ByteSpan bytes, BoxPath& path, Visit visit);

/// Takes the next box off the front of `bytes`, and puts it into `path`.
Result<Box> take_box(ByteSpan& bytes, BoxPath& path);

template <class Visit>
Result<> for_each_box(ByteSpan bytes, BoxPath& path, Visit visit) {
    while (!bytes.empty()) {
        const Result<Box> box = take_box(bytes, path);
        if (!box) {
            return std::unexpected(box.error());
        }
        if (const Result<> visited = visit(*box); !visited) {
            return visited;
        }
        path.leave();
    }
    return {};
}

}   // namespace millrace::mp4
