#include "control/policy.hpp"

#include "base/log.hpp"

#include <algorithm>

namespace millrace::control {

namespace {

constexpr std::string_view anyones_name = "anyone";

/// Another number after any change of what proves it.
std::uint64_t credential_of(std::string_view identity, std::string_view secret) {
    return short_number(sha256(std::string{identity} + '\n' + std::string{secret}));
}

bool covers(const Grant& grant, const Wish& wish) {
    if (grant.action != wish.action) {
        return false;
    }
    if (wish.stream.empty()) {
        return grant.pattern.text() == "*";
    }
    const Result<hub::StreamName> name = hub::StreamName::parse(wish.stream);
    return name && grant.pattern.matches(*name);
}

/// `--open` lets everybody publish and watch and see how the node does, but change nothing.
bool opens(const Wish& wish) {
    return wish.action != hub::Action::admin || !wish.changes;
}

}   // namespace

hub::Identity anyone() {
    return {std::string{anyones_name}, 0};
}

Policy::Policy(const Configuration& configuration) : open_{configuration.open}, hosts_{configuration.hosts} {
    for (const User& user : configuration.users) {
        add(user);
    }
    for (const Token& token : configuration.tokens) {
        add(token);
    }
    std::ranges::copy_if(configuration.cors, std::back_inserter(origins_),
                         [](const std::string& origin) { return origin != "*"; });
}

void Policy::add(const User& user) {
    if (user.name == anyones_name) {
        principals_.emplace(user.name, Principal{anyone(), std::nullopt, {}, std::nullopt, user.allow});
        return;
    }
    const std::string name = "user " + user.name;
    const std::string secret =
        user.password + (user.digest ? user.digest.text() : "") + std::string{as_text(user.key)};
    Principal principal{
        {name, credential_of(name, secret)}, std::nullopt, user.digest, std::nullopt, user.allow};
    Result<PasswordHash> password = PasswordHash::parse(user.password);
    has_proofs_ = has_proofs_ || user.digest;
    if (password) {
        principal.password = std::move(*password);
        has_proofs_ = true;
    } else if (!user.digest && user.key.empty()) {
        log::warning("auth", "{} cannot prove itself: {}", name,
                     user.password.empty()
                         ? "it has no password; only anyone goes without, and who shows a key of "
                           "kcp.psk_file"
                         : password.error().what);
    }
    principals_.emplace(name, std::move(principal));
}

void Policy::add(const Token& token) {
    const std::string name = "token " + token.name;
    const std::uint64_t credential = credential_of(name, as_text(token.sha256));
    principals_.emplace(name, Principal{{name, credential}, std::nullopt, {}, token.expires, token.allow});
    tokens_.emplace(token.sha256, name);
    has_proofs_ = true;
}

const Principal* Policy::user(std::string_view name) const {
    const auto found = principals_.find("user " + std::string{name});
    return found == principals_.end() ? nullptr : &found->second;
}

const Principal* Policy::token(const Digest& hash) const {
    const auto name = tokens_.find(hash);
    return name == tokens_.end() ? nullptr : &principals_.at(name->second);
}

const Principal* Policy::find(const hub::Identity& identity, WallTime now) const {
    const auto found = principals_.find(identity.name);
    if (found == principals_.end() || found->second.identity != identity || found->second.is_expired(now)) {
        return nullptr;
    }
    return &found->second;
}

Result<> Policy::admits(const hub::Identity& identity, const Wish& wish, WallTime now) const {
    const bool proved = identity != anyone();
    const Principal* const principal = find(identity, now);
    if (proved && principal == nullptr) {
        return fail(Errc::unauthenticated, "this user or token is not valid any more");
    }
    const bool granted =
        principal != nullptr &&
        std::ranges::any_of(principal->allow, [&](const Grant& grant) { return covers(grant, wish); });
    if (granted || anyone_may(wish)) {
        return {};
    }
    if (proved) {
        return fail(Errc::refused, "this user or token has no grant for that (auth: allow)");
    }
    return open_ ? fail(Errc::unauthenticated,
                        "an open node lets anyone publish and watch, but a change needs a user with an admin "
                        "grant")
                 : fail(Errc::unauthenticated, "this needs a user and password, or a token");
}

bool Policy::anyone_may(const Wish& wish) const {
    if (open_ && opens(wish)) {
        return true;
    }
    const auto found = principals_.find(std::string{anyones_name});
    return found != principals_.end() &&
           std::ranges::any_of(found->second.allow, [&](const Grant& grant) { return covers(grant, wish); });
}

bool Policy::may_somewhere(const hub::Identity& identity, hub::Action action, WallTime now) const {
    const auto grants = [action](const Principal* principal) {
        return principal != nullptr && std::ranges::any_of(principal->allow, [action](const Grant& grant) {
                   return grant.action == action;
               });
    };
    return open_ || grants(find(identity, now)) || grants(find(anyone(), now));
}

std::shared_ptr<const Policy> policy_of(const Configuration& configuration) {
    return std::make_shared<const Policy>(configuration);
}

}   // namespace millrace::control
