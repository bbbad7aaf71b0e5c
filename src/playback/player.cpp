#include "playback/player.hpp"

#include "capture/picture_decoder.hpp"
#include "playback/jitter_buffer.hpp"
#include "playback/loudspeaker.hpp"
#include "playback/picture_ring.hpp"
#include "playback/sound_decoder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <deque>
#include <optional>

namespace millrace::playback {

namespace {

using capture::Fault;
using capture::Outcome;
namespace ffmpeg = capture::ffmpeg;

constexpr std::string_view start = "decode:";
constexpr std::string_view buffer_option = "buffer=";
constexpr std::string_view hardware_option = "hardware";
constexpr std::string_view sound_option = "sound=";
constexpr std::size_t device_bytes_max = 256;
constexpr int buffer_max_ms = 10'000;
/// How much later than its decoding a picture may be shown, whatever its times say.
constexpr Duration reordered_max = 1s;

/// What a start text wishes.
struct Wishes {
    JitterLimits limits;
    capture::PictureDecoder::By by = capture::PictureDecoder::By::libavcodec;
    std::string sound;   // a device; empty: nobody hears it
};

Outcome<Duration> buffer_of(std::string_view value) {
    int milliseconds = -1;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), milliseconds);
    const bool whole = error == std::errc{} && end == value.data() + value.size();
    if (!whole || milliseconds < 0 || milliseconds > buffer_max_ms) {
        return std::unexpected(Fault{"decode: a buffer is of 0 to 10000 milliseconds: ?buffer=200", true});
    }
    return std::chrono::milliseconds{milliseconds};
}

/// "" or "?buffer=200&hardware&sound=default", in any order.
Outcome<Wishes> wishes_of(std::string_view query) {
    Wishes wishes;
    if (query.empty()) {
        return wishes;
    }
    bool known = query.front() == '?';
    for (std::size_t at = 1; known && at <= query.size();) {
        const std::size_t end = std::min(query.find('&', at), query.size());
        const std::string_view word = query.substr(at, end - at);
        if (word.starts_with(buffer_option)) {
            const Outcome<Duration> buffer = buffer_of(word.substr(buffer_option.size()));
            if (!buffer) {
                return std::unexpected(buffer.error());
            }
            wishes.limits.delay_max = *buffer;
        } else if (word == hardware_option) {
            wishes.by = capture::PictureDecoder::By::hardware;
        } else if (word.starts_with(sound_option)) {
            wishes.sound = word.substr(sound_option.size());
            known = !wishes.sound.empty() && wishes.sound.size() <= device_bytes_max;
        } else {
            known = false;
        }
        at = end + 1;
    }
    return known ? Outcome<Wishes>{wishes}
                 : std::unexpected(Fault{
                       "decode: wants nothing, or ?buffer=MILLISECONDS, ?hardware, ?sound=DEVICE", true});
}

class StreamPlayer final : public Player {
public:
    StreamPlayer(const Wishes& wishes, std::unique_ptr<PictureRing> ring)
        : buffer_{wishes.limits}, by_{wishes.by}, card_{wishes.sound}, ring_{std::move(ring)} {}

    void take(media::AccessUnit unit, Instant now) override;
    void finish() override { finishing_ = true; }
    Instant due() const override;
    Outcome<std::vector<GivenPicture>> play(Instant now) override;
    void release(std::uint8_t slot) override { ring_->release(slot); }
    void set_volume(int percent) override {
        volume_ = percent;
        if (speaker_ != nullptr) {
            speaker_->set_volume(percent);
        }
    }
    PlayCounters counters() const override;

private:
    /// Units inside the decoder, at most: what it may reorder and more.
    static constexpr std::size_t inside_max = 64;
    struct Inside {
        std::int64_t pts = 0;
        Instant due;
        bool late = false;
        media::CaptureTime capture;
        Duration stream_time{};
    };
    struct Ready {
        ffmpeg::Frame frame;
        Inside of;
    };

    Outcome<void> decode(const JitterBuffer::Due& due);
    Outcome<void> follow(const media::ConfigRef& config);
    Outcome<void> decode_sound(const media::AccessUnit& unit, Instant now);
    Outcome<void> open_sound(const media::ConfigRef& config);
    void follow_speaker();
    void keep(std::vector<ffmpeg::Frame> frames);
    /// Gives the first that is ready; nothing if no slot can hold it.
    std::optional<GivenPicture> give(Instant now);

    JitterBuffer buffer_;
    capture::PictureDecoder::By by_;
    std::string card_;   // empty: nobody hears it
    std::unique_ptr<PictureRing> ring_;
    std::optional<media::TrackId> picture_track_;
    std::optional<media::TrackId> sound_track_;
    std::unique_ptr<capture::PictureDecoder> pictures_;
    std::unique_ptr<SoundDecoder> sound_;
    std::unique_ptr<Loudspeaker> speaker_;   // from the first sound on
    int volume_ = 100;
    bool heard_ = false;
    media::ConfigRef mute_;   // sound that cannot be decoded
    std::deque<Inside> inside_;
    std::deque<Ready> ready_;
    PlayCounters counters_;
    bool finishing_ = false;   // what is inside the decoder is wanted once nothing waits before it
    std::optional<Duration> sound_line_;   // from its time to when it is heard, of the newest
};

void StreamPlayer::take(media::AccessUnit unit, Instant now) {
    const bool picture = unit.kind() == media::Kind::video;
    std::optional<media::TrackId>& track = picture ? picture_track_ : sound_track_;
    track = track.value_or(unit.track);
    if (*track != unit.track || unit.track >= JitterBuffer::tracks_max) {
        return;
    }
    if (!picture && speaker_ == nullptr && !card_.empty()) {
        speaker_ = std::make_unique<Loudspeaker>([name = card_] { return open_sound_card(name); });
        speaker_->set_volume(volume_);
    }
    counters_.units += picture ? 1 : 0;
    finishing_ = finishing_ && !picture;
    buffer_.take(std::move(unit), now);
}

Instant StreamPlayer::due() const {
    const bool drains = finishing_ && buffer_.pictures() == 0;
    const Instant unit = ready_.size() >= ready_max ? Instant::never() : drains ? Instant{} : buffer_.due();
    const Instant picture = ready_.empty() || !ring_->has_room() ? Instant::never() : ready_.front().of.due;
    return std::min(unit, picture);
}

Outcome<std::vector<GivenPicture>> StreamPlayer::play(Instant now) {
    std::vector<GivenPicture> given;
    Outcome<void> decoded;
    follow_speaker();
    // One unit a call, so that what is decoded leaves before the next is.
    if (ready_.size() < ready_max) {
        if (const std::optional<JitterBuffer::Due> next = buffer_.next(now)) {
            decoded = next->unit.kind() == media::Kind::video ? decode(*next) : decode_sound(next->unit, now);
        }
    }
    if (finishing_ && buffer_.pictures() == 0) {
        finishing_ = false;
        if (pictures_ != nullptr) {
            keep(pictures_->drain());
        }
    }
    while (!ready_.empty() && ready_.front().of.due <= now && ring_->has_room()) {
        if (const std::optional<GivenPicture> picture = give(now)) {
            given.push_back(*picture);
        }
    }
    if (!decoded && given.empty()) {
        return std::unexpected(decoded.error());
    }
    return given;
}

/// A decoder of another configuration, behind what the one before still holds.
Outcome<void> StreamPlayer::follow(const media::ConfigRef& config) {
    if (pictures_ != nullptr) {
        keep(pictures_->drain());
        counters_.broken += inside_.size();
        inside_.clear();
    }
    pictures_.reset();
    Outcome<std::unique_ptr<capture::PictureDecoder>> decoder = capture::PictureDecoder::open(config, by_);
    if (!decoder) {
        return std::unexpected(decoder.error());
    }
    pictures_ = std::move(*decoder);
    return {};
}

Outcome<void> StreamPlayer::decode(const JitterBuffer::Due& due) {
    const media::AccessUnit& unit = due.unit;
    if (pictures_ == nullptr || pictures_->config() != unit.config) {
        const Outcome<void> followed = unit.key ? follow(unit.config) : Outcome<void>{};
        if (!unit.key || !followed) {
            ++counters_.skipped;   // nothing can be seen before
            return followed;
        }
    }
    const Duration reordered = JitterBuffer::time_of(unit, unit.pts - unit.dts);
    inside_.push_back({.pts = unit.pts,
                       .due = due.at + std::clamp(reordered, Duration{0}, reordered_max),
                       .late = due.late,
                       .capture = unit.capture,
                       .stream_time = JitterBuffer::time_of(unit, unit.pts)});
    std::vector<ffmpeg::Frame> frames = pictures_->decode(unit);
    if (!pictures_->took()) {
        ++counters_.broken;
        inside_.pop_back();
    } else if (inside_.size() > inside_max) {
        ++counters_.broken;
        inside_.pop_front();
    }
    keep(std::move(frames));
    return {};
}

/// Pictures come in the order of their times: a unit whose time is passed over gave none.
void StreamPlayer::keep(std::vector<ffmpeg::Frame> frames) {
    for (ffmpeg::Frame& frame : frames) {
        const auto found = std::ranges::find(inside_, frame->pts, &Inside::pts);
        if (found == inside_.end()) {
            continue;   // of a unit that was counted already
        }
        const Inside of = *found;
        const auto passed_over = [&of](const Inside& one) { return one.pts < of.pts; };
        inside_.erase(found);
        counters_.broken += static_cast<std::uint64_t>(std::erase_if(inside_, passed_over));
        if (frame->decode_error_flags != 0) {
            ++counters_.broken;
            continue;
        }
        ready_.push_back({std::move(frame), of});
    }
}

std::optional<GivenPicture> StreamPlayer::give(Instant now) {
    const Ready ready = std::move(ready_.front());
    ready_.pop_front();
    const Outcome<RingPicture> where = ring_->put(*ready.frame);
    if (!where) {
        ++counters_.broken;
        return std::nullopt;
    }
    const Inside& of = ready.of;
    const bool late = of.late || now - of.due > late_from;
    counters_.late += late ? 1 : 0;
    if (sound_line_) {
        counters_.behind_sound = now - Instant{} - of.stream_time - *sound_line_;
    }
    return GivenPicture{*where, late, counters_.pictures++, of.pts, of.capture};
}

/// Where sound is heard, pictures wait for it.
void StreamPlayer::follow_speaker() {
    if (speaker_ == nullptr) {
        return;
    }
    const Loudspeaker::State state = speaker_->state();
    heard_ = state.playing;
    buffer_.let_sound_ahead(state.ahead);
    sound_line_ = heard_ ? state.line : sound_line_;
}

/// Sound that cannot be decoded is told once, and keeps nobody from the pictures.
Outcome<void> StreamPlayer::open_sound(const media::ConfigRef& config) {
    Outcome<std::unique_ptr<SoundDecoder>> decoder = SoundDecoder::open(config);
    if (!decoder) {
        mute_ = config;
        ++counters_.sounds_broken;
        return std::unexpected(Fault{decoder.error().words, false});
    }
    sound_ = std::move(*decoder);
    return {};
}

Outcome<void> StreamPlayer::decode_sound(const media::AccessUnit& unit, Instant now) {
    if (mute_ == unit.config) {
        ++counters_.sounds_broken;
        return {};
    }
    if (sound_ == nullptr || sound_->config() != unit.config) {
        const Outcome<void> opened = open_sound(unit.config);
        if (!opened) {
            return opened;
        }
    }
    const bool first = counters_.sounds == 0;
    SoundDecoder::Decoded decoded = sound_->decode(unit, heard_);
    const bool good = sound_->took() && (decoded.frames > 0 || first);
    (good ? counters_.sounds : counters_.sounds_broken) += 1;
    const Duration time = JitterBuffer::time_of(unit, decoded.pts);
    if (heard_) {
        speaker_->put(
            {.samples = std::move(decoded.samples), .at = buffer_.moment_of(time), .stream_time = time});
    } else {
        sound_line_ = now - Instant{} - time;
    }
    return {};
}

PlayCounters StreamPlayer::counters() const {
    PlayCounters counters = counters_;
    counters.skipped += buffer_.skipped();
    counters.waiting = buffer_.pictures() + inside_.size() + ready_.size();
    counters.delay = buffer_.delay();
    counters.jitter = buffer_.jitter();
    if (speaker_ != nullptr) {
        const Loudspeaker::State state = speaker_->state();
        counters.sounds_late = state.counters.late;
        counters.sound_played = state.counters.played;
        counters.sound_filled = state.counters.filled;
        counters.sound_dropped = state.counters.dropped;
        counters.silent = state.silent;
    }
    return counters;
}

}   // namespace

bool is_player(std::string_view text) {
    return text.starts_with(start);
}

Outcome<std::unique_ptr<Player>> open_player(std::string_view text, int ring) {
    av_log_set_level(AV_LOG_FATAL);   // broken units are counted, not told one by one
    const Outcome<Wishes> wishes = wishes_of(text.substr(start.size()));
    if (!wishes) {
        return std::unexpected(wishes.error());
    }
    Outcome<std::unique_ptr<PictureRing>> memory = PictureRing::open(ring);
    if (!memory) {
        return std::unexpected(memory.error());
    }
    return std::make_unique<StreamPlayer>(*wishes, std::move(*memory));
}

}   // namespace millrace::playback
