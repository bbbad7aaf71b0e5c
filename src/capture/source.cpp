#include "capture/source.hpp"

#include "capture/ffmpeg.hpp"
#include "capture/file_source.hpp"
#include "capture/images_source.hpp"
#include "capture/source_options.hpp"
#include "capture/synthetic_camera.hpp"

namespace millrace::capture {

Outcome<std::unique_ptr<Source>> open_source(std::string_view text, Moment moment) {
    av_log_set_level(AV_LOG_ERROR);   // the rest is no news to a server's log
    const Outcome<SourceOptions> options = parse_source(text);
    if (!options) {
        return std::unexpected(options.error());
    }
    if (const auto* camera = std::get_if<CameraOptions>(&*options)) {
        return SyntheticCamera::open(*camera, moment);
    }
    if (const auto* images = std::get_if<ImagesOptions>(&*options)) {
        return ImagesSource::open(*images, moment);
    }
    return FileSource::open(std::get<FileOptions>(*options), moment);
}

}   // namespace millrace::capture
