#include "archive/catalogue.hpp"

#include "archive/checksum.hpp"
#include "base/byte_reader.hpp"
#include "base/byte_writer.hpp"

namespace millrace::archive {

namespace {

constexpr std::uint8_t version = 1;
constexpr std::size_t fragment_bytes = 6 * 8 + 1;
constexpr std::uint8_t key = 1;
constexpr std::uint8_t discontinuity = 2;
constexpr std::uint8_t damaged = 4;
/// No time of a recording is further from 1970: sums of some of them stay numbers.
constexpr std::int64_t time_us_max = INT64_MAX / 8;

std::int64_t signed_of(std::uint64_t bits) {
    return static_cast<std::int64_t>(bits);
}

bool is_time(std::int64_t us) {
    return us > -time_us_max && us < time_us_max;
}

bool is_sound(const Fragment& fragment) {
    constexpr std::int64_t duration_us_max =
        std::chrono::duration_cast<std::chrono::microseconds>(Index::file_duration_max).count();
    return is_time(fragment.utc.microseconds) && is_time(fragment.media_us) && fragment.duration_us >= 0 &&
           fragment.duration_us <= duration_us_max && fragment.size < UINT64_C(1) << file_id_bits &&
           fragment.offset < UINT64_C(1) << file_id_bits;
}

}   // namespace

std::vector<std::byte> packed_fragments(std::span<const Fragment> fragments) {
    std::vector<std::byte> bytes;
    bytes.reserve(1 + fragments.size() * fragment_bytes);
    ByteWriter out{bytes};
    out.u8(version);
    for (const Fragment& one : fragments) {
        out.u64(one.number);
        out.u64(one.offset);
        out.u64(one.size);
        out.u64(static_cast<std::uint64_t>(one.utc.microseconds));
        out.u64(static_cast<std::uint64_t>(one.media_us));
        out.u64(static_cast<std::uint64_t>(one.duration_us));
        const int flags =
            (one.key ? key : 0) | (one.discontinuity ? discontinuity : 0) | (one.damaged ? damaged : 0);
        out.u8(static_cast<std::uint8_t>(flags));
    }
    return bytes;
}

Result<std::vector<Fragment>> read_packed_fragments(ByteSpan bytes) {
    constexpr Error strange{Errc::malformed, "the fragments of a file in the catalogue cannot be read"};
    ByteReader in{bytes};
    if (in.u8() != version || in.remaining() % fragment_bytes != 0) {
        return std::unexpected(strange);
    }
    std::vector<Fragment> fragments;
    fragments.reserve(in.remaining() / fragment_bytes);
    while (!in.at_end()) {
        Fragment one{.number = in.u64(), .offset = in.u64(), .size = in.u64()};
        one.utc = {signed_of(in.u64())};
        one.media_us = signed_of(in.u64());
        one.duration_us = signed_of(in.u64());
        const std::uint8_t flags = in.u8();
        one.key = (flags & key) != 0;
        one.discontinuity = (flags & discontinuity) != 0;
        one.damaged = (flags & damaged) != 0;
        if (!is_sound(one)) {
            return std::unexpected(strange);
        }
        fragments.push_back(one);
    }
    return fragments;
}

std::uint32_t catalogue_stamp(const CatalogueFile& file) {
    const FileRow& row = file.row;
    std::vector<std::byte> bytes = packed_fragments(file.fragments);
    ByteWriter out{bytes};
    for (const std::string& text :
         {row.facts.stream, row.facts.run, row.facts.codecs, row.facts.cause, row.seal_cause, row.bucket}) {
        out.u32(static_cast<std::uint32_t>(text.size()));
        out.text(text);
    }
    out.u8(static_cast<std::uint8_t>(row.state));
    out.u8(static_cast<std::uint8_t>(row.home));
    out.u64(static_cast<std::uint64_t>(row.begin.microseconds));
    out.u64(static_cast<std::uint64_t>(row.end.microseconds));
    out.u64(row.bytes);
    out.u32(file.init_sum);
    return checksum(bytes);
}

}   // namespace millrace::archive
