#pragma once

#include "base/answer.hpp"
#include "base/connection.hpp"
#include "base/task.hpp"
#include "base/web.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace millrace::hub {

enum class Action : std::uint8_t { publish, play, archive, admin };
std::string_view name(Action action);

/// Whose grants let somebody in, as their session keeps it for as long as it runs.
struct Identity {
    std::string name;               ///< "user cam", "token door", "anyone"
    std::uint64_t credential = 0;   ///< another one after the password or token changed; 0: needed none

    bool operator==(const Identity&) const = default;
};

/// The realm of Digest access, which is part of what is kept of a password for it.
inline constexpr std::string_view digest_realm = "Millrace";

/// What is left to check of a Digest (RFC 7616) once a session has found realm, nonce and URI right: whether
/// `response` is H(secret:tail). The secret is H(user:realm:password), as a user's `digest` keeps it.
struct DigestProof {
    enum class Hash : std::uint8_t { md5, sha256 };

    std::string user;
    Hash hash = Hash::md5;
    std::string tail;
    std::string response;   ///< lower-case hexadecimal

    bool operator==(const DigestProof&) const = default;
};

/// Who wants what, and how they prove who they are.
struct Petition {
    Action action = Action::play;
    std::string stream;          ///< a valid stream name; empty: of no stream
    std::string_view protocol;   ///< "rtmp", "flv", …: a literal
    Endpoint peer;
    bool encrypted = false;
    std::string query;           ///< raw; may hold user, pass or token
    std::string authorization;   ///< the header's value; empty = none
    /// Of a header "Digest …" that a session has looked at (`session/digest_door.hpp`); `authorization` is
    /// then empty.
    std::optional<DigestProof> digest{};
    /// A user whom the channel proved already, by a key that both ends have; empty: nobody.
    std::string proven_user{};

    // What only HTTP has.
    std::string cookie;       ///< the header's value
    std::string host;         ///< likewise
    std::string origin;       ///< likewise
    std::string csrf_token;   ///< of X-CSRF-Token
    bool changes = false;     ///< the call changes something

    bool of_some = false;   ///< of streams in general: who may do it to one or administers is let in

    std::function<void()> let_in;   ///< called by `ask` where the answer is yes; may be empty
};

/// The petition that an HTTP request makes; `changes` as its method says.
Petition petition_of(const web::Request& request, Action action, std::string_view protocol);

struct Admitted {
    Identity identity;
    bool anyone = false;   ///< it needed no proof: what is answered may be kept by shared caches
    /// Only of a petition `of_some`: whether it may do something to a stream, or to the node ("")
    /// without changing it. Any thread.
    std::function<Result<>(Action action, std::string_view stream)> may{};
};

/// Whether somebody may do something. `control` implements it. The answer may come later and from any thread;
/// the asker gives it a deadline and may lose interest.
class Admission {
public:
    static constexpr Duration decision_deadline = 10s;

    virtual ~Admission() = default;
    /// An error says why not, with words for the peer: Errc::unauthenticated, refused, throttled, exhausted.
    virtual void decide(Petition petition, Reply<Admitted> reply) = 0;
    /// The same where it needs no waiting: on the asker's thread. Nothing: `decide` must be asked.
    virtual std::optional<Result<Admitted>> decide_now(const Petition& /*petition*/) { return std::nullopt; }
};

/// The answer where it needs no waiting, and the connection was told of a yes; nothing: `ask` it is.
std::optional<Result<Admitted>> ask_now(Admission& admission, const Petition& petition);

/// Asks, waits for at most `decision_deadline`, and tells the connection of a yes (`Petition::let_in`).
Task<Result<Admitted>> ask(Admission& admission, Petition petition, Executor& executor);

}   // namespace millrace::hub
