#pragma once

#include "base/bytes.hpp"
#include "control/standing.hpp"
#include "control/steward.hpp"
#include "hub/enrolment.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::control {

/// A right to come as a new box: whoever has its token becomes, once, a user of that name with a key that it
/// made itself, who may publish those streams. It is kept once it was used, so that a second use is noticed.
///
///     { "name": "gate", "stream": "live/gate", "key": "64 hexadecimal digits", "expires": "2026-11-23T…",
///       "used": "2026-11-22T…", "from": "192.0.2.7:40112" }
struct Enrolment {
    static constexpr std::size_t kept_max = 256;
    static constexpr std::size_t key_size = 32;

    std::string name;
    std::string stream;   ///< which it may publish, as a grant has it
    std::vector<std::byte> key;
    WallTime expires;
    std::optional<WallTime> used{};
    std::string from{};   ///< whence it was used
};

/// What the state has; what is damaged is passed over.
std::vector<Enrolment> enrolments_of(const State& state);

/// Makes room for another box. 409: there is a user of this name; 422: no such name or stream; 507: too many.
Outcome add_enrolment(State& state, const Standing& now, const Enrolment& added);
/// 404: there is none. A box that came by it stays: it is a user.
Outcome drop_enrolment(State& state, std::string_view name);

/// Makes the box a user. 409: the token was used already; 410: its time is over; otherwise as
/// `add_enrolment`.
Outcome use_enrolment(State& state, const Standing& now, const hub::EnrolmentWish& wish, WallTime at);

/// The keys that links may show: of users, and of tokens, used ones too.
std::map<std::string, std::vector<std::byte>, std::less<>> link_keys_of(const Standing& standing);

}   // namespace millrace::control
