#include "protocol/link/log_message.hpp"

#include "base/byte_reader.hpp"
#include "base/byte_writer.hpp"

#include <algorithm>

namespace millrace::link {

// A message, as in message.cpp; numbers are big-endian:
//
//   length(4) type(1) body
//
//   64 file      id(8) run: size(2) text  codecs: size(2) text  cause: size(2) text  init: the rest
//   65 offer     serial(4) file(8) place(8) size(8) number(8) utc(8) media(8) duration(8) flags(1)
//                lean size(4) SHA-256(32)
//   66 answer    serial(4) verdict(1)
//   67 piece     serial(4) records: the rest
//   68 gap       begin(8) end(8) cause: text, the rest; UTC in microseconds
//   34 refusal   code(1) words: text, the rest

namespace {

enum class Type : std::uint8_t { refusal = 34, file = 64, offer, answer, piece, gap };
enum Flags : std::uint8_t { key = 1, discontinuity = 2 };

constexpr std::size_t length_size = 4;
constexpr std::int64_t time_max = std::int64_t{1} << 60U;   // microseconds

class Writer {
public:
    explicit Writer(std::vector<std::byte>& out) : out_{out} {}

    Result<> operator()(const LogFile& file) {
        const bool fits = std::ranges::all_of(std::array{&file.run, &file.codecs, &file.cause},
                                              [](const auto* text) { return text->size() <= log_words_max; });
        if (!fits || file.init.size() > log_init_max) {
            return fail(Errc::exhausted, "what a file of the archive begins with is too large for an uplink");
        }
        begin(Type::file);
        out_.u64(file.id);
        for (const std::string* const text : {&file.run, &file.codecs, &file.cause}) {
            out_.u16(static_cast<std::uint16_t>(text->size()));
            out_.text(*text);
        }
        out_.bytes(file.init.span());
        return {};
    }
    Result<> operator()(const LogOffer& offer) {
        const LogFragment& one = offer.fragment;
        begin(Type::offer);
        out_.u32(offer.serial);
        for (const std::uint64_t value :
             {one.file, one.place, one.size, one.number, static_cast<std::uint64_t>(one.utc_us),
              static_cast<std::uint64_t>(one.media_us), static_cast<std::uint64_t>(one.duration_us)}) {
            out_.u64(value);
        }
        out_.u8(static_cast<std::uint8_t>((one.key ? key : 0) | (one.discontinuity ? discontinuity : 0)));
        out_.u32(offer.lean_size);
        out_.bytes(offer.hash);
        return {};
    }
    Result<> operator()(const LogAnswer& answer) {
        begin(Type::answer);
        out_.u32(answer.serial);
        out_.u8(static_cast<std::uint8_t>(answer.verdict));
        return {};
    }
    Result<> operator()(const LogPiece& piece) {
        if (piece.bytes.size() > log_piece_max) {
            return fail(Errc::exhausted, "a piece is too large for an uplink");
        }
        begin(Type::piece);
        out_.u32(piece.serial);
        out_.bytes(piece.bytes.span());
        return {};
    }
    Result<> operator()(const LogGap& gap) {
        if (gap.cause.size() > log_cause_max) {
            return fail(Errc::exhausted, "a gap's cause is too long for an uplink");
        }
        begin(Type::gap);
        out_.u64(static_cast<std::uint64_t>(gap.begin_us));
        out_.u64(static_cast<std::uint64_t>(gap.end_us));
        out_.text(gap.cause);
        return {};
    }
    Result<> operator()(const Refusal& refusal) {
        begin(Type::refusal);
        out_.u8(static_cast<std::uint8_t>(refusal.code));
        out_.text(std::string_view{refusal.words}.substr(0, words_size_max));
        return {};
    }

private:
    void begin(Type type) { out_.u8(static_cast<std::uint8_t>(type)); }
    ByteWriter out_;
};

Result<LogMessage> read_file(ByteReader& in) {
    LogFile file{.id = in.u64()};
    for (std::string* const text : {&file.run, &file.codecs, &file.cause}) {
        const ByteSpan bytes = in.take(in.u16());
        if (bytes.size() > log_words_max) {
            return fail(Errc::malformed, "a text of an archive's file that is too long");
        }
        *text = as_text(bytes);
    }
    if (!in.ok() || in.remaining() > log_init_max) {
        return fail(Errc::malformed, "a file of an archive that cannot be read");
    }
    file.init = Bytes::copy(in.rest());
    return LogMessage{std::move(file)};
}

Result<LogMessage> read_offer(ByteReader& in) {
    LogOffer offer{.serial = in.u32()};
    LogFragment& one = offer.fragment;
    for (std::uint64_t* const value : {&one.file, &one.place, &one.size, &one.number}) {
        *value = in.u64();
    }
    for (std::int64_t* const value : {&one.utc_us, &one.media_us, &one.duration_us}) {
        *value = static_cast<std::int64_t>(in.u64());
    }
    const std::uint8_t flags = in.u8();
    one.key = (flags & key) != 0;
    one.discontinuity = (flags & discontinuity) != 0;
    offer.lean_size = in.u32();
    const ByteSpan hash = in.take(offer.hash.size());
    const bool sane = one.size > 0 && one.size <= log_fragment_max && offer.lean_size <= log_lean_max &&
                      one.place < log_fragment_max * 1024 && one.utc_us >= 0 && one.utc_us < time_max &&
                      one.duration_us >= 0 && one.duration_us < time_max && one.media_us > -time_max &&
                      one.media_us < time_max;
    if (!in.ok() || !in.at_end() || !sane || flags > (key | discontinuity)) {
        return fail(Errc::malformed, "an offer that no archive has");
    }
    std::ranges::copy(hash, offer.hash.begin());
    return LogMessage{offer};
}

Result<LogMessage> read_answer(ByteReader& in) {
    const std::uint32_t serial = in.u32();
    const std::uint8_t verdict = in.u8();
    if (!in.ok() || !in.at_end() || verdict < static_cast<std::uint8_t>(LogVerdict::want) ||
        verdict > static_cast<std::uint8_t>(LogVerdict::lean)) {
        return fail(Errc::malformed, "an answer that an uplink does not have");
    }
    return LogMessage{LogAnswer{serial, static_cast<LogVerdict>(verdict)}};
}

Result<LogMessage> read_piece(ByteReader& in) {
    const std::uint32_t serial = in.u32();
    if (!in.ok() || in.at_end() || in.remaining() > log_piece_max) {
        return fail(Errc::malformed, "a piece that is empty or too large");
    }
    return LogMessage{LogPiece{serial, Bytes::copy(in.rest())}};
}

Result<LogMessage> read_gap(ByteReader& in) {
    LogGap gap;
    gap.begin_us = static_cast<std::int64_t>(in.u64());
    gap.end_us = static_cast<std::int64_t>(in.u64());
    const bool sane = gap.begin_us >= 0 && gap.begin_us < gap.end_us && gap.end_us < time_max;
    if (!in.ok() || !sane || in.remaining() > log_cause_max) {
        return fail(Errc::malformed, "a gap that no archive has");
    }
    gap.cause = as_text(in.rest());
    return LogMessage{std::move(gap)};
}

Result<LogMessage> read_refusal(ByteReader& in) {
    const std::uint8_t code = in.u8();
    if (!in.ok() || code > static_cast<std::uint8_t>(Errc::io) || in.remaining() > words_size_max) {
        return fail(Errc::malformed, "a refusal that cannot be read");
    }
    return LogMessage{Refusal{static_cast<Errc>(code), std::string{as_text(in.rest())}}};
}

}   // namespace

Result<> write(std::vector<std::byte>& out, const LogMessage& message) {
    const std::size_t begin = out.size();
    ByteWriter{out}.u32(0);
    Writer writer{out};
    Result<> written = std::visit(writer, message);
    if (!written) {
        out.resize(begin);
        return written;
    }
    std::vector<std::byte> length;
    ByteWriter{length}.u32(static_cast<std::uint32_t>(out.size() - begin - length_size));
    std::ranges::copy(length, out.begin() + static_cast<std::ptrdiff_t>(begin));
    return {};
}

Result<std::optional<LogMessage>> read_log(ByteSpan message) {
    ByteReader in{message};
    const auto type = static_cast<Type>(in.u8());
    Result<LogMessage> body = fail(Errc::malformed, "no message of an uplink");
    switch (type) {
        case Type::refusal: body = read_refusal(in); break;
        case Type::file: body = read_file(in); break;
        case Type::offer: body = read_offer(in); break;
        case Type::answer: body = read_answer(in); break;
        case Type::piece: body = read_piece(in); break;
        case Type::gap: body = read_gap(in); break;
        default:
            if (type > Type::gap) {
                return std::optional<LogMessage>{};
            }
    }
    return body ? Result<std::optional<LogMessage>>{std::move(*body)} : std::unexpected(body.error());
}

Result<std::optional<ByteSpan>> LogReader::next(ByteSpan input) {
    if (input.size() < length_size) {
        return std::optional<ByteSpan>{};
    }
    const std::uint32_t length = ByteReader{input}.u32();
    if (length == 0 || length > log_message_max) {
        return fail(Errc::exhausted, "a message of a size that an uplink does not have");
    }
    return input.size() - length_size < length ? std::optional<ByteSpan>{}
                                               : std::optional{input.subspan(length_size, length)};
}

}   // namespace millrace::link
