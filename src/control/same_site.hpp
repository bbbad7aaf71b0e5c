#pragma once

#include "base/result.hpp"
#include "hub/admission.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace millrace::control {

/// What this node is called, and whose pages may act for people who are signed in.
struct OwnNames {
    const std::vector<std::string>& hosts;     ///< http.hosts, lower case
    std::string_view machine;                  ///< its host name; empty: unknown
    const std::vector<std::string>& origins;   ///< http.cors without "*"
};

/// Whether a `Host` can only be us: a number, localhost, the machine's name or one of http.hosts. Any other
/// name may be a stranger's that points here, so that his page counts as ours to a browser (rebinding).
bool is_own_host(std::string_view host, const OwnNames& names);

/// Whether a call that changes something comes from where it may, if a browser made it.
Result<> may_change(const hub::Petition& petition, const OwnNames& names);

/// Whether the browser's cookie in this petition says anything: a page of another site may have sent it.
bool cookie_counts(const hub::Petition& petition, const OwnNames& names);

}   // namespace millrace::control
