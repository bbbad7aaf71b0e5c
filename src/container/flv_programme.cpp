#include "container/flv_programme.hpp"

#include "container/flv_script.hpp"

#include <algorithm>
#include <cstdlib>

namespace millrace::flv {
namespace {

const media::Track* first_carried(std::span<const media::Track> tracks, media::Kind kind) {
    const auto track =
        std::ranges::find_if(tracks, [kind](const media::Track& t) { return t.kind == kind && carries(t); });
    return track == tracks.end() ? nullptr : &*track;
}

}   // namespace

bool carries(const media::Track& track) {
    if (track.kind == media::Kind::data) {
        return false;
    }
    if (track.config == nullptr) {
        return true;
    }
    switch (track.config->codec) {
        case media::Codec::h264:
        case media::Codec::h265:
        case media::Codec::av1:
        case media::Codec::aac:
        case media::Codec::opus:
        case media::Codec::mp3: return true;
        case media::Codec::pcma:
        case media::Codec::pcmu:
        case media::Codec::g722:
        case media::Codec::l16:
        case media::Codec::mjpeg: break;
    }
    return false;
}

Splitter::Announced announced_by(std::span<const media::Track> tracks) {
    return {.audio = first_carried(tracks, media::Kind::audio) != nullptr,
            .video = first_carried(tracks, media::Kind::video) != nullptr};
}

void Programme::configure(std::span<const media::Track> tracks) {
    const media::Track* video = first_carried(tracks, media::Kind::video);
    const media::Track* audio = first_carried(tracks, media::Kind::audio);
    std::vector<std::byte> metadata = metadata_body(video, audio);
    metadata_changed_ = metadata != metadata_;
    metadata_ = std::move(metadata);
    update(video_, video);
    update(audio_, audio);
}

void Programme::update(Sent& sent, const media::Track* track) {
    if (track == nullptr) {
        sent = {};
        return;
    }
    sent.changed = sent.track != track->id || sent.config != track->config;
    if (sent.changed) {
        sent.track = track->id;
        sent.config = track->config;
        sent.sequence_header =
            sent.config == nullptr ? std::vector<std::byte>{} : sequence_header_body(*sent.config);
    }
}

void Programme::list(std::vector<Message>& out, TagType type, const Sent& sent) const {
    if (!sent.sequence_header.empty()) {
        out.push_back({type, timestamp_ms(), sent.sequence_header, {}});
    }
}

std::vector<Message> Programme::news() const {
    std::vector<Message> messages;
    if (metadata_changed_) {
        messages.push_back({TagType::script, script_timestamp, metadata_, {}});
    }
    if (video_.changed) {
        list(messages, TagType::video, video_);
    }
    if (audio_.changed) {
        list(messages, TagType::audio, audio_);
    }
    return messages;
}

std::vector<Message> Programme::resume() const {
    std::vector<Message> messages;
    if (!metadata_.empty()) {
        messages.push_back({TagType::script, script_timestamp, metadata_, {}});
    }
    list(messages, TagType::video, video_);
    list(messages, TagType::audio, audio_);
    return messages;
}

bool Programme::takes(const media::AccessUnit& unit) const {
    const Sent& sent = unit.kind() == media::Kind::video ? video_ : audio_;
    return sent.track == unit.track && sent.config != nullptr;
}

std::vector<std::byte> Programme::time_due(const media::AccessUnit& unit) {
    const bool leads = unit.kind() == media::Kind::video || video_.config == nullptr;
    if (!leads || unit.capture.utc == WallTime{}) {
        return {};
    }
    const std::int64_t dts_ms = unit.dts_ms();
    // A step backwards is as good a reason as a second gone by.
    if (time_said_ms_ && std::abs(dts_ms - *time_said_ms_) < time_interval_ms) {
        return {};
    }
    time_said_ms_ = dts_ms;
    return time_body(unit);
}

std::vector<std::byte> Programme::sequence_end() const {
    return video_.config == nullptr ? std::vector<std::byte>{} : sequence_end_body(video_.config->codec);
}

}   // namespace millrace::flv
