#include "session/http_pull.hpp"

#include "base/log.hpp"
#include "container/multipart_reader.hpp"
#include "session/hls_pull.hpp"
#include "session/media_reader.hpp"
#include "session/mjpeg_pull.hpp"
#include "session/relays.hpp"
#include "session/stream_pull.hpp"

#include <algorithm>
#include <array>

namespace millrace::session {

namespace {

Task<SourceEnding> pull_flv(HttpPull& pull) {
    co_return co_await stream_pull(pull, read_flv());
}
Task<SourceEnding> pull_ts(HttpPull& pull) {
    co_return co_await stream_pull(pull, read_ts());
}
Task<SourceEnding> pull_mp4(HttpPull& pull) {
    co_return co_await stream_pull(pull, read_mp4());
}

/// A form in which servers give media.
struct Form {
    Task<SourceEnding> (*pull)(HttpPull& pull);
    std::string_view ending;                 ///< of the path; empty: not known by it
    std::array<std::string_view, 4> types;   ///< in lower case; one that ends in '/' stands for all of it
};

constexpr std::array forms{
    Form{mjpeg_pull, "", {"multipart/", "image/jpeg"}},
    Form{pull_flv, ".flv", {"video/x-flv", "video/flv", "application/x-flv"}},
    Form{pull_ts, ".ts", {"video/mp2t", "video/mpegts"}},
    Form{pull_mp4, ".mp4", {"video/mp4", "application/mp4", "video/iso.segment"}},
    Form{hls_pull,
         ".m3u8",
         {"application/vnd.apple.mpegurl", "application/x-mpegurl", "audio/mpegurl", "audio/x-mpegurl"}},
};

bool has_type(const Form& form, std::string_view type) {
    return std::ranges::any_of(form.types, [type](std::string_view one) {
        return !one.empty() && (one.ends_with('/') ? type.starts_with(one) : type == one);
    });
}

const Form* form_of(const http::ResponseHead& head, const Url& url) {
    const std::string type = multipart::read_content_type(head.header("Content-Type").value_or("")).type;
    auto form = std::ranges::find_if(forms, [&type](const Form& one) { return has_type(one, type); });
    if (form == forms.end() && type != "text/html") {
        const std::string_view path = std::string_view{url.target}.substr(0, url.target.find('?'));
        form = std::ranges::find_if(
            forms, [path](const Form& one) { return !one.ending.empty() && path.ends_with(one.ending); });
    }
    return form == forms.end() ? nullptr : &*form;
}

}   // namespace

Task<SourceEnding> http_pull(Desk& desk, const SourceMeans& means, const SourceRule& rule,
                             SourceLeash& leash) {
    const Result<Url> url = parse_url(rule.source);
    if (!url) {
        co_return SourceEnding{.error = url.error(), .words = {}, .lasting = true};
    }
    HttpFetch fetch{desk, means.connector, leash};
    fetch.say(hops_of_pull(desk, rule.stream));
    Result<http::ResponseHead> head = co_await fetch.get(*url);
    if (!head) {
        co_return SourceEnding{.error = head.error(), .words = {}};
    }
    const Form* const form = head->status == 200 ? form_of(*head, fetch.url()) : nullptr;
    if (form == nullptr) {
        const std::string type{head->header("Content-Type").value_or("nothing known")};
        co_return SourceEnding{
            .error = {Errc::refused, "the server gives no media"},
            .words = head->status != 200
                         ? unwelcome_answer(*head)
                         : fmt::format("the server answers with {}, which is no media that can be read here",
                                       log::escaped(type, 64))};
    }
    HttpPull pull{desk, means.connector, leash, rule.stream, fetch, *url, std::move(*head)};
    co_return co_await form->pull(pull);
}

}   // namespace millrace::session
