#include "apps/loadgen/synthetic_camera.hpp"

#include "apps/loadgen/stamp.hpp"
#include "base/byte_writer.hpp"
#include "base/random.hpp"
#include "container/flv_body.hpp"
#include "container/flv_samples.hpp"
#include "container/flv_script.hpp"

#include <algorithm>
#include <cmath>

namespace millrace::loadgen {

namespace {

namespace samples = flv::samples;

// The first bytes of a video tag body with H.264, of one with its configuration, and of AAC.
constexpr std::uint8_t key_picture = 0x17;
constexpr std::uint8_t other_picture = 0x27;
constexpr std::uint8_t aac = 0xAF;
constexpr std::uint8_t coded = 1;

constexpr std::size_t slice_header_kept = 10;

std::uint32_t milliseconds(Duration duration) {
    return static_cast<std::uint32_t>(duration / 1ms);
}

Duration after(std::uint64_t count, double per_second) {
    return Duration{static_cast<std::int64_t>(static_cast<double>(count) * 1e9 / per_second)};
}

}   // namespace

int Rate::pictures_per_gop() const {
    return std::max(1, static_cast<int>(std::lround(frames_per_second * gop_seconds)));
}

std::size_t Rate::bytes_per_gop() const {
    return static_cast<std::size_t>(static_cast<double>(kbps) * 125 * gop_seconds);
}

std::size_t Rate::key_size() const {
    return pictures_per_gop() == 1 ? bytes_per_gop() : std::min(key_size_max, bytes_per_gop() * 2 / 5);
}

std::size_t Rate::picture_size() const {
    const auto others = static_cast<std::size_t>(pictures_per_gop() - 1);
    return others == 0 ? 0 : (bytes_per_gop() - key_size()) / others;
}

SyntheticCamera::SyntheticCamera(const Rate& rate, bool sound) : rate_{rate}, with_sound_{sound} {
    for (std::size_t i = 0; i < slices_kept; ++i) {
        keys_.push_back(slice(true, rate.key_size()));
        others_.push_back(slice(false, rate.picture_size()));
    }
}

SyntheticCamera::Slice SyntheticCamera::slice(bool key, std::size_t size) const {
    const std::vector<std::byte> sample = samples::frames(media::Codec::h264)[key ? 0 : 1];
    SeededRandom random{(key ? 1'000U : 2'000U) + keys_.size() + others_.size()};
    std::vector<std::byte> nal(std::max(size, slice_header_kept));
    random.fill(nal);
    // Without zeros nothing looks like a start code.
    std::ranges::replace(nal, std::byte{0}, std::byte{0x55});
    std::ranges::copy_n(sample.begin(), slice_header_kept, nal.begin());
    const std::uint64_t hash = digest(nal);
    return {std::move(nal), hash};
}

std::vector<rtmp::Media> SyntheticCamera::opening() const {
    const media::Track video = samples::track(media::Codec::h264);
    const media::Track sound = samples::track(media::Codec::aac);
    std::vector<rtmp::Media> messages;
    messages.push_back({.type = rtmp::MediaType::data,
                        .body = Bytes{flv::metadata_body(&video, with_sound_ ? &sound : nullptr)}});
    messages.push_back(
        {.type = rtmp::MediaType::video, .body = Bytes{flv::sequence_header_body(*video.config)}});
    if (with_sound_) {
        messages.push_back(
            {.type = rtmp::MediaType::audio, .body = Bytes{flv::sequence_header_body(*sound.config)}});
    }
    return messages;
}

Duration SyntheticCamera::picture_due() const {
    return after(pictures_, rate_.frames_per_second);
}

Duration SyntheticCamera::sound_due() const {
    return with_sound_ ? after(sounds_, sound_frames_per_second) : Duration::max();
}

rtmp::Media SyntheticCamera::picture(Instant now) {
    const std::uint32_t time = milliseconds(picture_due());
    const auto gop = static_cast<std::uint64_t>(rate_.pictures_per_gop());
    const bool key = pictures_ % gop == 0;
    const Slice& slice = key ? keys_[pictures_ / gop % slices_kept] : others_[pictures_ % slices_kept];
    std::vector<std::byte> body;
    body.reserve(slice.nal.size() + 128);
    ByteWriter writer{body};
    writer.u8(key ? key_picture : other_picture);
    writer.u8(coded);
    writer.u24(0);
    media::append_nal(body, stamp_nal({.sequence = pictures_, .sent = now, .digest = slice.digest}));
    media::append_nal(body, slice.nal);
    ++pictures_;
    return {.type = rtmp::MediaType::video, .timestamp_ms = time, .body = Bytes{std::move(body)}};
}

rtmp::Media SyntheticCamera::sound() {
    const std::uint32_t time = milliseconds(sound_due());
    std::vector<std::byte> body;
    ByteWriter writer{body};
    writer.u8(aac);
    writer.u8(coded);
    writer.text(hexadecimal(sounds_));
    body.resize(2 + sound_size, std::byte{0x55});
    ++sounds_;
    return {.type = rtmp::MediaType::audio, .timestamp_ms = time, .body = Bytes{std::move(body)}};
}

}   // namespace millrace::loadgen
