#include "capture/audio_encoder.hpp"

#include "capture/ffmpeg.hpp"
#include "media/aac.hpp"

namespace millrace::capture {

struct AudioEncoder::Parts {
    ffmpeg::Codec context;
    ffmpeg::Frame frame;
    ffmpeg::Packet packet;
    media::ConfigRef config;
};

AudioEncoder::AudioEncoder(std::unique_ptr<Parts> parts) : parts_{std::move(parts)} {
}
AudioEncoder::~AudioEncoder() = default;

Outcome<std::unique_ptr<AudioEncoder>> AudioEncoder::open() {
    const AVCodec* const codec = avcodec_find_encoder(AV_CODEC_ID_AAC);
    if (codec == nullptr) {
        return std::unexpected(Fault{"this FFmpeg has no AAC encoder", true});
    }
    ffmpeg::Codec context{avcodec_alloc_context3(codec)};
    context->sample_fmt = AV_SAMPLE_FMT_FLTP;
    context->sample_rate = sample_rate;
    context->ch_layout = AV_CHANNEL_LAYOUT_MONO;
    context->bit_rate = bitrate;
    context->time_base = {1, sample_rate};
    const int opened = avcodec_open2(context.get(), codec, nullptr);
    if (opened < 0) {
        return std::unexpected(ffmpeg::fault("opening the AAC encoder", opened));
    }
    const auto extra = std::as_bytes(
        std::span{context->extradata, static_cast<std::size_t>(std::max(0, context->extradata_size))});
    Result<media::TrackConfig> config = media::aac::config_from(extra);
    if (!config) {
        return std::unexpected(Fault{"the AAC encoder's configuration cannot be read", true});
    }
    return std::unique_ptr<AudioEncoder>{new AudioEncoder{std::unique_ptr<Parts>{
        new Parts{std::move(context), ffmpeg::Frame{av_frame_alloc()}, ffmpeg::Packet{av_packet_alloc()},
                  std::make_shared<const media::TrackConfig>(std::move(*config))}}}};
}

Outcome<std::vector<media::AccessUnit>> AudioEncoder::encode(std::span<float, frame_samples> samples,
                                                             std::int64_t first) {
    Parts& parts = *parts_;
    AVFrame& frame = *parts.frame;
    frame.format = AV_SAMPLE_FMT_FLTP;
    frame.nb_samples = static_cast<int>(frame_samples);
    frame.sample_rate = sample_rate;
    frame.ch_layout = AV_CHANNEL_LAYOUT_MONO;
    frame.data[0] = reinterpret_cast<std::uint8_t*>(samples.data());
    frame.extended_data = frame.data;
    frame.linesize[0] = static_cast<int>(samples.size_bytes());
    frame.pts = first;
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
            unit.duration = frame_samples;
            unit.key = true;
            units.push_back(std::move(unit));
        }
        av_packet_unref(parts.packet.get());
    }
    return units;
}

}   // namespace millrace::capture
