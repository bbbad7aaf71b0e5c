#include "container/flv_reader.hpp"

#include "container/flv_body.hpp"
#include "media/aac.hpp"
#include "media/audio_frame.hpp"
#include "media/av1.hpp"
#include "media/h264_config.hpp"
#include "media/h265_config.hpp"
#include "media/mp3.hpp"
#include "media/nal.hpp"
#include "media/opus.hpp"
#include "media/time.hpp"

namespace millrace::flv {
namespace {

using Items = Result<std::optional<Item>>;

struct VideoRecord {
    media::TrackConfig config;
    unsigned length_size = 4;
};

Result<VideoRecord> read_record(media::Codec codec, ByteSpan record) {
    if (codec == media::Codec::h264) {
        Result<media::h264::AvcConfiguration> avcc = media::h264::read_avcc(record);
        if (!avcc) {
            return std::unexpected(avcc.error());
        }
        return VideoRecord{std::move(avcc->config), avcc->length_size};
    }
    if (codec == media::Codec::h265) {
        Result<media::h265::HevcConfiguration> hvcc = media::h265::read_hvcc(record);
        if (!hvcc) {
            return std::unexpected(hvcc.error());
        }
        return VideoRecord{std::move(hvcc->config), hvcc->length_size};
    }
    Result<media::TrackConfig> av1c = media::av1::read_av1c(record);
    if (!av1c) {
        return std::unexpected(av1c.error());
    }
    return VideoRecord{std::move(*av1c)};
}

/// The OBUs of a temporal unit, each with its header and size: they stand one behind the other.
Result<std::vector<ByteSpan>> split_temporal_unit(ByteSpan bytes) {
    const Result<std::vector<media::av1::Obu>> obus = media::av1::split_obus(bytes);
    if (!obus) {
        return std::unexpected(obus.error());
    }
    std::vector<ByteSpan> parts;
    parts.reserve(obus->size());
    const std::byte* begin = bytes.data();
    for (const media::av1::Obu& obu : *obus) {
        const std::byte* end = obu.payload.data() + obu.payload.size();
        parts.emplace_back(begin, end);
        begin = end;
    }
    return parts;
}

}   // namespace

Items TagReader::read(TagType type, std::uint32_t timestamp_ms, const Bytes& body) {
    if (body.empty()) {
        return std::nullopt;   // some senders keep a connection busy with these
    }
    switch (type) {
        case TagType::audio: return read_audio(timestamp_ms, body);
        case TagType::video: return read_video(timestamp_ms, body);
        case TagType::script: break;
        default: return fail(Errc::unsupported, "a tag of unknown type");
    }
    Result<std::optional<Metadata>> metadata = read_script(body);
    if (!metadata) {
        return std::unexpected(metadata.error());
    }
    if (!*metadata) {
        if (const std::optional<CaptureCue> cue = read_capture_cue(body)) {
            cue_ = cue;
        }
        return std::nullopt;
    }
    announced_frame_rate_ = (*metadata)->frame_rate;
    return Item{std::move(**metadata)};
}

Items TagReader::read_video(std::uint32_t timestamp_ms, const Bytes& body) {
    ByteReader reader{body};
    const Result<BodyHead> head = read_video_head(reader);
    if (!head) {
        return std::unexpected(head.error());
    }
    switch (head->packet) {
        case Packet::sequence_header: return configure_video(head->codec, reader.rest());
        case Packet::coded:
            return read_picture(*head, timestamp_ms,
                                body.slice(body.size() - reader.remaining(), reader.remaining()));
        case Packet::sequence_end: return Item{Ended{}};
        case Packet::other: break;
    }
    return std::nullopt;
}

Items TagReader::configure_video(media::Codec codec, ByteSpan bytes) {
    Result<VideoRecord> record = read_record(codec, bytes);
    if (!record) {
        return std::unexpected(record.error());
    }
    if (record->config.frame_rate <= 0) {
        record->config.frame_rate = announced_frame_rate_;
    }
    // The earlier configuration stays in force until this one is known to be good.
    std::optional<Video> fresh;
    if (!video_ || video_->codec != codec) {
        fresh.emplace(codec, record->length_size, media::PictureReader{codec});
    }
    Video& video = fresh ? *fresh : *video_;
    const media::ConfigRef before = video.reader.config();
    const Result<> configured = video.reader.configure(std::move(record->config));
    if (!configured) {
        return std::unexpected(configured.error());
    }
    video.length_size = record->length_size;
    if (fresh) {
        video_ = std::move(fresh);
    }
    media::ConfigRef config = video_->reader.config();
    if (config == nullptr || config == before) {
        return std::nullopt;
    }
    return Configured{video_track, std::move(config)};
}

Items TagReader::read_picture(const BodyHead& head, std::uint32_t timestamp_ms, const Bytes& coded) {
    if (!video_ || video_->codec != head.codec) {
        return fail(Errc::refused, "video before its sequence header");
    }
    const Result<std::vector<ByteSpan>> parts =
        head.codec == media::Codec::av1 ? split_temporal_unit(coded)
                                        : media::split_length_prefixed(coded, video_->length_size);
    if (!parts) {
        return std::unexpected(parts.error());
    }
    const bool framed = head.codec != media::Codec::av1 && video_->length_size == media::nal_length_size;
    Result<std::optional<media::Picture>> picture = video_->reader.read(*parts, framed ? coded : Bytes{});
    if (!picture) {
        return std::unexpected(picture.error());
    }
    if (!*picture) {
        return std::nullopt;
    }
    constexpr std::int64_t ticks_per_ms = media::video_timescale / media::milliseconds_timescale;
    const std::int64_t dts_ms = unwrap(timestamp_ms);
    media::AccessUnit unit;
    unit.track = video_track;
    media::describe(unit, std::move(**picture));
    unit.dts = dts_ms * ticks_per_ms;
    unit.pts = (dts_ms + head.composition_ms) * ticks_per_ms;
    set_capture(unit);
    return Item{std::move(unit)};
}

Items TagReader::read_audio(std::uint32_t timestamp_ms, const Bytes& body) {
    ByteReader reader{body};
    const Result<BodyHead> head = read_audio_head(reader);
    if (!head) {
        return std::unexpected(head.error());
    }
    if (head->packet == Packet::coded) {
        const std::size_t size = reader.remaining();
        return read_frame(*head, timestamp_ms, body.slice(body.size() - size, size));
    }
    if (head->packet == Packet::sequence_header && head->codec == media::Codec::aac) {
        return configure_audio(media::aac::config_from(reader.rest()));
    }
    if (head->packet == Packet::sequence_header && head->codec == media::Codec::opus) {
        return configure_audio(media::opus::config_from(reader.rest()));
    }
    return std::nullopt;
}

Items TagReader::configure_audio(Result<media::TrackConfig> config) {
    if (!config) {
        return std::unexpected(config.error());
    }
    if (audio_ != nullptr && audio_->same_coding(*config)) {
        return std::nullopt;
    }
    audio_ = std::make_shared<const media::TrackConfig>(std::move(*config));
    aac_samples_ = audio_->codec == media::Codec::aac ? media::samples_in_frame(*audio_, {}) : 0;
    return Configured{audio_track, audio_};
}

Items TagReader::read_frame(const BodyHead& head, std::uint32_t timestamp_ms, Bytes frame) {
    if (frame.empty()) {
        return fail(Errc::malformed, "an audio tag without a frame");
    }
    if (head.codec == media::Codec::mp3) {
        const Items configured = configure_audio(media::mp3::config_from(frame));
        if (!configured) {
            return std::unexpected(configured.error());
        }
    }
    if (audio_ == nullptr || audio_->codec != head.codec) {
        return fail(Errc::refused, "audio before its sequence header");
    }
    media::AccessUnit unit;
    unit.track = audio_track;
    unit.config = audio_;
    unit.dts = media::rescale_nearest(unwrap(timestamp_ms), media::milliseconds_timescale, audio_->timescale);
    unit.pts = unit.dts;
    unit.duration = aac_samples_ > 0 ? aac_samples_ : media::samples_in_frame(*audio_, frame);
    unit.payload = std::move(frame);
    unit.key = true;
    set_capture(unit);
    return Item{std::move(unit)};
}

void TagReader::set_capture(media::AccessUnit& unit) {
    constexpr std::int64_t trusted_ms = 5000;
    if (const std::optional<CaptureCue> cue = std::exchange(cue_, std::nullopt)) {
        const bool meant =
            static_cast<std::uint32_t>(cue->dts_ms) == static_cast<std::uint32_t>(unit.dts_ms());
        anchor_ = meant ? std::optional{Anchor{unit.pts_ms(), cue->at}} : std::nullopt;
    }
    const std::int64_t since = anchor_ ? unit.pts_ms() - anchor_->pts_ms : 0;
    if (anchor_ && since > -trusted_ms && since < trusted_ms &&
        unit.capture.label != media::CaptureTime::Label::capture) {
        unit.capture = anchor_->at;
        unit.capture.utc.microseconds += since * 1000;
    }
}

std::int64_t TagReader::unwrap(std::uint32_t timestamp_ms) {
    // Of the two ways around the 32-bit clock, the shorter one.
    const std::int64_t last = last_ms_.value_or(timestamp_ms);
    const auto step = static_cast<std::int32_t>(timestamp_ms - static_cast<std::uint32_t>(last));
    last_ms_ = last + step;
    return *last_ms_;
}

}   // namespace millrace::flv
