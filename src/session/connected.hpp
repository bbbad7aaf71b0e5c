#pragma once

#include "session/http_fetch.hpp"

namespace millrace::session {

/// One try of a source that is one connection to the server that its URL names: connects, and gives the
/// connection to a `Pull`, made of desk, rule, leash and URL, until that ends.
template <class Pull>
Task<SourceEnding> connected_pull(Desk& desk, const SourceMeans& means, const SourceRule& rule,
                                  SourceLeash& leash) {
    const Result<Url> url = parse_url(rule.source);
    if (!url) {
        co_return SourceEnding{.error = url.error(), .words = {}, .lasting = true};
    }
    const Result<std::unique_ptr<Connection>> connection =
        co_await pull_connect(desk, means.connector, *url, leash);
    if (!connection) {
        co_return SourceEnding{.error = connection.error(), .words = {}};
    }
    Pull pull{desk, rule, leash, *url};
    co_return co_await pull.run(**connection);
}

}   // namespace millrace::session
