#pragma once

#include "archive/keeper.hpp"
#include "base/task.hpp"
#include "base/web.hpp"
#include "session/desk.hpp"

#include <string>

namespace millrace::session {

/// What is asked of the results that were recorded with a stream's pictures: a page of those that were
/// captured in that time.
struct ResultsAsk {
    static constexpr std::size_t limit_default = 100;
    static constexpr std::size_t limit_max = 1000;

    /// Where a page begins: behind so many results of the fragment that begins then.
    struct Place {
        WallTime at;
        std::size_t behind = 0;
    };

    std::string stream;
    archive::Span span;
    media::TimedMessage::Kind kind = media::TimedMessage::Kind::result;
    std::string of_class;   ///< of results; empty: of any
    std::size_t limit = limit_default;
    Place page;
};

/// `?from=&to=&kind=&class=&limit=&page=`. Errc::malformed.
Result<ResultsAsk> read_results_ask(std::string stream, const web::Request& request);

/// `{"items":[{"kind":"result","run":"…","capture":"…","pts":1.5,"result":{…}}],"next":"…"}` in the order of
/// coming; `next` is the `page` to go on with, and missing where that is all. A page ends early after some 5
/// s, 5,000 results looked at, or 4 MB. Errors of Keeper::list and Keeper::read_results.
Task<Result<std::string>> results_page(Desk& desk, archive::Keeper& keeper, ResultsAsk ask);

}   // namespace millrace::session
