#include "session/raw_push.hpp"

#include "base/url.hpp"
#include "container/annex_b_muxer.hpp"
#include "hub/derived_feed.hpp"

namespace millrace::session {

namespace {

constexpr std::string_view form = "tcp-push";

hub::Flavour pictures() {
    return hub::flavour_of({.form = form, .only = media::Kind::video}, [] {
        return Pushed<annex_b::Muxer>{annex_b::Shape::plain, annex_b::Codecs::h264_or_h265};
    });
}

}   // namespace

Task<ForwardEnding> raw_push(Desk& desk, const ForwardMeans& means, ForwardCourse& course) {
    const Result<Url> url = parse_url(course.rule().to);
    if (!url) {
        co_return ForwardEnding{.error = url.error(), .words = {}, .lasting = true};
    }
    Dial dial{.to = url->endpoint(), .deadline = desk.executor.now() + forward_setup_max};
    Result<std::unique_ptr<Connection>> connection =
        co_await course.connect(means.connector, std::move(dial));
    if (!connection) {
        co_return ForwardEnding{.error = connection.error(), .words = {}};
    }
    Result<hub::Joined> joined = co_await course.join(pictures(), form, (*connection)->peer());
    if (!joined) {
        co_return ForwardEnding{.error = joined.error(), .words = {}};
    }
    ForwardLink link{.connection = std::move(*connection), .lead = {}, .back_channel = nullptr};
    co_return co_await course.serve(std::move(*joined), std::move(link));
}

}   // namespace millrace::session
