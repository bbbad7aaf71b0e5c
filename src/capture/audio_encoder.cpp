#include "capture/audio_encoder.hpp"

#include "capture/ffmpeg.hpp"
#include "media/aac.hpp"
#include "media/opus.hpp"

#include <fmt/format.h>

namespace millrace::capture {

struct AudioEncoder::Parts {
    ffmpeg::Codec context;
    ffmpeg::Packet packet;
    media::ConfigRef config;
};

AudioEncoder::AudioEncoder(std::unique_ptr<Parts> parts) : parts_{std::move(parts)} {
}
AudioEncoder::~AudioEncoder() = default;

Outcome<std::unique_ptr<AudioEncoder>> AudioEncoder::open(const Wish& wish) {
    const bool opus = wish.codec == media::Codec::opus;
    const AVCodec* const codec =
        opus ? avcodec_find_encoder_by_name("libopus") : avcodec_find_encoder(AV_CODEC_ID_AAC);
    if (codec == nullptr) {
        return std::unexpected(
            Fault{fmt::format("this FFmpeg has no encoder of {}", media::name(wish.codec)), true});
    }
    ffmpeg::Codec context{avcodec_alloc_context3(codec)};
    context->sample_fmt = opus ? AV_SAMPLE_FMT_FLT : AV_SAMPLE_FMT_FLTP;
    context->sample_rate = sample_rate;
    av_channel_layout_default(&context->ch_layout, wish.channels);
    context->bit_rate = bitrate * wish.channels;
    context->time_base = {1, sample_rate};
    if (!opus) {
        // FFmpeg calls it the better and cheaper one from 64 kbit/s a channel on.
        av_opt_set(context->priv_data, "aac_coder", "fast", 0);
    }
    const int opened = avcodec_open2(context.get(), codec, nullptr);
    if (opened < 0) {
        return std::unexpected(ffmpeg::fault(fmt::format("opening {}", codec->name), opened));
    }
    const auto extra = std::as_bytes(
        std::span{context->extradata, static_cast<std::size_t>(std::max(0, context->extradata_size))});
    Result<media::TrackConfig> config =
        opus ? media::opus::config_from(extra) : media::aac::config_from(extra);
    if (!config) {
        return std::unexpected(
            Fault{fmt::format("the configuration of {} cannot be read", codec->name), true});
    }
    return std::unique_ptr<AudioEncoder>{new AudioEncoder{
        std::unique_ptr<Parts>{new Parts{std::move(context), ffmpeg::Packet{av_packet_alloc()},
                                         std::make_shared<const media::TrackConfig>(std::move(*config))}}}};
}

std::size_t AudioEncoder::frame_samples() const {
    return static_cast<std::size_t>(parts_->context->frame_size);
}

int AudioEncoder::sample_format() const {
    return parts_->context->sample_fmt;
}

Outcome<std::vector<media::AccessUnit>> AudioEncoder::encode(AVFrame& frame) {
    Parts& parts = *parts_;
    const int sent = avcodec_send_frame(parts.context.get(), &frame);
    if (sent < 0) {
        return std::unexpected(ffmpeg::fault("encoding sound", sent));
    }
    std::vector<media::AccessUnit> units;
    while (avcodec_receive_packet(parts.context.get(), parts.packet.get()) == 0) {
        if (parts.packet->pts >= 0) {
            media::AccessUnit unit;
            unit.track = audio_track;
            unit.config = parts.config;
            unit.payload = Bytes::copy(ffmpeg::bytes_of(*parts.packet));
            unit.dts = parts.packet->pts;
            unit.pts = unit.dts;
            unit.duration = parts.context->frame_size;
            unit.key = true;
            units.push_back(std::move(unit));
        }
        av_packet_unref(parts.packet.get());
    }
    return units;
}

}   // namespace millrace::capture
