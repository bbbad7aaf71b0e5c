#include "apps/node/link_door.hpp"

#include "base/hex.hpp"
#include "base/log.hpp"
#include "net/machine_name.hpp"
#include "net/steered_datagrams.hpp"
#include "protocol/link/association.hpp"

#include <sys/stat.h>

#include <fmt/format.h>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace millrace::apps {

namespace {

constexpr std::string_view identity_file = "kcp-identity.pem";
constexpr std::size_t file_size_max = 256U << 10U;
constexpr std::size_t keys_max = 1'024;

std::string text_of_file(std::string_view key, const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    std::stringstream text;
    text << file.rdbuf();
    if (!file || text.str().size() > file_size_max) {
        throw std::runtime_error(fmt::format("{}: {} cannot be read", key, path));
    }
    return text.str();
}

/// Both stand in one file, which nobody else may read.
link::Identity identity_in(const std::string& text) {
    if (text.find("\n-----END PRIVATE KEY-----\n") == std::string::npos || !link::fingerprint_of(text)) {
        throw std::runtime_error(
            fmt::format("kcp.listen: {} in storage.path is broken: remove it and another is made, with "
                        "another fingerprint",
                        identity_file));
    }
    return {.certificate = text, .key = text};
}

/// The certificate made at the first start, or now.
link::Identity own_identity(Storage& storage) {
    const std::string name{identity_file};
    const auto kept = storage.read(name, file_size_max);
    if (kept && *kept) {
        return identity_in(std::string{as_text(**kept)});
    }
    const Result<link::Identity> made = link::make_identity(net::machine_name());
    if (!kept || !made) {
        throw std::runtime_error(fmt::format("kcp.listen: no certificate of our own: {}",
                                             !kept ? kept.error().what : made.error().what));
    }
    const std::string text = made->certificate + made->key;
    if (!storage.replace(name, as_bytes(text))) {
        log::warning("serve",
                     "storage.path: the certificate of kcp.listen cannot be kept: after a restart it "
                     "is another, with another fingerprint");
    }
    return *made;
}

std::vector<std::byte> key_of(std::string_view digits, std::size_t line) {
    auto key = hex_bytes(digits);
    if (!key || key->size() < control::User::key_size_min || key->size() > control::User::key_size_max) {
        throw std::runtime_error(fmt::format(
            "kcp.psk_file: line {}: wanted is USER:KEY, a key of 32 to 128 hexadecimal digits", line));
    }
    return std::move(*key);
}

}   // namespace

LinkKeys read_link_keys(const control::Configuration& configuration) {
    LinkKeys keys;
    const std::string& path = configuration.kcp_psk_file;
    if (path.empty()) {
        return keys;
    }
    struct stat facts{};
    if (::stat(path.c_str(), &facts) == 0 && (facts.st_mode & S_IROTH) != 0) {
        throw std::runtime_error(
            fmt::format("kcp.psk_file: everybody on this machine may read {}: chmod 600 it", path));
    }
    std::istringstream lines{text_of_file("kcp.psk_file", path)};
    std::string line;
    for (std::size_t number = 1; std::getline(lines, line); ++number) {
        if (line.empty() || line.starts_with('#')) {
            continue;
        }
        const std::size_t colon = std::min(line.find(':'), line.size());
        const std::string_view rest = std::string_view{line}.substr(std::min(colon + 1, line.size()));
        keys[line.substr(0, colon)] = key_of(rest, number);
        if (keys.size() > keys_max) {
            throw std::runtime_error(fmt::format("kcp.psk_file: at most {} keys", keys_max));
        }
    }
    return keys;
}

LinkDoor open_links(net::WorkerPool& pool, const control::Configuration& configuration,
                    const LinkDoorMeans& means) {
    const control::ListenAddress& wanted = configuration.kcp;
    LinkDoor door;
    if (!wanted.on) {
        return door;
    }
    auto sockets = net::open_steered_datagrams(
        pool.workers(),
        {.address = wanted.endpoint.address, .port = wanted.endpoint.port, .is_default = !wanted.written},
        link::steering_at);
    if (!sockets && !wanted.written) {
        log::warning("serve", "kcp.listen: {}: {}; there are no links to this node", wanted.endpoint.text(),
                     sockets.error().what);
        return door;
    }
    if (!sockets) {
        throw std::runtime_error(
            fmt::format("kcp.listen: {}: {}", wanted.endpoint.text(), sockets.error().what));
    }
    const link::Identity identity =
        configuration.has_tls()
            ? link::Identity{text_of_file("tls.certificate", configuration.tls_certificate),
                             text_of_file("tls.key", configuration.tls_key)}
            : own_identity(means.storage);
    const auto refuse = [&](const Error& error) -> void {
        const std::string own{identity_file};
        throw std::runtime_error(fmt::format(
            "kcp.listen: {}: {}", configuration.has_tls() ? configuration.tls_certificate : own, error.what));
    };
    const Result<link::Fingerprint> fingerprint = link::fingerprint_of(identity.certificate);
    if (!fingerprint) {
        refuse(fingerprint.error());
    }
    for (std::unique_ptr<Datagrams>& socket : *sockets) {
        Result<std::unique_ptr<link::DtlsServer>> dtls =
            configuration.has_tls() ? link::DtlsServer::make(identity, means.keys, means.random)
                                    : link::DtlsServer::make_later(identity, means.keys, means.random);
        if (!dtls) {
            refuse(dtls.error());
        }
        door.sides.push_back({std::move(socket), std::move(*dtls)});
    }
    door.fingerprint = link::text_of(*fingerprint);
    return door;
}

std::unique_ptr<net::Door> open_link_streams(net::WorkerPool& pool, const control::ListenAddress& wanted,
                                             std::uint16_t port, LinkStreamMeans means) {
    const net::ListenOptions options{.address = wanted.endpoint.address,
                                     .port = port,
                                     .is_default = !wanted.written,
                                     .lobby = &means.lobby};
    try {
        return net::listen(pool, options, std::move(means.take));
    } catch (const std::runtime_error& error) {
        log::warning("serve", "kcp.listen: TCP: {}; whose UDP is blocked finds no link here", error.what());
        return nullptr;
    }
}

}   // namespace millrace::apps
