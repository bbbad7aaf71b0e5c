#pragma once

#include "base/executor.hpp"
#include "base/mutex.hpp"
#include "control/policy.hpp"
#include "control/proof_checks.hpp"
#include "control/same_site.hpp"
#include "hub/admission.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::control {

struct GateSettings {
    Digest cookie_key{};        ///< signs cookies; the same over restarts keeps people signed in
    std::string machine_name;   ///< this machine's host name, by which its page may be used
};

/// Somebody who has signed in, or asks who it is.
struct SignedIn {
    hub::Identity identity;
    std::vector<std::string_view> actions;   ///< what it may do to something
    bool admin = false;                      ///< it may change the node
    std::string cookie;                      ///< empty: it did not come, and is not answered, by a cookie
    std::string csrf_token;                  ///< likewise
};

/// Lets people in, or not: the Admission of a node. What a policy and a memory of proofs can tell is told on
/// the asker's thread (`decide_now`); whatever else there is to find out, one executor does, `home`. It
/// outlives whoever asks and whatever `hashing` does for it, and ends after `home` has stopped.
class Gate final : public hub::Admission {
public:
    /// How many passwords may be hashed at once: 19 MiB and a core each.
    static constexpr unsigned hashing_threads = 2;

    Gate(Executor& home, Background& hashing, Random& random, GateSettings settings);
    Gate(const Gate&) = delete;
    Gate& operator=(const Gate&) = delete;
    ~Gate() override;

    /// From now on this holds; until the first one nobody gets in. Any thread.
    void use(std::shared_ptr<const Policy> policy);

    /// Any thread, all of these.
    void decide(hub::Petition petition, Reply<hub::Admitted> reply) override;
    std::optional<Result<hub::Admitted>> decide_now(const hub::Petition& petition) override;
    /// Who asks, whatever it may do; by a cookie if it came with one. Errc::unauthenticated for a stranger
    /// who may do nothing.
    void identify(hub::Petition petition, Reply<SignedIn> reply);
    /// Turns the proof of a user or token into a cookie. The petition says where it comes from; what it wants
    /// is not looked at.
    void sign_in(hub::Petition petition, Proof proof, Reply<SignedIn> reply);
    /// Whether a call that changes something may come from there, whoever makes it.
    void look_at_origin(hub::Petition petition, Reply<bool> reply);

private:
    /// Who asks, as far as the petition alone tells.
    struct Asker {
        Proof proof;                              ///< to be checked
        std::optional<hub::Identity> signed_in;   ///< by cookie: nothing left to check
        std::string cookie;                       ///< likewise
    };

    /// What is asked of `admit`, behind whose proof it stands.
    struct Want {
        hub::Action action;
        std::string_view stream;
        bool changes;
        bool of_some;
    };
    using PolicyRef = std::shared_ptr<const Policy>;

    void at_home(std::move_only_function<void()> work);
    PolicyRef policy() const;
    OwnNames own_names(const Policy& policy) const;
    Result<Asker> asker_of(const Policy& policy, const hub::Petition& petition) const;
    std::optional<hub::Identity> by_cookie(const Policy& policy, const hub::Petition& petition,
                                           const Proof& proof) const;
    void judge(const hub::Petition& petition, Reply<hub::Admitted> reply);
    Result<hub::Admitted> admit(const PolicyRef& policy, const hub::Identity& identity,
                                const Want& want) const;
    Result<hub::Admitted> admit_some(const PolicyRef& policy, const hub::Identity& identity,
                                     hub::Action action) const;
    void prove(Asker asker, const Endpoint& peer, ProofChecks::Done done);
    SignedIn described(hub::Identity identity, std::string cookie) const;

    Executor& home_;
    ProofChecks checks_;
    const GateSettings settings_;
    mutable Mutex mutex_;
    PolicyRef policy_ MILLRACE_GUARDED_BY(mutex_);
};

}   // namespace millrace::control
