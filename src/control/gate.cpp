#include "control/gate.hpp"

#include "base/log.hpp"
#include "control/cookie.hpp"

#include <algorithm>
#include <array>

namespace millrace::control {

namespace {

constexpr std::array actions{hub::Action::publish, hub::Action::play, hub::Action::archive,
                             hub::Action::admin};

WallTime after(WallTime moment, Duration span) {
    return {moment.microseconds + std::chrono::duration_cast<std::chrono::microseconds>(span).count()};
}

}   // namespace

Gate::Gate(Executor& home, Background& hashing, Random& random, GateSettings settings)
    : home_{home}, checks_{home, hashing, random}, settings_{std::move(settings)}, policy_{policy_of({})} {
}

Gate::~Gate() = default;

void Gate::at_home(std::move_only_function<void()> work) {
    if (home_.is_current()) {
        work();
    } else {
        home_.post(std::move(work));
    }
}

void Gate::use(std::shared_ptr<const Policy> policy) {
    {
        const MutexLock lock{mutex_};
        policy_ = policy;
    }
    at_home([this, policy = std::move(policy)]() mutable { checks_.use(std::move(policy)); });
}

Gate::PolicyRef Gate::policy() const {
    const MutexLock lock{mutex_};
    return policy_;
}

void Gate::decide(hub::Petition petition, Reply<hub::Admitted> reply) {
    at_home([this, petition = std::move(petition), reply = std::move(reply)]() mutable {
        judge(petition, std::move(reply));
    });
}

std::optional<Result<hub::Admitted>> Gate::decide_now(const hub::Petition& petition) {
    const PolicyRef policy = this->policy();
    Result<Asker> asker = asker_of(*policy, petition);
    if (!asker) {
        return std::unexpected(asker.error());
    }
    std::optional<hub::Identity> identity = std::move(asker->signed_in);
    if (!identity) {
        identity =
            std::holds_alternative<NoProof>(asker->proof) ? anyone() : checks_.recall(asker->proof, *policy);
    }
    if (!identity) {
        return std::nullopt;
    }
    return admit(policy, *identity, {petition.action, petition.stream, petition.changes, petition.of_some});
}

OwnNames Gate::own_names(const Policy& policy) const {
    return {policy.hosts(), settings_.machine_name, policy.origins()};
}

std::optional<hub::Identity> Gate::by_cookie(const Policy& policy, const hub::Petition& petition,
                                             const Proof& proof) const {
    const auto* const cookie = std::get_if<CookieProof>(&proof);
    if (cookie == nullptr || !cookie_counts(petition, own_names(policy))) {
        return std::nullopt;
    }
    const WallTime now = home_.clock().utc();
    auto identity = read_cookie(settings_.cookie_key, cookie->value, now);
    return identity && policy.find(*identity, now) != nullptr ? std::move(identity) : std::nullopt;
}

Result<Gate::Asker> Gate::asker_of(const Policy& policy, const hub::Petition& petition) const {
    if (petition.changes) {
        if (const Result<> allowed = may_change(petition, own_names(policy)); !allowed) {
            return std::unexpected(allowed.error());
        }
    }
    if (!petition.proven_user.empty()) {
        const Principal* const user = policy.user(petition.proven_user);
        if (user == nullptr || user->is_expired(home_.clock().utc())) {
            return fail(Errc::unauthenticated, "the key's identity is no user here (auth.users)");
        }
        return Asker{.proof = {}, .signed_in = user->identity, .cookie = {}};
    }
    if (policy.is_open() && !policy.has_proofs()) {
        return Asker{};   // whatever it brings, there is nothing here to prove
    }
    Result<Proof> proof = proof_of(petition);
    if (!proof) {
        return std::unexpected(proof.error());
    }
    const auto* const cookie = std::get_if<CookieProof>(&*proof);
    if (cookie == nullptr) {
        return Asker{.proof = std::move(*proof), .signed_in = {}, .cookie = {}};
    }
    // A browser sends a cookie unasked, so a bad one is none.
    std::optional<hub::Identity> signed_in = by_cookie(policy, petition, *proof);
    if (!signed_in) {
        return Asker{};
    }
    const std::string expected = csrf_token_of(settings_.cookie_key, cookie->value);
    if (petition.changes && !same_in_constant_time(as_bytes(petition.csrf_token), as_bytes(expected))) {
        return fail(Errc::refused,
                    "a change by cookie needs the header X-CSRF-Token that /api/v1/session gives");
    }
    return Asker{.proof = {}, .signed_in = std::move(signed_in), .cookie = cookie->value};
}

void Gate::judge(const hub::Petition& petition, Reply<hub::Admitted> reply) {
    Result<Asker> asker = asker_of(*policy(), petition);
    if (!asker) {
        reply.give(std::unexpected(asker.error()));
        return;
    }
    ProofChecks::Done done = [this, action = petition.action, stream = petition.stream,
                              changes = petition.changes, of_some = petition.of_some,
                              reply = std::move(reply)](const ProofChecks::Verdict& verdict) mutable {
        reply.give(verdict ? admit(policy(), *verdict, {action, stream, changes, of_some})
                           : std::unexpected(verdict.error()));
    };
    prove(std::move(*asker), petition.peer, std::move(done));
}

Result<hub::Admitted> Gate::admit(const PolicyRef& policy, const hub::Identity& identity,
                                  const Want& want) const {
    if (want.of_some) {
        return admit_some(policy, identity, want.action);
    }
    const Wish wish{want.action, want.stream, want.changes};
    const Result<> admitted = policy->admits(identity, wish, home_.clock().utc());
    if (!admitted) {
        return std::unexpected(admitted.error());
    }
    return hub::Admitted{identity, policy->anyone_may(wish)};
}

Result<hub::Admitted> Gate::admit_some(const PolicyRef& policy, const hub::Identity& identity,
                                       hub::Action action) const {
    const WallTime now = home_.clock().utc();
    auto may = [policy, identity, now](hub::Action what, std::string_view stream) {
        return policy->admits(identity, {what, stream, false}, now);
    };
    if (!policy->may_somewhere(identity, action, now)) {
        if (const Result<> administers = may(hub::Action::admin, ""); !administers) {
            return std::unexpected(administers.error());
        }
    }
    return hub::Admitted{.identity = identity, .may = std::move(may)};
}

void Gate::prove(Asker asker, const Endpoint& peer, ProofChecks::Done done) {
    if (asker.signed_in) {
        done(*asker.signed_in);
    } else if (std::holds_alternative<NoProof>(asker.proof)) {
        done(anyone());
    } else {
        checks_.examine(std::move(asker.proof), peer, std::move(done));
    }
}

SignedIn Gate::described(hub::Identity identity, std::string cookie) const {
    SignedIn described{
        .identity = std::move(identity), .actions = {}, .cookie = std::move(cookie), .csrf_token = {}};
    const WallTime now = home_.clock().utc();
    const PolicyRef policy = this->policy();
    described.admin = policy->admits(described.identity, {hub::Action::admin, {}, true}, now).has_value();
    for (const hub::Action action : actions) {
        if (policy->may_somewhere(described.identity, action, now)) {
            described.actions.push_back(hub::name(action));
        }
    }
    if (!described.cookie.empty()) {
        described.csrf_token = csrf_token_of(settings_.cookie_key, described.cookie);
    }
    return described;
}

void Gate::identify(hub::Petition petition, Reply<SignedIn> reply) {
    at_home([this, petition = std::move(petition), reply = std::move(reply)]() mutable {
        Result<Asker> asker = asker_of(*policy(), petition);
        if (!asker) {
            reply.give(std::unexpected(asker.error()));
            return;
        }
        std::string cookie = asker->cookie;
        prove(std::move(*asker), petition.peer,
              [this, cookie = std::move(cookie),
               reply = std::move(reply)](const ProofChecks::Verdict& verdict) mutable {
                  if (!verdict) {
                      reply.give(std::unexpected(verdict.error()));
                      return;
                  }
                  SignedIn found = described(*verdict, std::move(cookie));
                  if (found.identity == anyone() && found.actions.empty()) {
                      reply.give(fail(Errc::unauthenticated, "nobody is signed in"));
                      return;
                  }
                  reply.give(std::move(found));
              });
    });
}

void Gate::sign_in(hub::Petition petition, Proof proof, Reply<SignedIn> reply) {
    at_home(
        [this, petition = std::move(petition), proof = std::move(proof), reply = std::move(reply)]() mutable {
            if (const Result<> allowed = may_change(petition, own_names(*policy())); !allowed) {
                reply.give(std::unexpected(allowed.error()));
                return;
            }
            checks_.examine(
                std::move(proof), petition.peer,
                [this, reply = std::move(reply)](const ProofChecks::Verdict& verdict) mutable {
                    if (!verdict) {
                        reply.give(std::unexpected(verdict.error()));
                        return;
                    }
                    const WallTime expires = after(home_.clock().utc(), sign_in_lasts);
                    reply.give(described(*verdict, sign_cookie(settings_.cookie_key, *verdict, expires)));
                });
        });
}

void Gate::look_at_origin(hub::Petition petition, Reply<bool> reply) {
    at_home([this, petition = std::move(petition), reply = std::move(reply)]() mutable {
        const Result<> allowed = may_change(petition, own_names(*policy()));
        reply.give(allowed ? Result<bool>{true} : std::unexpected(allowed.error()));
    });
}

}   // namespace millrace::control
