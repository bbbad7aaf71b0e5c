#pragma once

#include "control/configuration.hpp"
#include "control/setting.hpp"
#include "hub/directory.hpp"

#include <memory>
#include <vector>

namespace millrace::control {

/// The map under `streams`, in its order. Throws ConfigurationError, as these all.
std::vector<StreamRule> read_stream_rules(const Setting& setting);
Duration read_hls_segment(const Setting& setting);
unsigned read_hls_window(const Setting& setting);
hub::QpBand read_qp_band(const Setting& setting);
KeepRule read_keep(const Setting& setting);

/// What holds for each stream: the configuration's own keys, and over them every rule whose pattern matches,
/// in their order.
std::shared_ptr<const hub::SettingsByName> stream_settings(
    std::shared_ptr<const Configuration> configuration);

}   // namespace millrace::control
