#pragma once

#include "base/web.hpp"
#include "hub/admission.hpp"
#include "hub/directory.hpp"
#include "hub/sessions.hpp"

#include <string>
#include <vector>

namespace millrace::control {

/// What the API shows and asks; all of it outlives the routes.
struct ApiSources {
    hub::Directory& directory;
    hub::Admission& admission;
    std::vector<hub::Sessions*> sessions;   ///< one a worker
};

/// `/healthz`, `/api/v1/streams`, `/api/v1/streams/{name}`.
std::vector<web::Route> api_routes(ApiSources sources);

}   // namespace millrace::control
