#pragma once

#include "base/background.hpp"
#include "base/executor.hpp"
#include "base/mutex.hpp"
#include "base/random.hpp"
#include "control/credentials.hpp"
#include "control/failures.hpp"
#include "control/policy.hpp"
#include "control/recent_table.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace millrace::control {

/// Finds out whose proof something is. All of it happens on `home`; what costs time goes to `hashing`. A
/// proof that held is remembered for `remembered_for`, under a key of this process, so that a viewer's
/// segments cost one Argon2id in that time, and any thread may look there (`recall`); those who come with the
/// same proof meanwhile wait for one.
///
/// Failed proofs are limited by the source they come from (Failures), never by user: whoever guesses from
/// elsewhere can lock nobody out. What is remembered holds in any case, and the same wrong proof again counts
/// once, so that a camera with an old password costs its neighbours nothing.
class ProofChecks {
public:
    static constexpr Duration remembered_for = 5min;
    static constexpr std::size_t remembered_max = 16'384;
    static constexpr std::size_t waiting_max = 4'096;   ///< for a hash, or for their turn

    /// Errc::unauthenticated, throttled, or exhausted.
    using Verdict = Result<hub::Identity>;
    using Done = std::move_only_function<void(const Verdict&)>;

    ProofChecks(Executor& home, Background& hashing, Random& random);
    ProofChecks(const ProofChecks&) = delete;
    ProofChecks& operator=(const ProofChecks&) = delete;

    void use(std::shared_ptr<const Policy> policy);
    /// Of a user or a token; `done` is called at once or later, on `home`.
    void examine(Proof proof, const Endpoint& peer, Done done);
    /// Whose proof it was of late, if `policy` still knows them; nothing: `examine` must tell. Any thread.
    std::optional<hub::Identity> recall(const Proof& proof, const Policy& policy) const;

private:
    /// A proof on its way to a verdict.
    struct Ask {
        Proof proof;
        Digest mark;   ///< its HMAC, by which it is remembered
        Source source;
        Done done;
    };
    struct Remembered {
        hub::Identity identity;
        Instant until;
    };
    /// A wrong proof that came from one source.
    struct Wrong {
        Instant since;
        std::size_t count;
        Error why;
    };
    /// A hash under way, and all who wait for it.
    struct Hashing {
        hub::Identity identity;   ///< whose it is if it matches; without a name: nobody's
        std::vector<Ask> asks;
    };

    void examine(Ask ask);
    bool answer_from_memory(Ask& ask);
    std::optional<hub::Identity> recall(const Digest& mark, const Policy& policy) const;
    void remember(const Digest& mark, const hub::Identity& identity);
    bool join_hash(Ask& ask);
    void check_token(Ask ask);
    void check_digest(Ask ask);
    void check_password(Ask ask);
    void finish_hash(const Digest& mark, const Result<bool>& matched);
    Verdict verdict_of(const hub::Identity& identity, const Result<bool>& matched) const;
    void settle(Ask& ask, const Verdict& verdict);
    void wait_for_turn(Ask ask);
    void give_turns(const Source& source);
    Digest mark_of(const Proof& proof) const;
    Digest wrong_mark(const Ask& ask) const;

    Executor& home_;
    Background& hashing_;
    Digest key_;   // of what is remembered; drawn once
    const PasswordHash nobodys_;
    std::shared_ptr<const Policy> policy_;

    mutable Mutex mutex_;
    mutable RecentTable<Digest, Remembered> remembered_ MILLRACE_GUARDED_BY(mutex_){remembered_max};
    RecentTable<Digest, Wrong> wrong_{remembered_max};
    Failures failures_;
    std::unordered_map<Digest, Hashing> under_way_;
    std::unordered_map<Source, std::deque<Ask>> waiting_;   // until one of their source is known
    std::size_t asks_waiting_ = 0;                          // in both
};

}   // namespace millrace::control
