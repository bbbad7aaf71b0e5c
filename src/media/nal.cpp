#include "media/nal.hpp"

#include "base/byte_reader.hpp"
#include "base/byte_writer.hpp"

#include <algorithm>
#include <optional>

namespace millrace::media {

namespace {

std::uint32_t read_length(ByteReader& reader, unsigned length_size) {
    switch (length_size) {
        case 1: return reader.u8();
        case 2: return reader.u16();
        default: return reader.u32();
    }
}

/// Where the 1 of the next 00 00 01 is, at or after `from`.
std::optional<std::size_t> next_start_code(ByteSpan bytes, std::size_t from) {
    for (std::size_t at = std::max<std::size_t>(from, 2); at < bytes.size(); ++at) {
        const void* found = std::memchr(bytes.data() + at, 1, bytes.size() - at);
        if (found == nullptr) {
            return std::nullopt;
        }
        at = static_cast<std::size_t>(static_cast<const std::byte*>(found) - bytes.data());
        if (at - from >= 2 && bytes[at - 1] == std::byte{0} && bytes[at - 2] == std::byte{0}) {
            return at;
        }
    }
    return std::nullopt;
}

}   // namespace

ByteSpan without_trailing_zeros(ByteSpan bytes) {
    while (!bytes.empty() && bytes.back() == std::byte{0}) {
        bytes = bytes.first(bytes.size() - 1);
    }
    return bytes;
}

Result<std::vector<ByteSpan>> split_length_prefixed(ByteSpan bytes, unsigned length_size) {
    if (length_size != 1 && length_size != 2 && length_size != 4) {
        return fail(Errc::malformed, "NAL unit lengths of a size other than 1, 2 and 4");
    }
    std::vector<ByteSpan> nals;
    ByteReader reader{bytes};
    while (!reader.at_end()) {
        const ByteSpan nal = reader.take(read_length(reader, length_size));
        if (!reader.ok()) {
            return fail(Errc::malformed, "NAL unit longer than its access unit");
        }
        if (nal.empty()) {
            continue;
        }
        if (nals.size() == nals_per_access_unit_max) {
            return fail(Errc::exhausted, "too many NAL units in an access unit");
        }
        nals.push_back(nal);
    }
    return nals;
}

std::vector<ByteSpan> split_annex_b(ByteSpan bytes) {
    std::vector<ByteSpan> nals;
    std::optional<std::size_t> one = next_start_code(bytes, 0);
    while (one && nals.size() <= nals_per_access_unit_max) {
        const std::size_t begin = *one + 1;
        one = next_start_code(bytes, begin);
        const std::size_t end = one ? *one - 2 : bytes.size();
        const ByteSpan nal = without_trailing_zeros(bytes.subspan(begin, end - begin));
        if (!nal.empty()) {
            nals.push_back(nal);
        }
    }
    return nals;
}

void append_nal(std::vector<std::byte>& out, ByteSpan nal) {
    ByteWriter writer{out};
    writer.u32(static_cast<std::uint32_t>(nal.size()));
    writer.bytes(nal);
}

}   // namespace millrace::media
