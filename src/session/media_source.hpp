#pragma once

#include "session/source.hpp"

namespace millrace::session {

/// One child process as a publisher, from its start until it dies, falls silent, is finished or the leash is
/// pulled. What it is given outlives it.
Task<SourceEnding> media_source(Desk& desk, const SourceMeans& means, const SourceRule& rule,
                                SourceLeash& leash);

}   // namespace millrace::session
