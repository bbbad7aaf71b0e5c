#include "control/first_admin.hpp"

#include "control/password.hpp"

#include <stdexcept>

namespace millrace::control {

FirstAdmin first_admin(Random& random) {
    FirstAdmin admin{{.name = "admin"}, random_password(random)};
    const Result<PasswordHash> hash = PasswordHash::of(admin.password, random);
    const Result<NamePattern> everything = NamePattern::parse("*");
    if (!hash || !everything) {
        throw std::runtime_error("no memory to hash the first administrator's password");
    }
    admin.user.password = hash->text();
    for (const auto action :
         {hub::Action::publish, hub::Action::play, hub::Action::archive, hub::Action::admin}) {
        admin.user.allow.push_back({action, *everything});
    }
    return admin;
}

}   // namespace millrace::control
