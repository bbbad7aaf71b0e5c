#pragma once

#include "base/random.hpp"
#include "control/configuration.hpp"

#include <string>

namespace millrace::control {

/// The user whom a node makes when nobody has said yet who may do what.
struct FirstAdmin {
    User user;              ///< "admin", with every right and the password's hash
    std::string password;   ///< to be shown once and kept nowhere
};

/// Takes as long as a hash does. Throws std::runtime_error where there is no memory for it.
FirstAdmin first_admin(Random& random);

}   // namespace millrace::control
