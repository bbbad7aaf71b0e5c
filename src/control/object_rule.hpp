#pragma once

#include "control/setting.hpp"

namespace millrace::control {

/// `storage.objects`. A secret on a command line is refused: lists of processes show it. Throws
/// ConfigurationError.
ObjectRule read_objects(const Setting& setting);
/// The same as it is shown: without what is secret.
YamlNode objects_value(const ObjectRule& rule);
YamlNode keep_value(const KeepRule& rule);

}   // namespace millrace::control
