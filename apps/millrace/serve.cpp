#include "apps/millrace/announce.hpp"
#include "apps/millrace/verbs.hpp"
#include "apps/node/node.hpp"
#include "apps/node/process.hpp"
#include "base/disk_folder.hpp"
#include "base/disk_storage.hpp"
#include "base/log.hpp"
#include "control/first_admin.hpp"

namespace millrace::apps {

namespace {

using control::Configuration;
using control::State;

/// Puts the state on the disk; false if that does not work, and the log says why.
bool keep(DiskStorage& storage, const State& state) {
    const std::string text = control::state_text(state);
    if (storage.replace(std::string{State::file_name}, as_bytes(text))) {
        return true;
    }
    log::warning("serve",
                 "storage.path: {}: what the API changes cannot be kept, and who is signed in must "
                 "sign in again after a restart",
                 log::escaped(storage.trouble(), 200));
    return false;
}

void show(const control::FirstAdmin& admin) {
    fmt::print(stderr,
               "\n  nobody may use this node yet, so it has made an administrator, shown this once:\n"
               "  user      {}\n"
               "  password  {}\n",
               admin.user.name, admin.password);
}

/// What holds at the start, and the query that lets somebody in, for the examples that are shown.
struct Beginning {
    control::StandingRef standing;
    std::string proof;
};

/// What holds at the start. Where nobody said who may do what, a first one makes an administrator, and shows
/// the password once its hash is kept.
Beginning begin(const control::ConfigurationSources& sources, DiskStorage& storage, std::string_view folder) {
    std::optional<State> kept = control::load_state(storage, folder);
    const bool first = !kept;
    if (first) {
        net::SystemRandom random;
        kept = State::make(random);
    }
    control::Standing standing = control::stand(sources, std::move(*kept));
    const Configuration& configuration = standing.configuration;
    std::string proof = configuration.open ? "" : "?user=NAME&pass=PASSWORD";
    if (control::needs_admin(configuration)) {
        net::SystemRandom random;
        const control::FirstAdmin admin = control::first_admin(random);
        State next = standing.state;
        next.first_admin = admin.user.password;
        if (!keep(storage, next)) {
            throw std::runtime_error(fmt::format(
                "storage.path: {}: nobody may use this node yet, and an administrator that it makes cannot "
                "be kept; let this user write there, choose another folder, or write users into a "
                "configuration "
                "file",
                storage.trouble()));
        }
        show(admin);
        proof = fmt::format("?user={}&pass={}", admin.user.name, admin.password);
        standing = control::stand(sources, std::move(next));
    } else if (first && !configuration.open) {
        keep(storage, standing.state);
    }
    return {std::make_shared<const control::Standing>(std::move(standing)), std::move(proof)};
}

}   // namespace

int serve(const control::ConfigurationSources& sources) {
    // The overlay lies in the folder that only the other sources can name.
    const Configuration given = control::load_configuration(sources);
    log::set_level(given.log_level);
    prepare_process();
    DiskStorage storage{given.storage_path};
    const auto [standing, proof] = begin(sources, storage, given.storage_path);
    DiskFolder recordings{given.storage_path + "/archive"};
    Node node{{.standing = standing, .sources = sources, .storage = storage, .archive = &recordings}};
    const Addresses addresses = node.addresses();
    node.start();
    announce(addresses, proof, node.link_fingerprint());
    if (standing->configuration.open) {
        log::warning("serve", "--open: anyone who reaches this node may publish and play");
    } else {
        log::info("serve", "closed: only users and tokens of auth may publish and play");
    }
    node.run();
    return 0;
}

}   // namespace millrace::apps
