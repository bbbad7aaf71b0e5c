#pragma once

#include "session/forward.hpp"

namespace millrace::session {

/// Into a file, "file:PATH" with the container by its ending (.ts, .flv, .mp4), until the stream ends or
/// changes in a way that the container has no words for: then the file is whole and gets its name.
Task<ForwardEnding> file_push(Desk& desk, const ForwardMeans& means, ForwardCourse& course);

}   // namespace millrace::session
