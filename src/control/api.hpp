#pragma once

#include "base/web.hpp"
#include "control/overview.hpp"

#include <vector>

namespace millrace::control {

/// What is to be seen: `/healthz`, `/readyz`, `/metrics`, `/api/openapi.yaml`, `/api/v1/streams[/{name}]`,
/// `/api/v1/sessions[/{id}]`. The first two and the description need no credential, the streams are shown to
/// who may play them, the others need the grant `admin`.
std::vector<web::Route> api_routes(ApiSources sources);

}   // namespace millrace::control
