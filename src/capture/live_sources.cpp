#include "capture/live_sources.hpp"

#include "base/child.hpp"
#include "capture/libav_grabber.hpp"
#include "capture/live_source.hpp"
#include "capture/program.hpp"
#include "capture/raw_pictures.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>

namespace millrace::capture {

namespace {

/// So much of a picture is in the pipe at once; the kernel may allow less.
constexpr int pipe_size = 1 << 20;

std::string size_text(PictureSize size) {
    return fmt::format("{}x{}", size.width, size.height);
}

LibavGrabber::Plan camera_plan(const DeviceOptions& options) {
    const bool screen = options.camera->driver == "x11grab";
    LibavGrabber::Plan plan{.format = options.camera->driver,
                            .device = options.camera->device,
                            .options = {},
                            .coded = !screen && (options.copy || (options.codec == media::Codec::mjpeg &&
                                                                  options.format == "mjpeg"))};
    const auto set = [&plan](std::string key, std::string value) {
        plan.options.emplace_back(std::move(key), std::move(value));
    };
    if (options.rate) {
        plan.rate = *options.rate;
        set("framerate", fmt::format("{}/{}", options.rate->frames, options.rate->seconds));
    }
    if (screen) {
        if (plan.device.empty()) {
            const char* const display = std::getenv("DISPLAY");
            plan.device = display == nullptr ? ":0" : display;
        }
        if (options.region != PictureSize{}) {
            set("video_size", size_text(options.region));
            set("grab_x", fmt::to_string(options.left));
            set("grab_y", fmt::to_string(options.top));
        }
        return plan;
    }
    set("timestamps", "abs");
    if (options.size != PictureSize{}) {
        set("video_size", size_text(options.size));
    }
    if (!options.format.empty()) {
        set("input_format", options.format);
    }
    return plan;
}

LibavGrabber::Plan microphone_plan(const DeviceName& microphone) {
    LibavGrabber::Plan plan{
        .format = microphone.driver, .device = microphone.device, .options = {}, .pictures = false};
    if (microphone.driver == "pulse") {
        constexpr auto bytes_of_20_ms = "3840";
        plan.options.emplace_back("fragment_size", bytes_of_20_ms);
        plan.options.emplace_back("name", "millrace");
    }
    return plan;
}

OpenGrabber opener(LibavGrabber::Plan plan) {
    return [plan = std::move(plan)] { return LibavGrabber::open(plan); };
}

OpenGrabber raw_opener(int descriptor, const RawOptions& options, int place) {
    return [descriptor, options, place] {
        return Outcome<std::unique_ptr<Grabber>>{std::make_unique<RawPictures>(descriptor, options, place)};
    };
}

/// A program's output, and how the program ended behind it.
class ProgramGrabber final : public Grabber {
public:
    ProgramGrabber(Program program, OpenGrabber open)
        : program_{std::move(program)}, open_{std::move(open)} {}

    Outcome<std::vector<Grab>> next() override {
        if (inner_ == nullptr) {
            Outcome<std::unique_ptr<Grabber>> opened = open_();
            if (!opened) {
                return failed(opened.error());
            }
            inner_ = std::move(*opened);
        }
        Outcome<std::vector<Grab>> grabs = inner_->next();
        return grabs && !grabs->empty() ? std::move(grabs)
                                        : failed(grabs ? std::optional<Fault>{} : grabs.error());
    }

private:
    /// What the program says of itself goes before what we made of its output.
    Outcome<std::vector<Grab>> failed(std::optional<Fault> why) {
        const std::optional<Fault> verdict = why && why->lasting ? std::nullopt : program_.verdict();
        if (verdict || why) {
            return std::unexpected(verdict ? *verdict : *why);
        }
        return std::vector<Grab>{};
    }

    Program program_;
    OpenGrabber open_;
    std::unique_ptr<Grabber> inner_;
};

LibavGrabber::Plan container_plan(const ExecOptions& options, int pipe) {
    // Our word for it, if that is another than libavformat's.
    const std::string format = options.format == "ts"    ? "mpegts"
                               : options.format == "mp4" ? "mov"
                                                         : options.format;
    const bool sound = !options.encode || options.encode->audio;
    return {.format = format,
            .device = {},
            .options = {{"probesize", "1000000"}, {"analyzeduration", "1000000"}},
            .pipe = pipe,
            .coded = !options.encode,
            .also_sound = sound,
            .untimed = options.format == "mjpeg"};
}

}   // namespace

/// It waits for its encoder, and draws late what it missed; that the machine stood still is no fault of it.
std::unique_ptr<Source> open_camera(const CameraOptions& options, Moment start, SyntheticCamera::Wait wait) {
    LiveSource::Plan plan{.grabbers = {},
                          .encode = static_cast<const EncodeOptions&>(options),
                          .size = {},
                          .tracks = {track_of(media::Kind::video)},
                          .lossless = true,
                          .may_be_silent = true};
    if (options.audio) {
        plan.tracks.push_back(track_of(media::Kind::audio));
    }
    if (options.results) {
        plan.results = [width = options.width, height = options.height](std::uint32_t number) {
            const BallBox ball = ball_box(number, width, height);
            return fmt::format(R"("frame":{},"boxes":[{{"x":{:.4f},"y":{:.4f},"w":{:.4f},"h":{:.4f},)"
                               R"("label":"ball","score":1}}])",
                               number, ball.x, ball.y, ball.width, ball.height);
        };
    }
    plan.grabbers.push_back([options, wait = std::move(wait)]() mutable {
        return Outcome<std::unique_ptr<Grabber>>{std::make_unique<SyntheticCamera>(options, std::move(wait))};
    });
    return std::make_unique<LiveSource>(std::move(plan), start);
}

std::unique_ptr<Source> open_device(const DeviceOptions& options, Moment start) {
    av_log_set_level(AV_LOG_FATAL);   // what is wrong with a device is said in our words
    const EncodeOptions& encode = options;
    LiveSource::Plan plan{.grabbers = {}, .encode = encode, .size = options.size, .tracks = {}};
    if (options.camera) {
        plan.grabbers.push_back(opener(camera_plan(options)));
        plan.tracks.push_back(track_of(media::Kind::video));
    }
    if (options.microphone && options.audio) {
        plan.grabbers.push_back(opener(microphone_plan(*options.microphone)));
        plan.tracks.push_back(track_of(media::Kind::audio));
    }
    return std::make_unique<LiveSource>(std::move(plan), start);
}

std::unique_ptr<Source> open_raw(const RawOptions& options, Moment start) {
    ::fcntl(STDIN_FILENO, F_SETPIPE_SZ, pipe_size);
    const EncodeOptions& encode = options;
    LiveSource::Plan plan{.grabbers = {},
                          .encode = encode,
                          .size = {},
                          .tracks = {track_of(media::Kind::video)},
                          .lossless = true,
                          .may_be_silent = true};
    plan.grabbers.push_back(raw_opener(STDIN_FILENO, options, child_memory));
    return std::make_unique<LiveSource>(std::move(plan), start);
}

Outcome<std::unique_ptr<Source>> open_program(const ExecOptions& options, Moment start) {
    Outcome<Program> program = Program::start(options.words);
    if (!program) {
        return std::unexpected(program.error());
    }
    const int pipe = program->output();
    ::fcntl(pipe, F_SETPIPE_SZ, pipe_size);
    const bool raw = options.format == "raw";
    OpenGrabber inner = raw ? raw_opener(pipe, options.raw, -1) : opener(container_plan(options, pipe));
    auto grabber = std::make_unique<ProgramGrabber>(std::move(*program), std::move(inner));
    LiveSource::Plan plan{.grabbers = {},
                          .encode = options.encode.value_or(options.raw),
                          .size = {},
                          .tracks = {},
                          .lossless = true,
                          .may_be_silent = true};
    plan.grabbers.push_back([grabber = std::move(grabber)]() mutable {
        return Outcome<std::unique_ptr<Grabber>>{std::move(grabber)};
    });
    return std::make_unique<LiveSource>(std::move(plan), start);
}

}   // namespace millrace::capture
