#pragma once

#include "base/background.hpp"
#include "base/random.hpp"
#include "base/web.hpp"
#include "control/api_words.hpp"
#include "control/steward.hpp"
#include "hub/admission.hpp"

#include <atomic>
#include <optional>
#include <vector>

namespace millrace::control {

/// What the changing part of the API asks; all of it outlives the routes. `random` is asked on any worker.
struct ApiMeans {
    hub::Admission& admission;
    Steward& steward;
    Background& hashing;
    Random& random;
    /// Of the certificate that links are shown; null or empty: there are no links to this node.
    const std::string* link_fingerprint = nullptr;
    /// Where links come to; null or 0: likewise.
    const std::atomic<std::uint16_t>* link_port = nullptr;
};

/// `/api/v1/config` (GET, PATCH), `/api/v1/config/reload` (POST).
std::vector<web::Route> config_routes(ApiMeans means);
/// `/api/v1/users`, `/api/v1/tokens` (GET) and one of each (GET, PUT, DELETE).
std::vector<web::Route> access_routes(ApiMeans means);
/// `/api/v1/enrolments` (GET, POST) and one of them (DELETE).
std::vector<web::Route> enrolment_routes(ApiMeans means);
/// `/api/v1/streams/{name}`: PUT and DELETE of its rule. To be joined to the route that reads it.
web::Route stream_rule_route(ApiMeans means);
/// `/api/v1/recordings/{name}`: POST of {"record": true} or false. To be joined likewise.
web::Route record_route(ApiMeans means);

/// Lets the first of `routes` that knows `more`'s addresses answer its methods, too.
void join_route(std::vector<web::Route>& routes, std::string_view path, const web::Route& more);

/// Has the steward make a change; the answer that says why not, or nothing when it is done and durable.
Task<std::optional<web::Response>> make_change(Steward& steward, Executor& executor, Steward::Edit edit);
Task<Result<StandingRef>> standing_of(Steward& steward, Executor& executor);
/// What holds, or the answer to whoever may not know it.
Task<std::variant<StandingRef, web::Response>> admit_and_look(const ApiMeans& means,
                                                              const web::Request& request,
                                                              Executor& executor);

/// The entry of an overlay's list that has this name, or null.
YamlNode* find_named(YamlNode& list, std::string_view name);

/// 409 in words where environment or options fix a key.
std::optional<Outcome> refuse_fixed(const Standing& now, std::string_view key);

}   // namespace millrace::control
