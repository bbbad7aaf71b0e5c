#pragma once

#include "hub/feed.hpp"
#include "media/access_unit.hpp"

namespace millrace::hub {

/// The live edge of one stream's access units.
using MediaFeed = Feed<media::AccessUnit>;

}   // namespace millrace::hub
