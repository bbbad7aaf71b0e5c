#pragma once

#include "session/http_fetch.hpp"

namespace millrace::session {

/// A source by HTTP whose first answer has begun.
struct HttpPull {
    Desk& desk;
    Connector& connector;
    SourceLeash& leash;
    const std::string& stream;
    HttpFetch& fetch;
    Url url;   ///< as the configuration says it
    http::ResponseHead head;
};

/// What a server gives at an `http://` or `https://` address as a publisher: pictures, FLV, MPEG-TS,
/// fragmented MP4 or HLS. What it is, the answer's Content-Type says, or else how the address ends.
Task<SourceEnding> http_pull(Desk& desk, const SourceMeans& means, const SourceRule& rule,
                             SourceLeash& leash);

}   // namespace millrace::session
