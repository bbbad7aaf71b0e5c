#include "container/mp4_box.hpp"

#include "base/check.hpp"

namespace millrace::mp4 {

std::string text_of(FourCc type) {
    std::string text;
    for (const unsigned shift : {24U, 16U, 8U, 0U}) {
        const char c = static_cast<char>(type >> shift & 0xFFU);
        text += c >= ' ' && c <= '~' ? c : '.';
    }
    return text;
}

OpenBox::OpenBox(std::vector<std::byte>& out, FourCc type) : out_{out}, start_{out.size()} {
    ByteWriter writer{out_};
    writer.u32(0);
    writer.u32(type);
}

OpenBox::OpenBox(std::vector<std::byte>& out, FourCc type, std::uint8_t version, std::uint32_t flags)
    : OpenBox{out, type} {
    ByteWriter writer{out_};
    writer.u8(version);
    writer.u24(flags);
}

OpenBox::~OpenBox() {
    overwrite_u32(out_, start_, static_cast<std::uint32_t>(out_.size() - start_));
}

void overwrite_u32(std::vector<std::byte>& out, std::size_t at, std::uint32_t value) {
    check(out.size() >= 4 && at <= out.size() - 4, "four bytes are there to be written over");
    for (unsigned i = 0; i < 4; ++i) {
        out[at + i] = static_cast<std::byte>(value >> (24 - 8 * i));
    }
}

Result<std::optional<BoxHeader>> read_box_header(ByteSpan bytes) {
    constexpr std::uint32_t to_the_end = 0;
    constexpr std::uint32_t large = 1;
    if (bytes.size() < box_header_size) {
        return std::nullopt;
    }
    ByteReader reader{bytes};
    std::uint64_t size = reader.u32();
    BoxHeader header{.type = reader.u32()};
    if (size == to_the_end) {
        return header;
    }
    if (size == large) {
        if (bytes.size() < large_box_header_size) {
            return std::nullopt;
        }
        size = reader.u64();
        header.header_size = large_box_header_size;
    }
    if (size < header.header_size) {
        return fail(Errc::malformed, "a box smaller than its header");
    }
    header.body_size = size - header.header_size;
    return header;
}

Result<> BoxPath::enter(FourCc type) {
    path_.push_back(type);
    if (path_.size() > depth_max) {
        return fail(Errc::exhausted, "boxes nested too deep");
    }
    return {};
}

void BoxPath::leave() {
    path_.pop_back();
}

std::string BoxPath::text() const {
    std::string text;
    for (const FourCc type : path_) {
        text += text.empty() ? "" : "/";
        text += text_of(type);
    }
    return text;
}

Result<Box> take_box(ByteSpan& bytes, BoxPath& path) {
    // The path first, so that even a broken size is told with the name that stands behind it.
    ByteReader name{bytes};
    name.skip(4);
    const FourCc type = name.u32();
    if (!name.ok()) {
        return fail(Errc::malformed, "too few bytes for a box");
    }
    if (const Result<> entered = path.enter(type); !entered) {
        return std::unexpected(entered.error());
    }
    const Result<std::optional<BoxHeader>> header = read_box_header(bytes);
    if (!header) {
        return std::unexpected(header.error());
    }
    if (!*header) {
        return fail(Errc::malformed, "a box cut short in its header");
    }
    if (!(*header)->body_size) {
        return fail(Errc::malformed, "a box of size 0 inside another");
    }
    const std::size_t header_size = (*header)->header_size;
    if (*(*header)->body_size > bytes.size() - header_size) {
        return fail(Errc::malformed, "a box larger than what holds it");
    }
    const auto body_size = static_cast<std::size_t>(*(*header)->body_size);
    const Box box{.type = type, .body = bytes.subspan(header_size, body_size)};
    bytes = bytes.subspan(header_size + body_size);
    return box;
}

}   // namespace millrace::mp4
