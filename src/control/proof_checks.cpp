#include "control/proof_checks.hpp"

#include "base/check.hpp"
#include "base/log.hpp"

#include <algorithm>

namespace millrace::control {

namespace {

constexpr Error throttled{Errc::throttled,
                          "too many wrong passwords or tokens from this address; wait a minute"};
constexpr Error exhausted{Errc::exhausted, "too many passwords are being checked; try again"};
constexpr Error wrong_password{Errc::unauthenticated, "wrong user or password"};

/// A hash that no password has, at the usual price: for users that are not there, who then take as long.
PasswordHash hash_of_nobody() {
    Result<PasswordHash> hash = PasswordHash::parse(
        "$argon2id$v=19$m=19456,t=2,p=1$bWlsbHJhY2Utbm9ib2R5cw$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    check(hash.has_value(), "the hash of nobody is one");
    return std::move(*hash);
}

}   // namespace

ProofChecks::ProofChecks(Executor& home, Background& hashing, Random& random)
    : home_{home}, hashing_{hashing}, nobodys_{hash_of_nobody()}, policy_{policy_of({})} {
    random.fill(key_);
}

void ProofChecks::use(std::shared_ptr<const Policy> policy) {
    policy_ = std::move(policy);
    wrong_.clear();   // what was wrong may be right now
}

Digest ProofChecks::mark_of(const Proof& proof) const {
    if (const auto* const user = std::get_if<UserProof>(&proof)) {
        return hmac_sha256(key_, "user " + user->user + '\n' + user->password);
    }
    if (const auto* const digest = std::get_if<hub::DigestProof>(&proof)) {
        return hmac_sha256(key_, "digest " + digest->user + '\n' + digest->tail + '\n' + digest->response);
    }
    const auto* const token = std::get_if<TokenProof>(&proof);
    check(token != nullptr, "cookies are not checked here");
    return hmac_sha256(key_, "token " + token->token);
}

Digest ProofChecks::wrong_mark(const Ask& ask) const {
    std::string text{as_text(ask.mark)};
    text += as_text(std::as_bytes(std::span{ask.source.words}));
    return hmac_sha256(key_, text);
}

void ProofChecks::examine(Proof proof, const Endpoint& peer, Done done) {
    const Digest mark = mark_of(proof);
    examine(Ask{std::move(proof), mark, Source::of(peer), std::move(done)});
}

void ProofChecks::examine(Ask ask) {
    if (answer_from_memory(ask) || join_hash(ask)) {
        return;
    }
    switch (failures_.room(ask.source, home_.now())) {
        case Failures::Room::no: ask.done(std::unexpected(throttled)); return;
        case Failures::Room::wait: wait_for_turn(std::move(ask)); return;
        case Failures::Room::yes: break;
    }
    if (std::holds_alternative<TokenProof>(ask.proof)) {
        check_token(std::move(ask));
    } else if (std::holds_alternative<hub::DigestProof>(ask.proof)) {
        check_digest(std::move(ask));
    } else {
        check_password(std::move(ask));
    }
}

bool ProofChecks::answer_from_memory(Ask& ask) {
    const Instant now = home_.now();
    if (std::optional<hub::Identity> known = recall(ask.mark, *policy_)) {
        ask.done(*std::move(known));
        return true;
    }
    const Wrong* const wrong = wrong_.find(wrong_mark(ask));
    if (wrong == nullptr || now - wrong->since >= Failures::window) {
        return false;
    }
    settle(ask, std::unexpected(wrong->why));
    return true;
}

std::optional<hub::Identity> ProofChecks::recall(const Proof& proof, const Policy& policy) const {
    return recall(mark_of(proof), policy);
}

std::optional<hub::Identity> ProofChecks::recall(const Digest& mark, const Policy& policy) const {
    const MutexLock lock{mutex_};
    const Remembered* const found = remembered_.find(mark);
    if (found == nullptr) {
        return std::nullopt;
    }
    if (home_.now() >= found->until || policy.find(found->identity, home_.clock().utc()) == nullptr) {
        remembered_.erase(mark);
        return std::nullopt;
    }
    return found->identity;
}

void ProofChecks::remember(const Digest& mark, const hub::Identity& identity) {
    const MutexLock lock{mutex_};
    remembered_.put(mark, {identity, home_.now() + remembered_for});
}

bool ProofChecks::join_hash(Ask& ask) {
    const auto found = under_way_.find(ask.mark);
    if (found == under_way_.end()) {
        return false;
    }
    if (asks_waiting_ >= waiting_max) {
        ask.done(std::unexpected(exhausted));
    } else {
        ++asks_waiting_;
        found->second.asks.push_back(std::move(ask));
    }
    return true;
}

void ProofChecks::check_token(Ask ask) {
    const Principal* const principal = policy_->token(sha256(std::get<TokenProof>(ask.proof).token));
    if (principal != nullptr && !principal->is_expired(home_.clock().utc())) {
        remember(ask.mark, principal->identity);
        settle(ask, principal->identity);
    } else {
        settle(ask, fail(Errc::unauthenticated,
                         principal != nullptr ? "this token has expired" : "this token is not valid here"));
    }
}

// It is not remembered: whoever comes again brings another one.
void ProofChecks::check_digest(Ask ask) {
    const hub::DigestProof& proof = std::get<hub::DigestProof>(ask.proof);
    const Principal* const user = policy_->user(proof.user);
    const bool proved = proves(proof, user != nullptr ? user->digest : DigestSecrets{});
    settle(ask, proved ? Verdict{user->identity} : std::unexpected(wrong_password));
}

void ProofChecks::check_password(Ask ask) {
    const UserProof& proof = std::get<UserProof>(ask.proof);
    const Principal* const user = policy_->user(proof.user);
    const bool known = user != nullptr && user->password;
    // On the other thread nothing of ours is touched: only `home` runs what comes back, if it still runs.
    auto work = [this, &home = home_, mark = ask.mark, password = proof.password,
                 hash = known ? *user->password : nobodys_] {
        home.post([this, mark, matched = hash.matches(password)] { finish_hash(mark, matched); });
    };
    if (asks_waiting_ >= waiting_max || !hashing_.run(std::move(work))) {
        ask.done(std::unexpected(exhausted));
        return;
    }
    failures_.begin(ask.source);
    ++asks_waiting_;
    Hashing& hashing = under_way_[ask.mark];
    hashing.identity = known ? user->identity : hub::Identity{};
    hashing.asks.push_back(std::move(ask));
}

void ProofChecks::finish_hash(const Digest& mark, const Result<bool>& matched) {
    auto node = under_way_.extract(mark);
    Hashing& hashing = node.mapped();
    const Source source = hashing.asks.front().source;
    asks_waiting_ -= hashing.asks.size();
    failures_.end(source);
    const Verdict verdict = verdict_of(hashing.identity, matched);
    if (verdict) {
        remember(mark, *verdict);
    }
    for (Ask& ask : hashing.asks) {
        settle(ask, verdict);
    }
    give_turns(source);
}

ProofChecks::Verdict ProofChecks::verdict_of(const hub::Identity& identity,
                                             const Result<bool>& matched) const {
    if (!matched) {
        return std::unexpected(matched.error());
    }
    if (!*matched || identity.name.empty()) {
        return std::unexpected(wrong_password);
    }
    if (policy_->find(identity, home_.clock().utc()) == nullptr) {
        return fail(Errc::cancelled, "the password changed while it was checked; try again");
    }
    return identity;
}

/// The verdict to the asker; a wrong proof is counted against its source, the first time.
void ProofChecks::settle(Ask& ask, const Verdict& verdict) {
    if (verdict || verdict.error().code != Errc::unauthenticated) {
        ask.done(verdict);
        return;
    }
    const Instant now = home_.now();
    const Digest mark = wrong_mark(ask);
    Wrong* known = wrong_.find(mark);
    if (known == nullptr || now - known->since >= Failures::window) {
        known = &wrong_.put(mark, {now, 0, verdict.error()});
        if (failures_.failed(ask.source, now)) {
            log::warning("auth", "{} wrong passwords or tokens in a minute from {}: it has to wait",
                         Failures::failures_max, ask.source.text());
        }
    }
    const bool too_often = ++known->count > Failures::failures_max;
    ask.done(too_often ? Verdict{std::unexpected(throttled)} : verdict);
}

void ProofChecks::wait_for_turn(Ask ask) {
    if (asks_waiting_ >= waiting_max) {
        ask.done(std::unexpected(exhausted));
        return;
    }
    ++asks_waiting_;
    const Source source = ask.source;
    waiting_[source].push_back(std::move(ask));
}

/// Something of that source became known: who waits for that may go on, as far as there is room.
void ProofChecks::give_turns(const Source& source) {
    auto node = waiting_.extract(source);
    if (node.empty()) {
        return;
    }
    std::deque<Ask>& asks = node.mapped();
    while (!asks.empty() && failures_.room(source, home_.now()) != Failures::Room::wait) {
        Ask ask = std::move(asks.front());
        asks.pop_front();
        --asks_waiting_;
        examine(std::move(ask));
    }
    if (!asks.empty()) {
        waiting_.insert(std::move(node));
    }
}

}   // namespace millrace::control
