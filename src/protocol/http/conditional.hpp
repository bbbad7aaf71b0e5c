#pragma once

#include "base/web.hpp"

namespace millrace::http {

/// What is left of a 200 answer with a body and a strong ETag after the request's conditions and range
/// (RFC 9110 §13 and §14): 304, 412, 206 with one part, 416, or the answer itself with Accept-Ranges. Other
/// answers pass as they are. Several ranges are answered with the whole (§14.2 allows it): small requests
/// never cause large answers. An answer with `Accept-Ranges: none` has conditions but no parts. No body is
/// copied.
web::Response conditional(const web::Request& request, web::Response response);

}   // namespace millrace::http
