#pragma once

#include "base/time.hpp"
#include "control/configuration.hpp"
#include "control/digest.hpp"
#include "control/password.hpp"
#include "hub/admission.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace millrace::control {

/// A user or a token, and what it may do.
struct Principal {
    hub::Identity identity;
    std::optional<PasswordHash> password;   ///< nothing: no password proves it
    DigestSecrets digest{};
    std::optional<WallTime> expires;
    std::vector<Grant> allow;

    bool is_expired(WallTime now) const { return expires && now >= *expires; }
};

/// What somebody wants to do.
struct Wish {
    hub::Action action = hub::Action::play;
    std::string_view stream;   ///< empty: the whole node
    bool changes = false;
};

/// Who may do what. Immutable; any thread. A new configuration makes a new one.
class Policy {
public:
    explicit Policy(const Configuration& configuration);

    /// Null: nobody of that name, or with that token.
    const Principal* user(std::string_view name) const;
    const Principal* token(const Digest& hash) const;
    /// Null if it is gone, expired, or has another password or token by now.
    const Principal* find(const hub::Identity& identity, WallTime now) const;

    /// Whether its grants cover the wish. Errc::unauthenticated for somebody who has proved nothing yet, else
    /// Errc::refused.
    Result<> admits(const hub::Identity& identity, const Wish& wish, WallTime now) const;
    bool anyone_may(const Wish& wish) const;
    /// Whether it may do `action` to anything.
    bool may_somewhere(const hub::Identity& identity, hub::Action action, WallTime now) const;

    bool is_open() const { return open_; }
    /// Nobody could prove anything: no user has a password, and there are no tokens.
    bool has_proofs() const { return has_proofs_; }
    const std::vector<std::string>& hosts() const { return hosts_; }
    /// http.cors without "*".
    const std::vector<std::string>& origins() const { return origins_; }

private:
    void add(const User& user);
    void add(const Token& token);

    bool open_;
    bool has_proofs_ = false;
    std::unordered_map<std::string, Principal> principals_;   // by the name of their identity
    std::unordered_map<Digest, std::string> tokens_;
    std::vector<std::string> hosts_;
    std::vector<std::string> origins_;
};

/// The policy that a configuration states.
std::shared_ptr<const Policy> policy_of(const Configuration& configuration);

/// Who has proved nothing.
hub::Identity anyone();

}   // namespace millrace::control
