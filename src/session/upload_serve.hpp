#pragma once

#include "base/web.hpp"
#include "session/upload_intake.hpp"

namespace millrace::session {

struct UploadLimits {
    static constexpr std::uint64_t file_size_max = 64U << 20U;
};

/// PUT and POST of HLS segments and lists at /NAME/upload/FILE publish the stream, as `ffmpeg -f hls -method
/// PUT` sends them: .ts, .m4s and .mp4 are read, .m3u8 only for its end; DELETE is answered and does nothing.
/// A file is read as it comes, and its connection closed behind the answer. `here` and `uploads` outlive it.
web::Route upload_serve(UploadDesk& here, Uploads& uploads);

}   // namespace millrace::session
