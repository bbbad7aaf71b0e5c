#include "capture/libav_grabber.hpp"

#include "capture/device_library.hpp"
#include "media/time.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace millrace::capture {

namespace {

constexpr std::int64_t nanoseconds_a_second = 1'000'000'000;
constexpr std::size_t pipe_buffer = std::size_t{64} << 10U;
/// A device's own clock is believed as long as it says that a picture is so old at most.
constexpr Duration age_max = 2s;
/// Packets without a picture, in a row, before a device is given up.
constexpr int fruitless_max = 500;

struct FreeIo {
    void operator()(AVIOContext* io) const {
        av_freep(static_cast<void*>(&io->buffer));
        avio_context_free(&io);
    }
};

int read_pipe(void* opaque, std::uint8_t* bytes, int size) {
    const int pipe = *static_cast<const int*>(opaque);
    for (;;) {
        const ssize_t count = ::read(pipe, bytes, static_cast<std::size_t>(size));
        if (count > 0) {
            return static_cast<int>(count);
        }
        if (count == 0 || errno != EINTR) {
            return count == 0 ? AVERROR_EOF : AVERROR(errno);
        }
    }
}

}   // namespace

struct LibavGrabber::Stream {
    int index = -1;
    bool pictures = true;
    AVRational time_base{1, 1};
    FrameRate rate;
    ffmpeg::Codec decoder;              // null: coded units
    std::optional<FileTrack> track;     // then this reads them
    std::optional<std::int64_t> zero;   // of a device's time
};

struct LibavGrabber::Parts {
    Plan plan;
    std::unique_ptr<AVIOContext, FreeIo> io;   // outlives the input
    ffmpeg::Input input;
    ffmpeg::Packet packet{av_packet_alloc()};
    std::vector<Stream> streams;
    Moment start;                               // of a container's line
    std::optional<std::int64_t> first_time{};   // in nanoseconds, of its own times
};

LibavGrabber::LibavGrabber(std::unique_ptr<Parts> parts) : parts_{std::move(parts)} {
}
LibavGrabber::~LibavGrabber() = default;

Fault device_fault(const std::string& device, int error) {
    switch (error) {
        case AVERROR(ENOENT):
        case AVERROR(ENODEV):
        case AVERROR(ENXIO): return {fmt::format("{} is not there", device), false};
        case AVERROR(EBUSY): return {fmt::format("{} is in use by another program", device), false};
        case AVERROR(EACCES):
        case AVERROR(EPERM):
            return {
                fmt::format("{} may not be opened; is this user in the group of it (video, audio)?", device),
                false};
        case AVERROR(EINVAL):
            return {
                fmt::format("{} has no pictures of this format, size and rate; see millrace devices", device),
                false};
        case AVERROR(EIO):
        case AVERROR(ESRCH):
        case AVERROR(ECONNREFUSED): return {fmt::format("{} does not answer; is it there?", device), false};
        default: return ffmpeg::fault("opening " + device, error);
    }
}

Outcome<std::unique_ptr<Grabber>> LibavGrabber::open(const Plan& plan) {
    auto parts = std::make_unique<Parts>(
        Parts{.plan = plan, .io = {}, .input = {}, .streams = {}, .start = read_clocks()});
    AVFormatContext* raw = avformat_alloc_context();
    const std::string name = plan.pipe >= 0  ? "what the program writes"
                             : plan.pictures ? plan.device
                                             : plan.format + ":" + plan.device;
    if (plan.pipe < 0) {
        const Outcome<void> loaded = load_devices();
        if (!loaded) {
            avformat_free_context(raw);
            return std::unexpected(loaded.error());
        }
    } else {
        auto* const buffer = static_cast<std::uint8_t*>(av_malloc(pipe_buffer));
        parts->io.reset(
            avio_alloc_context(buffer, pipe_buffer, 0, &parts->plan.pipe, read_pipe, nullptr, nullptr));
        raw->pb = parts->io.get();
    }
    const AVInputFormat* const format = av_find_input_format(plan.format.c_str());
    if (format == nullptr) {
        avformat_free_context(raw);
        return std::unexpected(Fault{fmt::format("this FFmpeg reads no {}", plan.format), true});
    }
    ffmpeg::Options options;
    for (const auto& [key, value] : plan.options) {
        options.set(key.c_str(), value);
    }
    const int opened = avformat_open_input(&raw, plan.device.c_str(), format, options.raw());
    if (opened < 0) {
        return std::unexpected(device_fault(name, opened));
    }
    parts->input.reset(raw);
    // Devices say it all in their heads.
    const int looked = plan.pipe < 0 ? 0 : avformat_find_stream_info(raw, nullptr);
    if (looked < 0) {
        return std::unexpected(ffmpeg::fault("reading " + name, looked));
    }
    parts->start = read_clocks();
    for (const AVMediaType type : {AVMEDIA_TYPE_VIDEO, AVMEDIA_TYPE_AUDIO}) {
        const bool pictures = type == AVMEDIA_TYPE_VIDEO;
        const int index = av_find_best_stream(raw, type, -1, -1, nullptr, 0);
        if (index < 0 || !(pictures == plan.pictures || plan.also_sound)) {
            continue;
        }
        const Outcome<void> stream = open_stream(*parts, index);
        if (!stream) {
            return std::unexpected(stream.error());
        }
    }
    if (parts->streams.empty()) {
        return std::unexpected(Fault{fmt::format("{} has neither pictures nor sound", name), true});
    }
    return std::unique_ptr<Grabber>{new LibavGrabber{std::move(parts)}};
}

Outcome<void> LibavGrabber::open_stream(Parts& parts, int index) {
    const AVStream& theirs = *parts.input->streams[index];
    Stream stream{.index = index,
                  .pictures = theirs.codecpar->codec_type == AVMEDIA_TYPE_VIDEO,
                  .time_base = theirs.time_base,
                  .rate = parts.plan.rate,
                  .decoder = {},
                  .track = {},
                  .zero = {}};
    const AVRational rate = theirs.avg_frame_rate.num > 0 ? theirs.avg_frame_rate : theirs.r_frame_rate;
    if (rate.num > 0 && rate.den > 0 && rate.num <= rate.den * 1000) {
        stream.rate = {rate.num, rate.den};
    }
    if (parts.plan.coded || (parts.plan.also_sound && !stream.pictures)) {
        Outcome<FileTrack> track = FileTrack::open(theirs);
        if (!track) {
            return std::unexpected(track.error());
        }
        stream.track = std::move(*track);
        parts.streams.push_back(std::move(stream));
        return {};
    }
    const AVCodec* const codec = avcodec_find_decoder(theirs.codecpar->codec_id);
    if (codec == nullptr) {
        return std::unexpected(Fault{
            fmt::format("this FFmpeg has no decoder of {}", avcodec_get_name(theirs.codecpar->codec_id)),
            true});
    }
    stream.decoder.reset(avcodec_alloc_context3(codec));
    avcodec_parameters_to_context(stream.decoder.get(), theirs.codecpar);
    stream.decoder->thread_count = 1;
    stream.decoder->pkt_timebase = theirs.time_base;
    const int opened = avcodec_open2(stream.decoder.get(), codec, nullptr);
    if (opened < 0) {
        return std::unexpected(ffmpeg::fault(fmt::format("opening a decoder of {}", codec->name), opened));
    }
    parts.streams.push_back(std::move(stream));
    return {};
}

Outcome<std::vector<Grab>> LibavGrabber::next() {
    for (int tries = 0; tries < fruitless_max; ++tries) {
        Parts& parts = *parts_;
        const int read = av_read_frame(parts.input.get(), parts.packet.get());
        if (read == AVERROR(EAGAIN)) {
            continue;
        }
        if (read == AVERROR_EOF && parts.plan.pipe >= 0) {
            return std::vector<Grab>{};
        }
        if (read < 0) {
            return std::unexpected(
                Fault{fmt::format("{} was lost: {}", parts.plan.device, ffmpeg::fault("reading", read).words),
                      false});
        }
        Outcome<std::vector<Grab>> grabs = take_packet();
        av_packet_unref(parts.packet.get());
        if (!grabs || !grabs->empty()) {
            return grabs;
        }
    }
    return std::unexpected(Fault{"nothing that comes can be decoded", false});
}

Outcome<std::vector<Grab>> LibavGrabber::take_packet() {
    for (Stream& stream : parts_->streams) {
        if (stream.index == parts_->packet->stream_index) {
            return stream.track ? Outcome<std::vector<Grab>>{pass_on(stream)} : decode(stream);
        }
    }
    return std::vector<Grab>{};
}

/// One that cannot be read; the next may be.
std::vector<Grab> LibavGrabber::broken(const Stream& stream) {
    std::vector<Grab> grabs;
    if (stream.pictures) {
        grabs.push_back({Broken{}, read_clocks(), stream.rate});
    }
    return grabs;
}

/// Units keep the times of their container, from its first on.
std::vector<Grab> LibavGrabber::pass_on(Stream& stream) {
    Parts& parts = *parts_;
    std::vector<Grab> grabs;
    AVPacket& packet = *parts.packet;
    if (parts.plan.pipe < 0) {   // a device counts from 1970
        const std::int64_t time = packet.pts != AV_NOPTS_VALUE ? packet.pts : packet.dts;
        stream.zero = stream.zero.value_or(time);
        packet.pts = time == AV_NOPTS_VALUE ? 0 : time - *stream.zero;
        packet.dts = packet.pts;
    }
    Outcome<std::vector<media::AccessUnit>> units = stream.track->read(packet);
    if (!units) {
        return broken(stream);
    }
    for (media::AccessUnit& unit : *units) {
        const std::int64_t timescale = unit.config->timescale;
        const Moment now = read_clocks();
        if (parts.plan.untimed) {
            unit.dts = media::rescale((now.now - parts.start.now).count(), nanoseconds_a_second, timescale);
            unit.pts = unit.dts;
            unit.duration = 0;
        }
        const std::int64_t at = media::rescale(unit.dts, timescale, nanoseconds_a_second);
        parts.first_time = parts.first_time.value_or(at);
        const std::int64_t shift = media::rescale_nearest(*parts.first_time, nanoseconds_a_second, timescale);
        unit.dts -= shift;
        unit.pts -= shift;
        grabs.push_back({std::move(unit), now, stream.rate});
    }
    return grabs;
}

/// Of a device: its own word, if that is believable, else now. Of a container: its line from its start on.
Moment LibavGrabber::taken_at(std::int64_t time, const Stream& stream) const {
    const Moment now = read_clocks();
    if (time == AV_NOPTS_VALUE || parts_->plan.untimed) {
        return now;
    }
    Parts& parts = *parts_;
    const std::int64_t at = av_rescale_q(time, stream.time_base, {1, static_cast<int>(nanoseconds_a_second)});
    if (parts.plan.pipe >= 0) {
        parts.first_time = parts.first_time.value_or(at);
        const Instant then = parts.start.now + Duration{at - *parts.first_time};
        return {then, now.utc_at(then)};
    }
    const Duration age = std::chrono::microseconds{now.utc.microseconds} - Duration{at};
    const bool believable = age >= Duration{0} && age <= age_max;
    const Instant then = believable ? now.now - age : now.now;
    return {then, now.utc_at(then)};
}

Outcome<std::vector<Grab>> LibavGrabber::decode(Stream& stream) {
    std::vector<Grab> grabs;
    const int sent = avcodec_send_packet(stream.decoder.get(), parts_->packet.get());
    if (sent < 0) {
        return broken(stream);
    }
    for (;;) {
        ffmpeg::Frame frame{av_frame_alloc()};
        if (avcodec_receive_frame(stream.decoder.get(), frame.get()) < 0) {
            return grabs;
        }
        const Moment at = taken_at(frame->best_effort_timestamp, stream);
        frame->nb_samples = stream.pictures ? 0 : frame->nb_samples;
        grabs.push_back({std::move(frame), at, stream.rate});
    }
}

}   // namespace millrace::capture
