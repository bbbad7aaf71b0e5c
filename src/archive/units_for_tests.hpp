#pragma once

#include "container/flv_samples.hpp"
#include "container/mp4_samples.hpp"
#include "hub/cutter.hpp"

#include <memory>
#include <vector>

/// A stream's units with their cuts, for tests of what records them.
namespace millrace::archive {

/// A camera on the run's timeline: 25 pictures a second, a key frame each second, AAC beside them.
class TestCamera {
public:
    static constexpr std::int64_t key_every = 25;

    explicit TestCamera(bool with_audio = true) : with_audio_{with_audio} { cutter_.open_run(1'800'000'000); }

    /// What comes next is of another run, whose times begin at 0.
    void restart(std::int64_t run_began = 1'800'000'100) {
        picture_ = audio_ = 0;
        cutter_.open_run(run_began);
    }

    /// The units of the next picture and of the audio up to it.
    std::vector<media::AccessUnitRef> next(WallTime utc) {
        std::vector<media::AccessUnitRef> units;
        const auto samples = flv::samples::units(video, 0);
        media::AccessUnit picture = samples[picture_ % key_every == 0 ? 0 : 1];
        if (picture_size > 0) {
            std::vector<std::byte> slice = flv::samples::frames(media::Codec::h264)[picture.key ? 0 : 1];
            slice.resize(picture_size);
            std::vector<std::byte> payload;
            media::append_nal(payload, slice);
            picture.payload = Bytes{std::move(payload)};
        }
        picture.dts = picture.pts = picture_ * 3600;
        picture.picture = media::PictureType::unknown;
        units.push_back(cut(std::move(picture), utc));
        const std::int64_t until = ++picture_ * 44'100 / 25;
        for (; with_audio_ && audio_ < until; audio_ += 1024) {
            media::AccessUnit frame = flv::samples::units(audio, 0)[1];
            frame.dts = frame.pts = audio_;
            frame.duration = 1024;
            units.push_back(cut(std::move(frame), utc));
        }
        return units;
    }

    std::size_t picture_size = 0;   ///< 0: as small as they can be
    media::Track video = flv::samples::track(media::Codec::h264);
    media::Track audio = flv::samples::track(media::Codec::aac);

private:
    media::AccessUnitRef cut(media::AccessUnit unit, WallTime utc) {
        unit.capture = {utc, media::CaptureTime::Label::arrival};
        unit.cut = cutter_.consider(unit, media::Kind::video);
        return std::make_shared<const media::AccessUnit>(std::move(unit));
    }

    bool with_audio_;
    hub::Cutter cutter_{Duration{1s}};
    std::int64_t picture_ = 0;
    std::int64_t audio_ = 0;
};

}   // namespace millrace::archive
