#include "sim/camera.hpp"

#include "container/flv_body.hpp"
#include "container/flv_samples.hpp"
#include "container/flv_script.hpp"
#include "sim/trace.hpp"

namespace millrace::sim {

namespace samples = flv::samples;

namespace {

constexpr std::int64_t samples_a_frame = 1024;

/// Bytes that are never zero, so that they need no emulation prevention and may end a NAL unit.
void append_number(std::vector<std::byte>& out, std::uint64_t number) {
    for (int shift = 0; shift < 64; shift += 6) {
        out.push_back(static_cast<std::byte>(0x80U | (number >> shift & 0x3FU)));
    }
}

std::string_view audio_specific_config(std::uint32_t sample_rate) {
    switch (sample_rate) {
        case 16'000: return "1410";
        case 44'100: return "1210";
        default: return "1190";   // 48 kHz
    }
}

/// user_data_unregistered with a number.
std::vector<std::byte> sei(media::Codec codec, std::uint32_t camera, std::uint64_t ordinal) {
    std::vector<std::byte> nal = samples::from_hex(codec == media::Codec::h264 ? "06" : "4e01");
    std::vector<std::byte> payload(16, std::byte{0x5A});
    append_number(payload, camera);
    append_number(payload, ordinal);
    nal.push_back(std::byte{5});
    nal.push_back(static_cast<std::byte>(payload.size()));
    nal.insert(nal.end(), payload.begin(), payload.end());
    nal.push_back(std::byte{0x80});
    return nal;
}

}   // namespace

Camera::Camera(CameraPlan plan, std::uint32_t number) : plan_{std::move(plan)}, number_{number} {
    if (plan_.video) {
        video_ = make_video_config(false);
    }
    media::TrackConfig audio =
        samples::sound(media::aac::config_from(samples::from_hex(audio_specific_config(plan_.sample_rate))));
    audio_ = std::make_shared<const media::TrackConfig>(std::move(audio));
    const media::Track video_track{.id = 0, .kind = media::Kind::video, .config = video_};
    const media::Track audio_track{.id = 1, .kind = media::Kind::audio, .config = audio_};
    if (plan_.says_metadata) {
        const bool late = plan_.audio_from > 0ms;
        waiting_.push_back(header(flv::TagType::script, 0ms,
                                  flv::metadata_body(plan_.video ? &video_track : nullptr,
                                                     plan_.audio && !late ? &audio_track : nullptr)));
    }
    if (plan_.video) {
        waiting_.push_back(header(flv::TagType::video, 0ms, flv::sequence_header_body(*video_)));
    }
}

media::ConfigRef Camera::make_video_config(bool other) const {
    media::TrackConfig config = samples::read_config(*plan_.video);
    if (other) {
        std::vector<std::vector<std::byte>> sets;
        for (const auto* list : {&config.vps, &config.sps, &config.pps}) {
            for (const Bytes& set : *list) {
                sets.emplace_back(set.begin(), set.end());
                if (list == &config.sps) {
                    // One level higher: general_level_idc of H.265, level_idc of H.264.
                    auto& level = sets.back().at(*plan_.video == media::Codec::h264 ? 3 : 17);
                    level = static_cast<std::byte>(std::to_integer<unsigned>(level) + 1);
                }
            }
        }
        const std::vector<ByteSpan> spans(sets.begin(), sets.end());
        config = samples::sound(*plan_.video == media::Codec::h264 ? media::h264::config_from(spans)
                                                                   : media::h265::config_from(spans));
    }
    return std::make_shared<const media::TrackConfig>(std::move(config));
}

Duration Camera::sound_at() const {
    const auto position = static_cast<std::int64_t>(sounds_) * samples_a_frame;
    return plan_.audio_from + Duration{position * 1'000'000'000 / plan_.sample_rate};
}

std::int64_t Camera::clock_ms(Duration at, std::uint32_t& epoch) const {
    std::int64_t ms = plan_.first_ms + at / 1ms;
    epoch = 0;
    for (const CameraPlan::Jump& jump : plan_.jumps) {
        if (at >= jump.at) {
            ms += jump.by_ms;
            ++epoch;
        }
    }
    return ms;
}

Shot Camera::header(flv::TagType type, Duration at, std::vector<std::byte> body) const {
    Shot shot{.type = type, .at = at, .body = Bytes{std::move(body)}};
    shot.dts_ms = type == flv::TagType::script ? 0 : clock_ms(at, shot.epoch);
    return shot;
}

Shot Camera::next() {
    const bool picture_first = plan_.video && (!plan_.audio || picture_at() <= sound_at());
    if (picture_first && place_in_group() == 0 && !plan_.changes.empty() &&
        picture_at() >= plan_.changes.front()) {
        plan_.changes.erase(plan_.changes.begin());
        other_sets_ = !other_sets_;
        video_ = make_video_config(other_sets_);
        waiting_.push_back(header(flv::TagType::video, picture_at(), flv::sequence_header_body(*video_)));
    }
    if (!picture_first && !std::exchange(audio_said_, true)) {
        waiting_.push_back(header(flv::TagType::audio, sound_at(), flv::sequence_header_body(*audio_)));
    }
    if (!waiting_.empty()) {
        Shot shot = std::move(waiting_.front());
        waiting_.erase(waiting_.begin());
        return shot;
    }
    return picture_first ? picture() : sound();
}

std::vector<std::byte> Camera::picture_payload(std::uint64_t in_group, bool key, bool with_sets) const {
    const media::Codec codec = *plan_.video;
    const auto frames = samples::frames(codec);
    std::vector<std::byte> slice = frames.at(key ? 0 : 1 + (in_group + 2) % 3);
    append_number(slice, number_);
    append_number(slice, pictures_);
    slice.resize(slice.size() + plan_.picture_size * (key ? 3 : 1), static_cast<std::byte>(1 + number_ % 99));
    std::vector<std::byte> payload;
    if (with_sets) {
        media::append_nal(payload, samples::from_hex(codec == media::Codec::h264 ? "09f0" : "460150"));
        for (const auto* list : {&video_->vps, &video_->sps, &video_->pps}) {
            for (const Bytes& set : *list) {
                media::append_nal(payload, set);
            }
        }
    }
    media::append_nal(payload, sei(codec, number_, pictures_));
    media::append_nal(payload, slice);
    return payload;
}

std::uint64_t Camera::place_in_group() const {
    return pictures_ < plan_.first_key ? 1 + pictures_ % 3
                                       : (pictures_ - plan_.first_key) % plan_.key_interval;
}

Shot Camera::picture() {
    const std::uint64_t in_group = place_in_group();
    const bool key = in_group == 0;
    // Shown one picture late, so that none is shown before it is decoded: I 1, P 3, B 0, B 0.
    const std::int64_t shown_after = key ? 1 : (in_group % 3 == 1 ? 3 : 0);
    Shot shot{.type = flv::TagType::video, .at = picture_at(), .coded = true, .key = key};
    shot.ordinal = pictures_;
    shot.dts_ms = clock_ms(shot.at, shot.epoch);
    shot.cts_ms = shown_after * plan_.picture_ms;
    shot.hash = hash_of(picture_payload(in_group, key, false));
    constexpr std::int64_t ticks_a_ms = media::video_timescale / media::milliseconds_timescale;
    const media::AccessUnit unit{.config = video_, .pts = shot.cts_ms * ticks_a_ms, .key = key};
    const flv::BodyPrefix prefix{unit};
    std::vector<std::byte> body(prefix.span().begin(), prefix.span().end());
    const auto payload = picture_payload(in_group, key, key && plan_.in_band_sets);
    body.insert(body.end(), payload.begin(), payload.end());
    shot.body = Bytes{std::move(body)};
    ++pictures_;
    return shot;
}

Shot Camera::sound() {
    std::vector<std::byte> frame = samples::from_hex("210045");
    append_number(frame, number_);
    append_number(frame, sounds_);
    Shot shot{.type = flv::TagType::audio, .at = sound_at(), .coded = true, .key = true};
    shot.ordinal = sounds_;
    shot.dts_ms = clock_ms(shot.at, shot.epoch);
    shot.hash = hash_of(frame);
    const media::AccessUnit unit{.config = audio_, .key = true};
    const flv::BodyPrefix prefix{unit};
    std::vector<std::byte> body(prefix.span().begin(), prefix.span().end());
    body.insert(body.end(), frame.begin(), frame.end());
    shot.body = Bytes{std::move(body)};
    ++sounds_;
    return shot;
}

}   // namespace millrace::sim
