#pragma once

#include "base/web.hpp"
#include "control/json.hpp"
#include "hub/admission.hpp"

#include <string_view>
#include <variant>

namespace millrace::control {

/// How long the API waits for those it asks.
inline constexpr Duration api_deadline = 10s;

/// Whether whoever asks may use the API: the grant `admin`.
Task<Result<hub::Admitted>> admit_admin(hub::Admission& admission, const web::Request& request,
                                        Executor& executor);

web::Response json_answer(int status, std::string_view text);
/// `{"items": […], "total": N}`
web::Response json_list(YamlNode items);

/// The request's body as JSON, or the answer that says what is wrong with it: 415 for another or a packed
/// kind of body, 400 for what is not strict JSON.
std::variant<YamlNode, web::Response> json_body(const web::Request& request);

/// Paths that are exactly `path`, and those below it ("/api/v1/users/cam").
std::function<bool(std::string_view)> exactly(std::string_view path);
std::function<bool(std::string_view)> below(std::string_view path);
/// What stands behind "/api/v1/users/".
std::string_view behind(std::string_view path, std::string_view prefix);

}   // namespace millrace::control
