#pragma once

#include "control/exposition.hpp"
#include "control/overview.hpp"

#include <optional>
#include <vector>

namespace millrace::control {

/// What the archive did, and how the recording of each stream goes.
void write_archive(Exposition& out, const std::vector<hub::StreamReport>& streams,
                   const std::optional<ArchiveFacts>& archive);

}   // namespace millrace::control
