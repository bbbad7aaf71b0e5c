#pragma once

#include "control/configuration.hpp"
#include "net/listener.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::apps {

/// "http" to where it listens, in the order of the configuration.
using Addresses = std::vector<std::pair<std::string, Endpoint>>;
/// As a browser here would write it; empty if there is no such listener.
std::string address_of(const Addresses& addresses, std::string_view name);

/// The listeners of a node, by the names of the configuration. What a new configuration wants is made ready
/// beside what is open; who listens at the same address goes on. One thread at a time.
class Doors {
public:
    /// Takes a connection that came to the door of that name ("http", "rtmps").
    using Welcome = std::function<void(std::string_view name, Executor& worker, std::unique_ptr<Connection>)>;
    struct Options {
        net::Lobby* lobby = nullptr;
        unsigned port_tries = 1;   ///< see net::ListenOptions
    };

    Doors(net::WorkerPool& pool, Options options, Welcome welcome);
    Doors(const Doors&) = delete;
    Doors& operator=(const Doors&) = delete;

    /// Opens what is new. `afresh`: certificate and key are read again. Throws std::runtime_error.
    void prepare(const control::Configuration& next, bool afresh);
    /// Closes what is not wanted any more; the others take newcomers by the new terms.
    void apply();
    void abandon() { next_.reset(); }

    /// Those whose names begin so: no newcomers any more.
    void close(std::string_view name_begins);

    Addresses addresses() const;

private:
    struct One {
        std::string name;
        control::ListenAddress wanted;
        bool encrypted = false;
        std::unique_ptr<net::Door> door;   ///< none: the one that is open stays
    };
    struct Next {
        std::vector<One> doors;
        std::shared_ptr<const net::TlsServer> tls;
        std::vector<IpPrefix> trusted_proxies;
    };
    struct TlsFiles {
        std::string certificate;
        std::string key;
        bool operator==(const TlsFiles&) const = default;
    };

    void prepare_one(One one, Next& next);
    std::unique_ptr<net::Door> open(const One& one, const Next& next);
    const One* find(std::string_view name) const;

    net::WorkerPool& pool_;
    Options options_;
    Welcome welcome_;
    std::vector<One> open_;
    TlsFiles tls_files_;
    std::shared_ptr<const net::TlsServer> tls_;
    std::optional<Next> next_;
    TlsFiles next_tls_files_;
};

}   // namespace millrace::apps
