#include "playback/sound_decoder.hpp"

#include "playback/sound.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace millrace::playback {

namespace {

using capture::Fault;
namespace ffmpeg = capture::ffmpeg;

AVCodecID id_of(media::Codec codec) {
    switch (codec) {
        case media::Codec::aac: return AV_CODEC_ID_AAC;
        case media::Codec::opus: return AV_CODEC_ID_OPUS;
        case media::Codec::mp3: return AV_CODEC_ID_MP3;
        case media::Codec::pcma: return AV_CODEC_ID_PCM_ALAW;
        case media::Codec::pcmu: return AV_CODEC_ID_PCM_MULAW;
        case media::Codec::g722: return AV_CODEC_ID_ADPCM_G722;
        case media::Codec::l16: return AV_CODEC_ID_PCM_S16BE;
        default: return AV_CODEC_ID_NONE;
    }
}

bool set_extra(AVCodecContext& context, ByteSpan extra) {
    if (extra.empty()) {
        return true;
    }
    context.extradata = static_cast<std::uint8_t*>(av_mallocz(extra.size() + AV_INPUT_BUFFER_PADDING_SIZE));
    if (context.extradata == nullptr) {
        return false;
    }
    std::memcpy(context.extradata, extra.data(), extra.size());
    context.extradata_size = static_cast<int>(extra.size());
    return true;
}

}   // namespace

SoundDecoder::SoundDecoder(media::ConfigRef config, ffmpeg::Codec context)
    : config_{std::move(config)},
      context_{std::move(context)},
      packet_{av_packet_alloc()},
      frame_{av_frame_alloc()} {
}

capture::Outcome<std::unique_ptr<SoundDecoder>> SoundDecoder::open(const media::ConfigRef& config) {
    const AVCodec* const codec = avcodec_find_decoder(id_of(config->codec));
    if (codec == nullptr) {
        return std::unexpected(
            Fault{fmt::format("this FFmpeg has no decoder of {}", media::name(config->codec)), true});
    }
    ffmpeg::Codec context{avcodec_alloc_context3(codec)};
    if (context == nullptr || !set_extra(*context, config->extra)) {
        return std::unexpected(Fault{"no memory for a decoder", false});
    }
    context->thread_count = 1;
    context->sample_rate = static_cast<int>(config->sample_rate);
    if (config->channels > 0) {   // what has no header of its own says neither
        av_channel_layout_default(&context->ch_layout, static_cast<int>(config->channels));
    }
    const int opened = avcodec_open2(context.get(), codec, nullptr);
    if (opened < 0) {
        return std::unexpected(ffmpeg::fault(fmt::format("opening a decoder of {}", codec->name), opened));
    }
    return std::unique_ptr<SoundDecoder>{new SoundDecoder{config, std::move(context)}};
}

/// Appends what the frame holds, at our rate and in two channels. Sound of a kind that cannot be converted is
/// left out.
void SoundDecoder::convert(std::vector<std::int16_t>& samples) {
    const std::array kind{frame_->format, frame_->sample_rate, frame_->ch_layout.nb_channels};
    if (resampler_ == nullptr || kind != resampled_) {
        AVChannelLayout ours;
        av_channel_layout_default(&ours, static_cast<int>(sound_channels));
        AVChannelLayout theirs = frame_->ch_layout;   // FFmpeg 5 promises less than it does
        SwrContext* raw = nullptr;
        swr_alloc_set_opts2(&raw, &ours, AV_SAMPLE_FMT_S16, static_cast<int>(sound_rate), &theirs,
                            static_cast<AVSampleFormat>(frame_->format), frame_->sample_rate, 0, nullptr);
        resampler_.reset(raw);
        resampled_ = kind;
        if (raw == nullptr || swr_init(raw) < 0) {
            resampler_.reset();
            return;
        }
    }
    const int room = swr_get_out_samples(resampler_.get(), frame_->nb_samples);
    const std::size_t before = samples.size();
    samples.resize(before + static_cast<std::size_t>(std::max(room, 0)) * sound_channels);
    auto* const out = reinterpret_cast<std::uint8_t*>(samples.data() + before);
    const int got = swr_convert(resampler_.get(), const_cast<std::uint8_t**>(&out), room,
                                const_cast<const std::uint8_t**>(frame_->extended_data), frame_->nb_samples);
    samples.resize(before + static_cast<std::size_t>(std::max(got, 0)) * sound_channels);
}

SoundDecoder::Decoded SoundDecoder::decode(const media::AccessUnit& unit, bool wanted) {
    took_ = false;
    Decoded decoded{.pts = unit.pts};
    if (frame_ == nullptr || av_new_packet(packet_.get(), static_cast<int>(unit.payload.size())) < 0) {
        return decoded;
    }
    std::ranges::copy(unit.payload, reinterpret_cast<std::byte*>(packet_->data));
    packet_->pts = unit.pts;
    took_ = avcodec_send_packet(context_.get(), packet_.get()) >= 0;
    av_packet_unref(packet_.get());
    while (took_ && avcodec_receive_frame(context_.get(), frame_.get()) >= 0) {
        if (decoded.frames == 0 && frame_->pts != AV_NOPTS_VALUE) {
            decoded.pts = frame_->pts;
        }
        decoded.frames += static_cast<std::size_t>(std::max(frame_->nb_samples, 0));
        if (wanted) {
            convert(decoded.samples);
        }
        av_frame_unref(frame_.get());
    }
    return decoded;
}

}   // namespace millrace::playback
