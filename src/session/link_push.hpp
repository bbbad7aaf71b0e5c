#pragma once

#include "session/forward.hpp"

namespace millrace::session {

/// A stream published to another node by a secure link, `kcp://host/name`. What its receiver asks of the
/// encoder is asked here.
Task<ForwardEnding> link_push(Desk& desk, const ForwardMeans& means, ForwardCourse& course);

}   // namespace millrace::session
