#pragma once

#include "archive/index.hpp"
#include "base/web.hpp"

namespace millrace::session {

/// The time that an address of recordings asks for: `?from=&to=`, both of which may be left out.
struct AskedSpan {
    static constexpr WallTime always{INT64_MAX / 4};   ///< later than any recording

    archive::Span span{{0}, always};
    bool open_ended() const { return span.to == always; }
};
/// Errc::malformed for what is no time, and where `to` is not behind `from`.
Result<AskedSpan> read_span(const web::Request& request);

/// A time that a query names; `otherwise` where it does not. Errc::malformed.
Result<WallTime> read_time(const web::Request& request, std::string_view key, WallTime otherwise);

}   // namespace millrace::session
