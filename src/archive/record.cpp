#include "archive/record.hpp"

#include "archive/checksum.hpp"
#include "base/byte_reader.hpp"
#include "base/byte_writer.hpp"
#include "container/mp4_box.hpp"

namespace millrace::archive {

namespace {

using Out = std::vector<std::byte>;

constexpr std::uint8_t version = 1;

std::uint32_t head_sum(ByteSpan head, std::uint64_t file) {
    Out id;
    ByteWriter{id}.u64(own_id(file));
    return checksum(head, checksum(id));
}

void write_text(ByteWriter& out, const std::string& text) {
    const std::size_t size = std::min(text.size(), FileFacts::text_size_max);
    out.u16(static_cast<std::uint16_t>(size));
    out.text(std::string_view{text}.substr(0, size));
}

std::string read_text(ByteReader& in) {
    return std::string{as_text(in.take(in.u16()))};
}

/// The body of the free box at the front of `bytes`, and how long that box is.
Result<std::pair<ByteSpan, std::size_t>> read_free(ByteSpan bytes) {
    const auto header = mp4::read_box_header(bytes);
    if (!header || !*header || (*header)->type != mp4::four_cc("free") || !(*header)->body_size ||
        *(*header)->body_size > bytes.size() - (*header)->header_size) {
        return fail(Errc::malformed, "a record without its facts");
    }
    const std::size_t size = *(*header)->body_size;
    return std::pair{bytes.subspan((*header)->header_size, size), (*header)->header_size + size};
}

}   // namespace

std::vector<std::byte> head_bytes(const RecordHead& head, std::uint64_t file) {
    Out out;
    out.reserve(head_size);
    ByteWriter writer{out};
    writer.u32(head_size);
    writer.u32(mp4::four_cc("uuid"));
    writer.bytes(std::as_bytes(std::span{record_id}));
    writer.u8(version);
    writer.u8(static_cast<std::uint8_t>(head.kind));
    writer.u8(head.track);
    writer.u8(head.flags);
    writer.u32(head.body_size);
    writer.u32(head.body_sum);
    writer.u64(head.number);
    writer.u64(head.fragment);
    writer.u64(static_cast<std::uint64_t>(head.dts));
    writer.u64(static_cast<std::uint64_t>(head.duration));
    writer.u32(head.timescale);
    writer.u64(static_cast<std::uint64_t>(head.utc.microseconds));
    writer.u32(head_sum(out, file));
    return out;
}

Result<RecordHead> read_head(ByteSpan bytes, std::uint64_t file) {
    if (bytes.size() < head_size) {
        return fail(Errc::malformed, "a record's head is cut");
    }
    bytes = bytes.first(head_size);
    ByteReader in{bytes};
    const bool box = in.u32() == head_size && in.u32() == mp4::four_cc("uuid");
    const ByteSpan id = in.take(record_id.size());
    if (!box || as_text(id) != as_text(std::as_bytes(std::span{record_id})) || in.u8() != version) {
        return fail(Errc::malformed, "no record stands here");
    }
    RecordHead head;
    const std::uint8_t kind = in.u8();
    head.kind = static_cast<RecordKind>(kind);
    head.track = in.u8();
    head.flags = in.u8();
    head.body_size = in.u32();
    head.body_sum = in.u32();
    head.number = in.u64();
    head.fragment = in.u64();
    head.dts = static_cast<std::int64_t>(in.u64());
    head.duration = static_cast<std::int64_t>(in.u64());
    head.timescale = in.u32();
    head.utc.microseconds = static_cast<std::int64_t>(in.u64());
    if (in.u32() != head_sum(bytes.first(head_size - 4), file)) {
        return fail(Errc::malformed, "a record's head is not as it was written");
    }
    const bool known = kind >= static_cast<std::uint8_t>(RecordKind::file) &&
                       kind <= static_cast<std::uint8_t>(RecordKind::seal);
    if (!known || head.body_size > body_size_max || head.timescale == 0 || head.duration < 0) {
        return fail(Errc::malformed, "a record that nobody wrote");
    }
    return head;
}

std::vector<std::byte> facts_body(const FileFacts& facts, ByteSpan init) {
    Out out;
    {
        const mp4::OpenBox box{out, mp4::four_cc("free")};
        ByteWriter writer{out};
        write_text(writer, facts.stream);
        write_text(writer, facts.run);
        write_text(writer, facts.codecs);
        write_text(writer, facts.cause);
        if (facts.before_end && facts.first_begin) {
            writer.u64(static_cast<std::uint64_t>(facts.before_end->microseconds));
            writer.u64(static_cast<std::uint64_t>(facts.first_begin->microseconds));
        }
    }
    ByteWriter{out}.bytes(init);
    return out;
}

Result<ReadFacts> read_facts(ByteSpan body) {
    const auto free = read_free(body);
    if (!free) {
        return std::unexpected(free.error());
    }
    ByteReader in{free->first};
    ReadFacts read;
    read.facts.stream = read_text(in);
    read.facts.run = read_text(in);
    read.facts.codecs = read_text(in);
    read.facts.cause = read_text(in);
    if (in.remaining() > 0) {
        read.facts.before_end = WallTime{static_cast<std::int64_t>(in.u64())};
        read.facts.first_begin = WallTime{static_cast<std::int64_t>(in.u64())};
    }
    read.init_offset = free->second;
    if (!in.ok()) {
        return fail(Errc::malformed, "a file's facts are cut");
    }
    return read;
}

std::vector<std::byte> seal_body(const std::string& cause) {
    Out out;
    {
        const mp4::OpenBox box{out, mp4::four_cc("free")};
        ByteWriter writer{out};
        write_text(writer, cause);
    }
    return out;
}

Result<std::string> read_seal(ByteSpan body) {
    const auto free = read_free(body);
    if (!free) {
        return std::unexpected(free.error());
    }
    ByteReader in{free->first};
    std::string cause = read_text(in);
    return in.ok() ? Result<std::string>{std::move(cause)} : fail(Errc::malformed, "a file's end is cut");
}

}   // namespace millrace::archive
