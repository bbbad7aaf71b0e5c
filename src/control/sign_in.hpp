#pragma once

#include "base/web.hpp"
#include "control/gate.hpp"

#include <vector>

namespace millrace::control {

/// How the page signs people in, so that its players, whose requests carry no header of ours, are let in by
/// a cookie. The gate outlives the routes.
///
/// - `POST /login`, a form or JSON with `user` and `pass`, or with `token`: 200 with the session and a
/// cookie,
///   or why not.
/// - `POST /logout`: 204, and the cookie is taken back.
/// - `GET /api/v1/session`: who asks, `{"kind", "user", "actions", "admin", "csrf"}`; 401 for a stranger who
/// may do
///   nothing.
std::vector<web::Route> sign_in_routes(Gate& gate);

}   // namespace millrace::control
