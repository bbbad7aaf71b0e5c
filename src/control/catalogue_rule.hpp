#pragma once

#include "control/setting.hpp"

namespace millrace::control {

/// `storage.catalogue`. A password on a command line is refused: lists of processes show it. Throws
/// ConfigurationError.
CatalogueRule read_catalogue(const Setting& setting);
/// The same as it is shown: without what is secret.
YamlNode catalogue_value(const CatalogueRule& rule);

}   // namespace millrace::control
