#pragma once

#include "base/answer.hpp"
#include "base/connection.hpp"

#include <string>
#include <string_view>

namespace millrace::hub {

enum class Action : std::uint8_t { publish, play, archive, admin };

/// Who wants what, and how they prove who they are.
struct Petition {
    Action action = Action::play;
    std::string stream;          ///< a valid stream name
    std::string_view protocol;   ///< "rtmp", "flv", …: a literal
    Endpoint peer;
    bool encrypted = false;
    std::string query;           ///< raw; may hold user, pass or token
    std::string authorization;   ///< the header's value; empty = none
};

struct Admitted {};

/// Whether somebody may do something. `control` implements it. The answer may come later and from any thread;
/// the asker gives it a deadline and may lose interest.
class Admission {
public:
    virtual ~Admission() = default;
    /// An error says why not: Errc::refused with words for the peer.
    virtual void decide(Petition petition, Reply<Admitted> reply) = 0;
};

}   // namespace millrace::hub
