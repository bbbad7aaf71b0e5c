#include "capture/source.hpp"

#include "capture/ffmpeg.hpp"
#include "capture/file_source.hpp"
#include "capture/images_source.hpp"
#include "capture/live_sources.hpp"
#include "capture/source_options.hpp"
#include "capture/transcoded_source.hpp"

namespace millrace::capture {

Outcome<std::unique_ptr<Source>> open_source(std::string_view text, Moment moment) {
    av_log_set_level(AV_LOG_ERROR);   // the rest is no news to a server's log
    const Outcome<SourceOptions> options = parse_source(text);
    if (!options) {
        return std::unexpected(options.error());
    }
    if (const auto* camera = std::get_if<CameraOptions>(&*options)) {
        return open_camera(*camera, moment);
    }
    if (const auto* images = std::get_if<ImagesOptions>(&*options)) {
        return ImagesSource::open(*images, moment);
    }
    if (const auto* device = std::get_if<DeviceOptions>(&*options)) {
        return open_device(*device, moment);
    }
    if (const auto* raw = std::get_if<RawOptions>(&*options)) {
        return open_raw(*raw, moment);
    }
    if (const auto* program = std::get_if<ExecOptions>(&*options)) {
        return open_program(*program, moment);
    }
    const auto& file = std::get<FileOptions>(*options);
    Outcome<std::unique_ptr<Source>> source = FileSource::open(file, moment);
    if (source && file.encode) {
        return transcoded(std::move(*source), *file.encode, moment);
    }
    return source;
}

}   // namespace millrace::capture
