#include "apps/node/doors.hpp"

#include "base/log.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <stdexcept>

namespace millrace::apps {

namespace {

/// A secret that everybody on this machine can read is none (case 98).
void refuse_readable_by_all(const std::string& path) {
    struct stat facts{};
    if (::stat(path.c_str(), &facts) == 0 && (facts.st_mode & S_IROTH) != 0) {
        throw std::runtime_error(
            fmt::format("tls.key: everybody on this machine may read {}: chmod 600 it", path));
    }
}

bool same(const control::ListenAddress& a, const control::ListenAddress& b) {
    return a.on == b.on && a.written == b.written && a.endpoint.text() == b.endpoint.text();
}

}   // namespace

Doors::Doors(net::WorkerPool& pool, Options options, Welcome welcome)
    : pool_{pool}, options_{options}, welcome_{std::move(welcome)} {
}

void Doors::prepare(const control::Configuration& next, bool afresh) {
    next_.emplace();
    next_->trusted_proxies = next.trusted_proxies;
    next_tls_files_ = {next.tls_certificate, next.tls_key};
    if (next.has_tls()) {
        next_->tls = tls_;
        if (afresh || tls_ == nullptr || next_tls_files_ != tls_files_) {
            refuse_readable_by_all(next.tls_key);
            next_->tls = std::make_shared<const net::TlsServer>(
                net::TlsServer::Files{next.tls_certificate, next.tls_key});
        }
    }
    prepare_one({"http", next.http, false, nullptr}, *next_);
    prepare_one({"https", next.https, true, nullptr}, *next_);
    prepare_one({"rtmp", next.rtmp, false, nullptr}, *next_);
    prepare_one({"rtmps", next.rtmps, true, nullptr}, *next_);
    prepare_one({"rtsp", next.rtsp, false, nullptr}, *next_);
    prepare_one({"rtsps", next.rtsps, true, nullptr}, *next_);
}

void Doors::prepare_one(One one, Next& next) {
    if (!one.wanted.on) {
        return;
    }
    const One* const now = find(one.name);
    if (now == nullptr || !same(now->wanted, one.wanted)) {
        const std::uint16_t port = one.wanted.endpoint.port;
        if (now != nullptr && port != 0 && now->door->local().port == port) {
            throw std::runtime_error(
                fmt::format("{}.listen: {} is open on this port at another address: that needs a restart, "
                            "or another port",
                            one.name, now->door->local().text()));
        }
        one.door = open(one, next);
    }
    next.doors.push_back(std::move(one));
}

std::unique_ptr<net::Door> Doors::open(const One& one, const Next& next) {
    const net::ListenOptions options{.address = one.wanted.endpoint.address,
                                     .port = one.wanted.endpoint.port,
                                     .is_default = !one.wanted.written,
                                     .port_tries = options_.port_tries,
                                     .tls = one.encrypted ? next.tls : nullptr,
                                     .trusted_proxies = next.trusted_proxies,
                                     .lobby = options_.lobby};
    try {
        return net::listen(pool_, options,
                           [this, name = one.name](Executor& worker, std::unique_ptr<Connection> connection) {
                               welcome_(name, worker, std::move(connection));
                           });
    } catch (const std::runtime_error& error) {
        throw std::runtime_error(fmt::format("{}.listen: {}", one.name, error.what()));
    }
}

void Doors::apply() {
    std::vector<One> before = std::exchange(open_, {});
    for (One& one : next_->doors) {
        if (one.door == nullptr) {
            const auto old = std::ranges::find(before, one.name, &One::name);
            one.door = std::move(old->door);
            one.door->use({one.encrypted ? next_->tls : nullptr, next_->trusted_proxies});
        } else if (!before.empty()) {
            log::info("serve", "{} listens on {} now", one.name, one.door->local().text());
        }
        open_.push_back(std::move(one));
    }
    for (const One& old : before) {
        if (old.door != nullptr) {
            log::info("serve", "{} listens no more on {}", old.name, old.door->local().text());
            old.door->close();
        }
    }
    tls_ = next_->tls;
    tls_files_ = std::move(next_tls_files_);
    next_.reset();
}

void Doors::close(std::string_view name_begins) {
    for (const One& one : open_) {
        if (one.name.starts_with(name_begins)) {
            one.door->close();
        }
    }
}

const Doors::One* Doors::find(std::string_view name) const {
    const auto found = std::ranges::find(open_, name, &One::name);
    return found == open_.end() ? nullptr : &*found;
}

Addresses Doors::addresses() const {
    Addresses addresses;
    for (const One& one : open_) {
        addresses.emplace_back(one.name, one.door->local());
    }
    return addresses;
}

std::string address_of(const Addresses& addresses, std::string_view name) {
    const auto found = std::ranges::find(addresses, name, &Addresses::value_type::first);
    if (found == addresses.end()) {
        return {};
    }
    Endpoint local = found->second;
    if (local.address == "::" || local.address == "0.0.0.0") {
        local.address = "localhost";
    }
    return local.text();
}

}   // namespace millrace::apps
