#include "capture/sound_line.hpp"

#include "media/time.hpp"

extern "C" {
#include <libavutil/audio_fifo.h>
#include <libswresample/swresample.h>
}

#include <algorithm>
#include <optional>

namespace millrace::capture {

namespace {

constexpr std::int64_t nanoseconds_a_second = 1'000'000'000;
constexpr int channels_max = 2;

struct FreeResampler {
    void operator()(SwrContext* resampler) const { swr_free(&resampler); }
};
struct FreeFifo {
    void operator()(AVAudioFifo* fifo) const { av_audio_fifo_free(fifo); }
};

std::int64_t samples_of(Duration time) {
    return media::rescale_nearest(time.count(), nanoseconds_a_second, AudioEncoder::sample_rate);
}

/// An empty frame of the encoder's kind.
ffmpeg::Frame frame_of(AVSampleFormat format, int channels, int samples) {
    ffmpeg::Frame frame{av_frame_alloc()};
    frame->format = format;
    frame->sample_rate = AudioEncoder::sample_rate;
    frame->nb_samples = samples;
    av_channel_layout_default(&frame->ch_layout, channels);
    return av_frame_get_buffer(frame.get(), 0) == 0 ? std::move(frame) : nullptr;
}

}   // namespace

struct SoundLine::Parts {
    AVSampleFormat format = AV_SAMPLE_FMT_FLTP;
    int channels = 1;
    int source_format = -1;
    int source_rate = 0;
    int source_channels = 0;
    std::unique_ptr<AudioEncoder> encoder;
    std::unique_ptr<SwrContext, FreeResampler> resampler;
    std::unique_ptr<AVAudioFifo, FreeFifo> fifo;
    std::optional<std::int64_t> end;   // of what the fifo got, in samples on the line

    /// Where the first sample in the fifo lies.
    std::int64_t begin() const { return *end - av_audio_fifo_size(fifo.get()); }
    bool fits(const AVFrame& samples) const {
        return samples.format == source_format && samples.sample_rate == source_rate &&
               samples.ch_layout.nb_channels == source_channels;
    }
};

SoundLine::SoundLine(media::Codec codec) : codec_{codec}, parts_{std::make_unique<Parts>()} {
}
SoundLine::~SoundLine() = default;

Outcome<void> SoundLine::open(const AVFrame& samples) {
    Parts& parts = *parts_;
    if (parts.encoder == nullptr) {
        parts.channels = std::clamp(samples.ch_layout.nb_channels, 1, channels_max);
        Outcome<std::unique_ptr<AudioEncoder>> encoder =
            AudioEncoder::open({.codec = codec_, .channels = static_cast<std::uint8_t>(parts.channels)});
        if (!encoder) {
            return std::unexpected(encoder.error());
        }
        parts.encoder = std::move(*encoder);
        parts.format = static_cast<AVSampleFormat>(parts.encoder->sample_format());
        parts.fifo.reset(av_audio_fifo_alloc(parts.format, parts.channels, AudioEncoder::sample_rate));
    }
    AVChannelLayout ours;
    av_channel_layout_default(&ours, parts.channels);
    AVChannelLayout theirs = samples.ch_layout;   // FFmpeg 5 promises less than it does
    SwrContext* raw = nullptr;
    const int made =
        swr_alloc_set_opts2(&raw, &ours, parts.format, AudioEncoder::sample_rate, &theirs,
                            static_cast<AVSampleFormat>(samples.format), samples.sample_rate, 0, nullptr);
    parts.resampler.reset(raw);
    if (made < 0 || swr_init(raw) < 0 || parts.fifo == nullptr) {
        return std::unexpected(Fault{"sound of a kind that cannot be converted", true});
    }
    parts.source_format = samples.format;
    parts.source_rate = samples.sample_rate;
    parts.source_channels = samples.ch_layout.nb_channels;
    return {};
}

bool SoundLine::align(Duration at, const AVFrame& samples) {
    Parts& parts = *parts_;
    const std::int64_t due = samples_of(at);
    parts.end = parts.end.value_or(due);
    const std::int64_t missing = due - *parts.end;
    if (missing > samples_of(silence_max)) {
        av_audio_fifo_reset(parts.fifo.get());
        parts.end = due;
    } else if (missing > samples_of(drift_max)) {
        const ffmpeg::Frame silence = frame_of(parts.format, parts.channels, static_cast<int>(missing));
        if (silence != nullptr) {
            av_samples_set_silence(silence->extended_data, 0, silence->nb_samples, parts.channels,
                                   parts.format);
            av_audio_fifo_write(parts.fifo.get(), reinterpret_cast<void**>(silence->extended_data),
                                silence->nb_samples);
            *parts.end += missing;
        }
    }
    // At most all of these: a clock that jumped back is met after a few more.
    return missing < -samples_of(drift_max) && -missing >= samples.nb_samples / 2;
}

Outcome<void> SoundLine::convert(const AVFrame& samples) {
    Parts& parts = *parts_;
    const int room = swr_get_out_samples(parts.resampler.get(), samples.nb_samples);
    const ffmpeg::Frame out = frame_of(parts.format, parts.channels, std::max(room, 1));
    if (out == nullptr) {
        return std::unexpected(Fault{"no memory for sound", false});
    }
    const int got = swr_convert(parts.resampler.get(), out->extended_data, room,
                                const_cast<const std::uint8_t**>(samples.extended_data), samples.nb_samples);
    if (got < 0) {
        return std::unexpected(ffmpeg::fault("converting sound", got));
    }
    av_audio_fifo_write(parts.fifo.get(), reinterpret_cast<void**>(out->extended_data), got);
    *parts.end += got;
    return {};
}

Outcome<std::vector<media::AccessUnit>> SoundLine::take(const AVFrame& samples, Duration at) {
    Parts& parts = *parts_;
    std::vector<media::AccessUnit> units;
    if (!parts.fits(samples)) {
        const Outcome<void> opened = open(samples);
        if (!opened) {
            return std::unexpected(opened.error());
        }
    }
    if (align(at, samples)) {
        return units;
    }
    const Outcome<void> converted = convert(samples);
    if (!converted) {
        return std::unexpected(converted.error());
    }
    const auto size = static_cast<int>(parts.encoder->frame_samples());
    while (av_audio_fifo_size(parts.fifo.get()) >= size) {
        const ffmpeg::Frame frame = frame_of(parts.format, parts.channels, size);
        if (frame == nullptr) {
            return std::unexpected(Fault{"no memory for sound", false});
        }
        frame->pts = parts.begin();
        av_audio_fifo_read(parts.fifo.get(), reinterpret_cast<void**>(frame->extended_data), size);
        Outcome<std::vector<media::AccessUnit>> coded = parts.encoder->encode(*frame);
        if (!coded) {
            return coded;
        }
        std::ranges::move(*coded, std::back_inserter(units));
    }
    return units;
}

}   // namespace millrace::capture
