#include "control/password.hpp"
#include "apps/millrace/secret_input.hpp"
#include "apps/millrace/verbs.hpp"
#include "control/configuration_auth.hpp"
#include "net/system_random.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <stdexcept>

namespace millrace::apps {

namespace {

std::string chosen_password(const std::string& name) {
    std::string password = secret_input(fmt::format("Password of {}: ", name));
    if (isatty(STDIN_FILENO) != 0 && secret_input("Once more: ") != password) {
        throw std::runtime_error("the two are not the same");
    }
    return password;
}

}   // namespace

int password(const std::string& name, bool digest) {
    if (!control::is_user_name(name) || name == "anyone") {
        fmt::print(stderr,
                   "millrace: a user's name has 1 to 64 letters, digits and _ . @ ~ -, and is not anyone, "
                   "who needs no password\n");
        return wrong_usage;
    }
    net::SystemRandom random;
    const std::string chosen = chosen_password(name);
    const Result<control::PasswordHash> hash = control::PasswordHash::of(chosen, random);
    if (!hash) {
        throw std::runtime_error(std::string{hash.error().what});
    }
    const control::DigestSecrets secrets = control::digest_secrets_of(name, chosen);
    fmt::print("- {{ name: {}, password: \"{}\", {}allow: [ \"play:*\" ] }}\n", name, hash->text(),
               digest
                   ? fmt::format("digest: {{ md5: \"{}\", sha256: \"{}\" }}, ", secrets.md5, secrets.sha256)
                   : "");
    fmt::print(stderr, "It goes under auth: users: in the configuration; allow says what {} may do.\n", name);
    if (digest) {
        fmt::print(stderr,
                   "What stands behind digest is as good as the password: keep the file to yourself.\n");
    }
    return 0;
}

}   // namespace millrace::apps
