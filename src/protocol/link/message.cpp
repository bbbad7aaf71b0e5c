#include "protocol/link/message.hpp"

#include "base/byte_reader.hpp"
#include "base/byte_writer.hpp"
#include "protocol/media_link/message.hpp"

#include <algorithm>

namespace millrace::link {

// A message, as on the link between the server and its child, whose tracks and units these are; numbers are
// big-endian:
//
//   length(4)    of type and body
//   type(1)      3 track, 4 unit, 64 result, 68 klv (media_link/message.cpp); 32 hello … 37 end; from 64 on,
//   of what
//                later versions say: an end that does not know it passes over it
//   body
//
//   hello        version(2) direction(1) name: size(2) text  query: size(2) text  hops: text, the rest
//   welcome      version(2) hops: text, the rest
//   refusal      code(1) words: text, the rest
//   proof        track(1) units(2) dts(8) end(8) SHA-256(32)
//   wish         what(1) value(8)
//   end
//   run          id: text, the rest
//   cut          number(8) discontinuity sequence(8) flags(1): 1 discontinuity, 2 independent
//                time(8) timescale(4) UTC in microseconds(8) units since the cut before(4)
//   note         JSON, the rest

namespace {

enum class Type : std::uint8_t {
    track = 3,
    unit = 4,
    hello = 32,
    welcome,
    refusal,
    proof,
    wish,
    end,
    result = 64,
    run,
    cut,
    note,
    klv
};

static_assert(static_cast<std::uint8_t>(Type::klv) >= 64,
              "from there on types that are not known are passed over");
constexpr std::uint8_t cut_discontinuity = 1;
constexpr std::uint8_t cut_independent = 2;

class Writer {
public:
    explicit Writer(std::vector<std::byte>& out) : out_{out} {}

    Result<> operator()(const Hello& hello) {
        if (hello.name.size() > name_size_max || hello.query.size() > query_size_max) {
            return fail(Errc::exhausted, "the name of the stream, or what stands behind it, is too long");
        }
        begin(Type::hello);
        out_.u16(hello.version);
        out_.u8(static_cast<std::uint8_t>(hello.direction));
        text(hello.name);
        text(hello.query);
        out_.text(hello.hops.text());
        return {};
    }
    Result<> operator()(const Welcome& welcome) {
        begin(Type::welcome);
        out_.u16(welcome.version);
        out_.text(welcome.hops.text());
        return {};
    }
    Result<> operator()(const Refusal& refusal) {
        begin(Type::refusal);
        out_.u8(static_cast<std::uint8_t>(refusal.code));
        out_.text(std::string_view{refusal.words}.substr(0, words_size_max));
        return {};
    }
    Result<> operator()(const ChunkProof& proof) {
        begin(Type::proof);
        out_.u8(proof.track);
        out_.u16(proof.units);
        out_.u64(static_cast<std::uint64_t>(proof.dts));
        out_.u64(static_cast<std::uint64_t>(proof.end));
        out_.bytes(proof.hash);
        return {};
    }
    Result<> operator()(const Wish& wish) {
        begin(Type::wish);
        out_.u8(static_cast<std::uint8_t>(wish.what));
        out_.u64(wish.value);
        return {};
    }
    Result<> operator()(const Run& run) {
        begin(Type::run);
        out_.text(std::string_view{run.id}.substr(0, run_size_max));
        return {};
    }
    Result<> operator()(const SegmentCut& said) {
        begin(Type::cut);
        out_.u64(said.cut.number);
        out_.u64(said.cut.discontinuity_sequence);
        out_.u8(static_cast<std::uint8_t>((said.cut.discontinuity ? cut_discontinuity : 0) |
                                          (said.cut.independent ? cut_independent : 0)));
        out_.u64(static_cast<std::uint64_t>(said.cut.time));
        out_.u32(static_cast<std::uint32_t>(said.cut.timescale));
        out_.u64(static_cast<std::uint64_t>(said.cut.utc.microseconds));
        out_.u32(said.units);
        return {};
    }
    Result<> operator()(const Note& note) {
        if (note.json.size() > Note::bytes_max) {
            return fail(Errc::exhausted, "a message to a publisher has at most 16 KiB");
        }
        begin(Type::note);
        out_.bytes(note.json);
        return {};
    }
    Result<> operator()(const End&) { return begin(Type::end), Result<>{}; }

private:
    void begin(Type type) { out_.u8(static_cast<std::uint8_t>(type)); }
    void text(std::string_view text) {
        out_.u16(static_cast<std::uint16_t>(text.size()));
        out_.text(text);
    }
    ByteWriter out_;
};

std::string text_of(ByteSpan bytes) {
    return std::string{as_text(bytes)};
}

Result<Message> read_hello(ByteReader& reader) {
    Hello hello{.version = reader.u16()};
    const std::uint8_t direction = reader.u8();
    const ByteSpan name = reader.take(reader.u16());
    const ByteSpan query = reader.take(reader.u16());
    if (!reader.ok() || name.size() > name_size_max || query.size() > query_size_max ||
        direction < static_cast<std::uint8_t>(Direction::publish) ||
        direction > static_cast<std::uint8_t>(Direction::log)) {
        return fail(Errc::malformed, "a first word that is none of the link's");
    }
    hello.direction = static_cast<Direction>(direction);
    hello.name = text_of(name);
    hello.query = text_of(query);
    hello.hops = Hops::parse(text_of(reader.rest()));
    return Message{std::move(hello)};
}

Result<Message> read_refusal(ByteReader& reader) {
    const std::uint8_t code = reader.u8();
    if (!reader.ok() || code > static_cast<std::uint8_t>(Errc::io) || reader.remaining() > words_size_max) {
        return fail(Errc::malformed, "a refusal that cannot be read");
    }
    return Message{Refusal{static_cast<Errc>(code), text_of(reader.rest())}};
}

Result<Message> read_proof(ByteReader& reader) {
    ChunkProof proof{.track = reader.u8(), .units = reader.u16()};
    proof.dts = static_cast<std::int64_t>(reader.u64());
    proof.end = static_cast<std::int64_t>(reader.u64());
    const ByteSpan hash = reader.take(proof.hash.size());
    if (!reader.ok() || !reader.at_end()) {
        return fail(Errc::malformed, "a chunk's hash that is cut or too long");
    }
    std::ranges::copy(hash, proof.hash.begin());
    return Message{proof};
}

Result<Message> read_wish(ByteReader& reader) {
    const std::uint8_t what = reader.u8();
    const std::uint64_t value = reader.u64();
    if (!reader.ok() || !reader.at_end() || what > static_cast<std::uint8_t>(Wish::What::bitrate)) {
        return fail(Errc::malformed, "a wish that the link does not have");
    }
    return Message{Wish{static_cast<Wish::What>(what), value}};
}

Result<Message> read_cut(ByteReader& reader) {
    SegmentCut said;
    said.cut.number = reader.u64();
    said.cut.discontinuity_sequence = reader.u64();
    const std::uint8_t flags = reader.u8();
    said.cut.discontinuity = (flags & cut_discontinuity) != 0;
    said.cut.independent = (flags & cut_independent) != 0;
    said.cut.time = static_cast<std::int64_t>(reader.u64());
    said.cut.timescale = reader.u32();
    said.cut.utc.microseconds = static_cast<std::int64_t>(reader.u64());
    said.units = reader.u32();
    return reader.ok() && reader.at_end() ? Result<Message>{said}
                                          : fail(Errc::malformed, "a segment's cut that is cut or too long");
}

Result<Message> read_media(ByteSpan message) {
    Result<media_link::Message> media = media_link::read(message);
    if (!media) {
        return std::unexpected(media.error());
    }
    if (auto* const track = std::get_if<media::Track>(&*media)) {
        return Message{std::move(*track)};
    }
    if (auto* const result = std::get_if<media::TimedMessage>(&*media)) {
        return Message{std::move(*result)};
    }
    return Message{std::move(std::get<media::AccessUnit>(*media))};
}

Result<Message> read_body(Type type, ByteSpan message, ByteReader& reader) {
    switch (type) {
        case Type::track:
        case Type::unit:
        case Type::result:
        case Type::klv: return read_media(message);
        case Type::hello: return read_hello(reader);
        case Type::welcome: {
            const std::uint16_t said = reader.u16();
            return reader.ok() ? Result<Message>{Welcome{said, Hops::parse(text_of(reader.rest()))}}
                               : fail(Errc::malformed, "an answer of the link that is cut");
        }
        case Type::refusal: return read_refusal(reader);
        case Type::proof: return read_proof(reader);
        case Type::wish: return read_wish(reader);
        case Type::run:
            return reader.remaining() <= run_size_max
                       ? Result<Message>{Run{text_of(reader.rest())}}
                       : fail(Errc::malformed, "a run's name that is too long");
        case Type::cut: return read_cut(reader);
        case Type::note:
            return reader.remaining() <= Note::bytes_max
                       ? Result<Message>{Note{Bytes::copy(reader.rest())}}
                       : fail(Errc::malformed, "a message to a publisher that is too long");
        case Type::end:
            return reader.at_end() ? Result<Message>{End{}}
                                   : fail(Errc::malformed, "an end of the link that goes on");
    }
    return fail(Errc::malformed, "no message of the link");
}

}   // namespace

Result<> write(std::vector<std::byte>& out, const Message& message) {
    if (const auto* const track = std::get_if<media::Track>(&message)) {
        return media_link::write(out, *track);
    }
    if (const auto* const unit = std::get_if<media::AccessUnit>(&message)) {
        return media_link::write(out, *unit);
    }
    if (const auto* const result = std::get_if<media::TimedMessage>(&message)) {
        return media_link::write(out, *result);
    }
    const std::size_t begin = out.size();
    ByteWriter{out}.u32(0);
    Writer writer{out};
    const Result<> written = std::visit(
        [&writer]<class T>(const T& one) -> Result<> {
            if constexpr (requires { writer(one); }) {
                return writer(one);
            }
            return {};
        },
        message);
    if (!written) {
        out.resize(begin);
        return written;
    }
    std::vector<std::byte> length;
    ByteWriter{length}.u32(static_cast<std::uint32_t>(out.size() - begin - 4));
    std::ranges::copy(length, out.begin() + static_cast<std::ptrdiff_t>(begin));
    return {};
}

Result<std::optional<Message>> read(ByteSpan message) {
    ByteReader reader{message};
    const std::uint8_t type = reader.u8();
    if (!reader.ok()) {
        return fail(Errc::malformed, "an empty message");
    }
    if (type > static_cast<std::uint8_t>(Type::klv)) {
        return std::optional<Message>{};
    }
    Result<Message> body = read_body(static_cast<Type>(type), message, reader);
    return body ? Result<std::optional<Message>>{std::move(*body)} : std::unexpected(body.error());
}

}   // namespace millrace::link
