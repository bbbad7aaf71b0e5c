#include "protocol/media_link/message.hpp"

#include "base/byte_reader.hpp"
#include "base/byte_writer.hpp"
#include "media/aac.hpp"
#include "media/av1.hpp"
#include "media/h264_config.hpp"
#include "media/h265_config.hpp"
#include "media/jpeg.hpp"
#include "media/nal.hpp"
#include "media/opus.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace millrace::media_link {

// A message; numbers are big-endian:
//
//   length(4)                    of type and body
//   type(1)                      1 hello … 8 end; 16 picture, 17 release, 18 played; 64 result, 68 klv
//   body
//
//   hello        version(2)
//   start        source          text, the rest of the message
//   track        id(1) kind(1) codec(1; 255: not configured yet, then nothing follows) frame_rate(8, double)
//   sample_rate(4) channels(2)
//                sets(1) of {size(2) NAL unit}: VPS, SPS and PPS in this order
//                extra           the rest: AudioSpecificConfig, OpusHead, AV1's sequence header OBU;
//                                MJPEG: width(2) height(2)
//   unit         track(1) flags(1; bit 0: key, 1: discontinuity, 2: its slices' QP is known, 3: its coded QP,
//                4: its number) picture(1) label(1)
//                slice QP: average(2, signed) min(1, signed) max(1, signed); coded QP(2, signed); averages in
//                hundredths; number(4)
//                utc(8) dts(8) pts(8) duration(4) payload
//   command      what(1) value(8)
//   statistics   frames(8) late(8) skipped(8) bytes(8) captured(8) encoded(8) dropped_slow(8)
//                dropped_asked(8) broken(8) pictures_waiting(4) units_waiting(4)
//   fault        lasting(1) words
//   end
//   picture      slot(1) flags(1: 1 full range, 2 late) matrix(1) label(1) width(2) height(2)
//                number(8) pts(8) utc(8) decoded_at(8)
//   release      slot(1)
//   played       units(8) pictures(8) broken(8) skipped(8) waiting(8) late(8) sounds(8) sounds_broken(8)
//                delay(8) jitter(8) behind_sound(8), microseconds
//                sounds_late(8) sound_played(8) sound_filled(8) sound_dropped(8), microseconds
//                silent          text, the rest of the message
//   result       utc(8) of its picture; JSON, the rest
//   klv          utc(8) of its picture; KLV (SMPTE 336M), the rest

namespace {

enum class Type : std::uint8_t {
    hello = 1,
    start,
    track,
    unit,
    command,
    statistics,
    fault,
    end,
    picture = 16,
    release,
    played,
    result = 64,
    klv = 68
};

constexpr std::uint8_t flag_key = 1;
constexpr std::uint8_t flag_discontinuity = 2;
constexpr std::uint8_t flag_slice_qp = 4;
constexpr std::uint8_t flag_coded_qp = 8;
constexpr std::uint8_t flag_number = 16;
constexpr float qp_unit = 100;
constexpr std::uint8_t codec_unknown = 255;
constexpr std::size_t parameter_sets_max = 96;
/// Further than this from zero, and decode and output times further apart, is no time (3000 years, a day).
constexpr std::int64_t ticks_max = std::int64_t{1} << 53U;
constexpr std::int64_t composition_max = std::int64_t{90'000} * 86'400;

class Writer {
public:
    explicit Writer(std::vector<std::byte>& out) : out_{out} {}

    Result<> operator()(const Hello& hello) {
        return begin(Type::hello), out_.u16(hello.version), Result<>{};
    }
    Result<> operator()(const Start& start) {
        return begin(Type::start), out_.text(start.source), Result<>{};
    }
    Result<> operator()(const media::Track& track);
    Result<> operator()(const media::AccessUnit& unit);
    Result<> operator()(const Command& command) {
        begin(Type::command);
        out_.u8(static_cast<std::uint8_t>(command.what));
        out_.u64(command.value);
        return {};
    }
    Result<> operator()(const Statistics& statistics) {
        begin(Type::statistics);
        out_.u64(statistics.frames);
        out_.u64(statistics.late);
        out_.u64(statistics.skipped);
        out_.u64(statistics.bytes);
        out_.u64(statistics.captured);
        out_.u64(statistics.encoded);
        out_.u64(statistics.dropped_slow);
        out_.u64(statistics.dropped_asked);
        out_.u64(statistics.broken);
        out_.u32(statistics.pictures_waiting);
        out_.u32(statistics.units_waiting);
        return {};
    }
    Result<> operator()(const Fault& fault) {
        begin(Type::fault);
        out_.u8(fault.lasting ? 1 : 0);
        out_.text(std::string_view{fault.words}.substr(0, fault_bytes_max));
        return {};
    }
    Result<> operator()(const End&) { return begin(Type::end), Result<>{}; }
    Result<> operator()(const Picture& picture) {
        return begin(Type::picture), media_link::write(out_, picture), Result<>{};
    }
    Result<> operator()(const Release& release) {
        return begin(Type::release), media_link::write(out_, release), Result<>{};
    }
    Result<> operator()(const Played& played) {
        return begin(Type::played), media_link::write(out_, played), Result<>{};
    }
    Result<> operator()(const media::TimedMessage& message) {
        begin(message.kind == media::TimedMessage::Kind::klv ? Type::klv : Type::result);
        out_.u64(static_cast<std::uint64_t>(message.capture.microseconds));
        out_.bytes(message.body);
        return {};
    }

private:
    void begin(Type type) { out_.u8(static_cast<std::uint8_t>(type)); }
    ByteWriter out_;
};

Result<> Writer::operator()(const media::Track& track) {
    begin(Type::track);
    out_.u8(track.id);
    out_.u8(static_cast<std::uint8_t>(track.kind));
    if (track.config == nullptr) {
        out_.u8(codec_unknown);
        return {};
    }
    const media::TrackConfig& config = *track.config;
    out_.u8(static_cast<std::uint8_t>(config.codec));
    out_.f64(config.frame_rate);
    out_.u32(config.sample_rate);
    out_.u16(config.channels);
    const std::size_t sets = config.vps.size() + config.sps.size() + config.pps.size();
    if (sets > parameter_sets_max) {
        return fail(Errc::exhausted, "too many parameter sets");
    }
    out_.u8(static_cast<std::uint8_t>(sets));
    for (const std::vector<Bytes>* kind : {&config.vps, &config.sps, &config.pps}) {
        for (const Bytes& nal : *kind) {
            out_.u16(static_cast<std::uint16_t>(nal.size()));
            out_.bytes(nal);
        }
    }
    if (config.codec == media::Codec::mjpeg) {
        out_.u16(static_cast<std::uint16_t>(config.width));
        out_.u16(static_cast<std::uint16_t>(config.height));
        return {};
    }
    out_.bytes(config.extra);
    return {};
}

std::uint8_t flags_of(const media::AccessUnit& unit) {
    return static_cast<std::uint8_t>(
        (unit.key ? flag_key : 0) | (unit.discontinuity ? flag_discontinuity : 0) |
        (unit.slice_qp ? flag_slice_qp : 0) | (unit.coded_qp ? flag_coded_qp : 0) |
        (unit.camera_number ? flag_number : 0));
}

/// A QP in two bytes; signed, for more than 8 bits a sample go below zero.
std::uint16_t hundredths(float qp) {
    return static_cast<std::uint16_t>(std::lround(std::clamp(qp, -128.0F, 127.0F) * qp_unit));
}
float from_hundredths(std::uint16_t written) {
    return static_cast<float>(static_cast<std::int16_t>(written)) / qp_unit;
}

Result<> Writer::operator()(const media::AccessUnit& unit) {
    if (unit.payload.size() > unit_bytes_max) {
        return fail(Errc::exhausted, "access unit too large for the link");
    }
    begin(Type::unit);
    out_.u8(unit.track);
    out_.u8(flags_of(unit));
    out_.u8(static_cast<std::uint8_t>(unit.picture));
    out_.u8(static_cast<std::uint8_t>(unit.capture.label));
    const media::SliceQp slice_qp = unit.slice_qp.value_or(media::SliceQp{});
    out_.u16(hundredths(slice_qp.average));
    out_.u8(static_cast<std::uint8_t>(slice_qp.min));
    out_.u8(static_cast<std::uint8_t>(slice_qp.max));
    out_.u16(hundredths(unit.coded_qp.value_or(0)));
    out_.u32(unit.camera_number.value_or(0));
    out_.u64(static_cast<std::uint64_t>(unit.capture.utc.microseconds));
    out_.u64(static_cast<std::uint64_t>(unit.dts));
    out_.u64(static_cast<std::uint64_t>(unit.pts));
    out_.u32(static_cast<std::uint32_t>(unit.duration));
    out_.bytes(unit.payload);
    return {};
}

Result<media::TrackConfig> mjpeg_config(ByteSpan size) {
    ByteReader reader{size};
    const std::uint16_t width = reader.u16();
    const std::uint16_t height = reader.u16();
    if (!reader.ok() || !reader.at_end()) {
        return fail(Errc::malformed, "an MJPEG track without its size");
    }
    return media::jpeg::config_of(width, height);
}

/// Samples without a header of their own.
Result<media::TrackConfig> plain_config(media::TrackConfig said) {
    constexpr std::uint16_t channels_max = 8;
    if (said.sample_rate < 8'000 || said.sample_rate > media::aac::sample_rate_max || said.channels < 1 ||
        said.channels > channels_max) {
        return fail(Errc::malformed, "no sample rate or number of channels of plain sound");
    }
    said.timescale = said.sample_rate;
    said.extra = {};
    said.codec_string = media::name(said.codec);
    return said;
}

/// What the parameter sets say; nothing else of a configuration is believed.
Result<media::TrackConfig> derive(media::TrackConfig said, std::span<const ByteSpan> sets) {
    switch (said.codec) {
        case media::Codec::h264: return media::h264::config_from(sets);
        case media::Codec::h265: return media::h265::config_from(sets);
        case media::Codec::aac: return media::aac::config_from(said.extra);
        case media::Codec::opus: return media::opus::config_from(said.extra);
        case media::Codec::mp3: break;
        case media::Codec::mjpeg: return mjpeg_config(said.extra);
        case media::Codec::av1: return media::av1::config_from(said.extra);
        case media::Codec::pcma:
        case media::Codec::pcmu:
        case media::Codec::g722:
        case media::Codec::l16: return plain_config(std::move(said));
    }
    if (said.sample_rate < 8'000 || said.sample_rate > 48'000 || said.channels < 1 || said.channels > 2) {
        return fail(Errc::malformed, "no sample rate or number of channels of MP3");
    }
    said.timescale = said.sample_rate;
    said.extra = {};
    said.codec_string = said.sample_rate >= 32'000 ? "mp4a.6B" : "mp4a.69";
    return said;
}

Result<Message> read_track(ByteReader& reader) {
    media::Track track;
    media::TrackConfig said;
    track.id = reader.u8();
    const std::uint8_t kind = reader.u8();
    const std::uint8_t codec = reader.u8();
    if (!reader.ok() || kind > static_cast<std::uint8_t>(media::Kind::data)) {
        return fail(Errc::malformed, "a track of no known kind");
    }
    track.kind = static_cast<media::Kind>(kind);
    if (codec == codec_unknown) {
        return reader.at_end() ? Result<Message>{std::move(track)}
                               : fail(Errc::malformed, "a track that is too long");
    }
    if (codec > static_cast<std::uint8_t>(media::Codec::l16)) {
        return fail(Errc::malformed, "a track of no known codec");
    }
    said.codec = static_cast<media::Codec>(codec);
    const auto frame_rate = std::bit_cast<double>(reader.u64());
    said.sample_rate = reader.u32();
    said.channels = reader.u16();
    std::vector<ByteSpan> sets;
    for (std::uint8_t count = reader.u8(); count != 0 && reader.ok(); --count) {
        sets.push_back(reader.take(reader.u16()));
    }
    if (!reader.ok() || sets.size() > parameter_sets_max ||
        reader.remaining() > media::parameter_set_bytes_max) {
        return fail(Errc::malformed, "a track that is cut or too large");
    }
    said.extra = Bytes::copy(reader.rest());
    Result<media::TrackConfig> config = derive(std::move(said), sets);
    if (!config) {
        return std::unexpected(config.error());
    }
    if (config->frame_rate == 0 && frame_rate > 0 && frame_rate <= media::frame_rate_max) {
        config->frame_rate = frame_rate;
    }
    track.kind = kind_of(config->codec);
    track.config = std::make_shared<const media::TrackConfig>(std::move(*config));
    return Message{std::move(track)};
}

void read_quality(ByteReader& reader, std::uint8_t flags, media::AccessUnit& unit) {
    media::SliceQp slice_qp;
    slice_qp.average = from_hundredths(reader.u16());
    slice_qp.min = static_cast<std::int8_t>(reader.u8());
    slice_qp.max = static_cast<std::int8_t>(reader.u8());
    const float coded_qp = from_hundredths(reader.u16());
    const std::uint32_t number = reader.u32();
    if ((flags & flag_slice_qp) != 0) {
        unit.slice_qp = slice_qp;
    }
    if ((flags & flag_coded_qp) != 0) {
        unit.coded_qp = coded_qp;
    }
    if ((flags & flag_number) != 0) {
        unit.camera_number = number;
    }
}

Result<Message> read_unit(ByteReader& reader) {
    media::AccessUnit unit;
    unit.track = reader.u8();
    const std::uint8_t flags = reader.u8();
    unit.key = (flags & flag_key) != 0;
    unit.discontinuity = (flags & flag_discontinuity) != 0;
    const std::uint8_t picture = reader.u8();
    const std::uint8_t label = reader.u8();
    read_quality(reader, flags, unit);
    unit.capture.utc.microseconds = static_cast<std::int64_t>(reader.u64());
    unit.dts = static_cast<std::int64_t>(reader.u64());
    unit.pts = static_cast<std::int64_t>(reader.u64());
    unit.duration = reader.u32();
    if (!reader.ok() || reader.at_end() || reader.remaining() > unit_bytes_max) {
        return fail(Errc::malformed, "an access unit that is cut, empty or too large");
    }
    if (picture > static_cast<std::uint8_t>(media::PictureType::b) ||
        label > static_cast<std::uint8_t>(media::CaptureTime::Label::capture)) {
        return fail(Errc::malformed, "no picture type or capture label");
    }
    if (unit.dts > ticks_max || unit.dts < -ticks_max || unit.pts > unit.dts + composition_max ||
        unit.pts < unit.dts - composition_max) {
        return fail(Errc::malformed, "no time of an access unit");
    }
    unit.picture = static_cast<media::PictureType>(picture);
    unit.capture.label = static_cast<media::CaptureTime::Label>(label);
    unit.payload = Bytes::copy(reader.rest());
    return Message{std::move(unit)};
}

Result<Message> read_command(ByteReader& reader) {
    const std::uint8_t what = reader.u8();
    if (what > static_cast<std::uint8_t>(Command::What::volume)) {
        return fail(Errc::malformed, "no command of the link");
    }
    return Message{Command{static_cast<Command::What>(what), reader.u64()}};
}

Result<Message> read_statistics(ByteReader& reader) {
    Statistics statistics;
    statistics.frames = reader.u64();
    statistics.late = reader.u64();
    statistics.skipped = reader.u64();
    statistics.bytes = reader.u64();
    statistics.captured = reader.u64();
    statistics.encoded = reader.u64();
    statistics.dropped_slow = reader.u64();
    statistics.dropped_asked = reader.u64();
    statistics.broken = reader.u64();
    statistics.pictures_waiting = reader.u32();
    statistics.units_waiting = reader.u32();
    return Message{statistics};
}

Result<Message> read_text(Type type, ByteReader& reader) {
    const bool lasting = type == Type::fault && reader.u8() != 0;
    const std::size_t limit = type == Type::fault ? fault_bytes_max : source_bytes_max;
    if (reader.remaining() > limit) {
        return fail(Errc::exhausted, "too many words");
    }
    std::string text{as_text(reader.take(reader.remaining()))};
    return type == Type::fault ? Message{Fault{lasting, std::move(text)}} : Message{Start{std::move(text)}};
}

/// What its text says of the time is not asked again: the sender knows its picture.
Result<Message> read_result(ByteReader& reader, media::TimedMessage::Kind kind) {
    constexpr std::int64_t utc_max = std::int64_t{1} << 58U;
    const auto utc = static_cast<std::int64_t>(reader.u64());
    if (!reader.ok() || utc < 0 || utc > utc_max) {
        return fail(Errc::malformed, "a result that is cut, or of no time");
    }
    if (kind == media::TimedMessage::Kind::klv) {
        return reader.remaining() <= media::TimedMessage::bytes_max
                   ? Result<Message>{media::TimedMessage{.kind = kind,
                                                         .body = Bytes::copy(reader.take(reader.remaining())),
                                                         .capture = {utc}}}
                   : fail(Errc::malformed, "KLV of more than 16 KiB");
    }
    Result<media::TimedMessage> message = media::read_message(as_text(reader.take(reader.remaining())));
    if (!message) {
        return std::unexpected(message.error());
    }
    message->capture.microseconds = utc;
    return Message{std::move(*message)};
}

Result<Message> read_body(Type type, ByteReader& reader) {
    switch (type) {
        case Type::hello: return Message{Hello{reader.u16()}};
        case Type::start:
        case Type::fault: return read_text(type, reader);
        case Type::command: return read_command(reader);
        case Type::statistics: return read_statistics(reader);
        case Type::end: return Message{End{}};
        case Type::picture: return read_picture(reader);
        case Type::release: return read_release(reader);
        case Type::played: return read_played(reader);
        case Type::result: return read_result(reader, media::TimedMessage::Kind::result);
        case Type::klv: return read_result(reader, media::TimedMessage::Kind::klv);
        case Type::track:
        case Type::unit: break;
    }
    return fail(Errc::malformed, "no message of the link");
}

}   // namespace

Result<> write(std::vector<std::byte>& out, const Message& message) {
    const std::size_t begin = out.size();
    ByteWriter{out}.u32(0);
    const Result<> written = std::visit(Writer{out}, message);
    if (!written) {
        out.resize(begin);
        return written;
    }
    std::vector<std::byte> length;
    ByteWriter{length}.u32(static_cast<std::uint32_t>(out.size() - begin - 4));
    std::ranges::copy(length, out.begin() + static_cast<std::ptrdiff_t>(begin));
    return {};
}

Result<Message> read(ByteSpan message) {
    ByteReader reader{message};
    const auto type = static_cast<Type>(reader.u8());
    if (type == Type::track) {
        return read_track(reader);
    }
    if (type == Type::unit) {
        return read_unit(reader);
    }
    Result<Message> body = read_body(type, reader);
    if (body && (!reader.ok() || !reader.at_end())) {
        return fail(Errc::malformed, "a message that is cut or too long");
    }
    return body;
}

}   // namespace millrace::media_link
