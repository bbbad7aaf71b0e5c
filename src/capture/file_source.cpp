#include "capture/file_source.hpp"

#include "capture/file_track.hpp"
#include "media/time.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <deque>

namespace millrace::capture {

namespace {

constexpr std::int64_t nanoseconds_a_second = 1'000'000'000;
/// Packets and frames that are of no use, in a row, before we give the file up.
constexpr int steps_without_frame_max = 100'000;
/// Sound that ends so much later than the pictures makes the turn longer; less is left to overlap.
constexpr Duration overhang_max = 200ms;
/// Packets that are looked through for the first unit of each track.
constexpr int packets_until_first_max = 500;

Duration time_of(std::int64_t ticks, const media::AccessUnit& unit) {
    return Duration{media::rescale(ticks, unit.config->timescale, nanoseconds_a_second)};
}

Outcome<ffmpeg::Input> open_input(const std::string& path) {
    ffmpeg::Options options;
    // Nothing but this file: no lists that name others, no network.
    options.set("protocol_whitelist", "file");
    options.set("format_whitelist", "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,flv,avi");
    AVFormatContext* raw = nullptr;
    const int opened = avformat_open_input(&raw, ("file:" + path).c_str(), nullptr, options.raw());
    if (opened < 0) {
        return std::unexpected(ffmpeg::fault("opening " + path, opened));
    }
    ffmpeg::Input input{raw};
    const int looked = avformat_find_stream_info(raw, nullptr);
    if (looked < 0) {
        return std::unexpected(ffmpeg::fault("reading " + path, looked));
    }
    return input;
}

}   // namespace

struct FileSource::Reading {
    ffmpeg::Input input;
    ffmpeg::Packet packet;
    std::vector<std::pair<int, FileTrack>> tracks;   // by the container's index
    std::deque<media::AccessUnit> units;             // read, with the file's own times
    std::array<std::optional<Duration>, 2> first;    // of each track, the file's own time
};

FileSource::FileSource(FileOptions options, Moment start) : options_{std::move(options)}, start_{start.now} {
}
FileSource::~FileSource() = default;

Outcome<std::unique_ptr<Source>> FileSource::open(const FileOptions& options, Moment start) {
    std::unique_ptr<FileSource> source{new FileSource{options, start}};
    Outcome<void> begun = source->begin_turn();
    if (begun) {
        begun = source->read_next();
    }
    if (!begun) {
        return std::unexpected(begun.error());
    }
    return source;
}

Outcome<void> FileSource::begin_turn() {
    Outcome<ffmpeg::Input> input = open_input(options_.path);
    if (!input) {
        return std::unexpected(input.error());
    }
    auto reading =
        std::make_unique<Reading>(Reading{std::move(*input), ffmpeg::Packet{av_packet_alloc()}, {}, {}, {}});
    for (const AVMediaType type : {AVMEDIA_TYPE_VIDEO, AVMEDIA_TYPE_AUDIO}) {
        const int index = av_find_best_stream(reading->input.get(), type, -1, -1, nullptr, 0);
        // The picture on a record's sleeve is no video.
        if (index < 0 || (reading->input->streams[index]->disposition & AV_DISPOSITION_ATTACHED_PIC) != 0) {
            continue;
        }
        Outcome<FileTrack> track = FileTrack::open(*reading->input->streams[index]);
        if (!track) {
            return std::unexpected(track.error());
        }
        reading->tracks.emplace_back(index, std::move(*track));
    }
    if (reading->tracks.empty()) {
        return std::unexpected(Fault{"the file has neither video nor audio", true});
    }
    reading_ = std::move(reading);
    const Outcome<void> found = find_first();
    if (found) {
        shift_ = next_shift();
    }
    for (Line& line : lines_) {
        line.turn_end = line.end;
    }
    return found;
}

Outcome<void> FileSource::find_first() {
    Reading& reading = *reading_;
    std::vector<bool> seen(reading.tracks.size());
    for (int packets = 0; packets < packets_until_first_max && std::ranges::count(seen, false) > 0;
         ++packets) {
        const Outcome<bool> more = take_packet();
        if (!more) {
            return std::unexpected(more.error());
        }
        if (!*more) {
            break;
        }
        for (std::size_t i = 0; i < seen.size(); ++i) {
            const media::TrackId id = reading.tracks[i].second.id();
            seen[i] = std::ranges::find(reading.units, id, &media::AccessUnit::track) != reading.units.end();
        }
    }
    for (const media::AccessUnit& unit : reading.units) {
        std::optional<Duration>& first = reading.first[unit.track];
        first = first ? first : time_of(unit.dts, unit);
    }
    if (reading.units.empty()) {
        return std::unexpected(Fault{"the file has no frames", true});
    }
    return {};
}

Duration FileSource::next_shift() const {
    const auto& [video, audio] = reading_->first;
    if (!lines_[video_track].last && !lines_[audio_track].last) {
        return -std::min(video.value_or(Duration::max()), audio.value_or(Duration::max()));
    }
    const auto after = [this](media::TrackId track) {
        const std::optional<Duration>& first = reading_->first[track];
        return first && lines_[track].last ? lines_[track].end - *first : Duration::min();
    };
    const Duration after_video = after(video_track);
    const Duration after_audio = after(audio_track);
    const bool overhangs = after_video == Duration::min() || after_audio > after_video + overhang_max;
    return overhangs ? after_audio : after_video;
}

Outcome<bool> FileSource::take_packet() {
    Reading& reading = *reading_;
    if (av_read_frame(reading.input.get(), reading.packet.get()) < 0) {
        return false;   // the end, or what can be read of it
    }
    Outcome<bool> taken = true;
    for (auto& [index, track] : reading.tracks) {
        if (index == reading.packet->stream_index) {
            Outcome<std::vector<media::AccessUnit>> units = track.read(*reading.packet);
            if (!units) {
                taken = std::unexpected(units.error());
            } else {
                std::ranges::move(*units, std::back_inserter(reading.units));
            }
        }
    }
    av_packet_unref(reading.packet.get());
    return taken;
}

Outcome<void> FileSource::read_next() {
    next_.reset();
    for (int steps = 0; steps < steps_without_frame_max; ++steps) {
        if (!reading_->units.empty()) {
            place(std::move(reading_->units.front()));
            reading_->units.pop_front();
            if (next_) {
                return {};
            }
            continue;
        }
        const Outcome<bool> more = take_packet();
        if (!more) {
            return std::unexpected(more.error());
        }
        if (!*more && !options_.loop) {
            return {};
        }
        if (!*more) {
            const Outcome<void> begun = begin_turn();
            if (!begun) {
                return begun;
            }
        }
    }
    return std::unexpected(Fault{"the file has no frames in order", true});
}

/// Moves a unit from the file's times to the stream's line, unless the turn before lasts until there, or the
/// file goes back. How dense units lie is the file's matter.
void FileSource::place(media::AccessUnit unit) {
    Line& line = lines_[unit.track];
    const Duration at = time_of(unit.dts, unit) + shift_;
    const Duration step = at - line.last.value_or(at);
    const Duration length = unit.duration > 0 ? time_of(unit.duration, unit) : step;
    if (line.last && (at <= *line.last || at + length / 2 < line.turn_end)) {
        return;
    }
    const std::int64_t ticks =
        media::rescale_nearest(shift_.count(), nanoseconds_a_second, unit.config->timescale);
    unit.dts += ticks;
    unit.pts += ticks;
    line.last = at;
    line.end = at + length;
    next_ = Pending{std::move(unit), at};
}

std::vector<media::Track> FileSource::tracks() const {
    std::vector<media::Track> tracks;
    for (const auto& [index, track] : reading_->tracks) {
        tracks.push_back(track_of(track.kind()));
    }
    return tracks;
}

Instant FileSource::due() const {
    return next_ ? start_ + next_->at : Instant::never();
}

Outcome<std::vector<media::AccessUnit>> FileSource::produce(Moment moment) {
    std::vector<media::AccessUnit> units;
    if (moment.now < due()) {
        return units;
    }
    if (moment.now - due() > behind_max) {
        start_ = start_ + (moment.now - due());
    }
    while (next_ && due() <= moment.now) {
        const bool picture = next_->unit.kind() == media::Kind::video;
        counters_.frames += picture ? 1 : 0;
        units.push_back(std::move(next_->unit));
        const Outcome<void> read = read_next();
        if (!read) {
            return std::unexpected(read.error());
        }
        if (picture) {
            break;
        }
    }
    return units;
}

}   // namespace millrace::capture
