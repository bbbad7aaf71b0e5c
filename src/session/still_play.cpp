#include "session/still_play.hpp"

#include "hub/name.hpp"
#include "session/media_answer.hpp"
#include "session/refused.hpp"
#include "session/still_words.hpp"

namespace millrace::session {

namespace {

constexpr std::string_view protocol = "jpeg";
constexpr std::string_view ending = ".jpg";
/// Stills gives up earlier, in words of its own.
constexpr Duration answer_deadline = 60s;

bool is_still(std::string_view path) {
    if (!path.ends_with(ending)) {
        return false;
    }
    const Result<hub::MediaPath> split = hub::split_media_path(path);
    return split && split->rest == ending;
}

/// One request from its path to its answer.
class StillAnswer {
public:
    StillAnswer(Desk& desk, Stills& stills, const web::Request& request)
        : desk_{desk}, stills_{stills}, request_{request}, settings_{desk.settings} {}

    Task<web::Response> run() {
        if (request_.method == "OPTIONS") {
            co_return media_options(request_, settings_->origins);
        }
        const Result<hub::MediaPath> split = hub::split_media_path(request_.path);
        if (!split) {
            co_return refusal(split.error());
        }
        hub::Petition petition = hub::petition_of(request_, hub::Action::play, protocol);
        petition.stream = split->name.text();
        const Result<hub::Admitted> admitted =
            co_await hub::ask(desk_.admission, std::move(petition), desk_.executor);
        if (!admitted) {
            co_return refusal(admitted.error());
        }
        const Result<std::uint32_t> width = still_width(request_);
        if (!width) {
            co_return refusal(width.error());
        }
        Answer<StillRef> answer{desk_.executor};
        stills_.ask(
            {.key = {split->name.text(), *width}, .at_hand = request_.query_value("cached").has_value()},
            answer.reply());
        const Result<StillRef> still = co_await answer.within(desk_.executor.now() + answer_deadline);
        co_return still ? picture(**still, admitted->anyone) : refusal(still.error());
    }

private:
    web::Response picture(const Still& still, bool anyone) const {
        web::Response response{.headers = media_headers(request_, settings_->origins), .body = still.jpeg};
        const auto add = [&](std::string_view name, std::string value) {
            response.headers.push_back({std::string{name}, std::move(value)});
        };
        add("Content-Type", "image/jpeg");
        add("Cache-Control", anyone ? "no-cache" : "private, no-cache");
        add("ETag", still.tag);
        add("X-Timestamp", still_timestamp(still.taken));
        return response;
    }

    /// Says why not, in HTTP's words. What is not there now may be there soon.
    web::Response refusal(const Error& error) const { return refuse_media(desk_, protocol, request_, error); }

    Desk& desk_;
    Stills& stills_;
    const web::Request& request_;
    std::shared_ptr<const Settings> settings_;   // kept across waits
};

Task<web::Response> answer(Desk& desk, Stills& stills, const web::Request& request) {
    StillAnswer one{desk, stills, request};
    co_return co_await one.run();
}

}   // namespace

web::Route still_play(Desk& desk, Stills& stills) {
    return {.methods = {"GET", "OPTIONS"},
            .matches = is_still,
            .answer = [&desk, &stills](const web::Request& request, Executor&) {
                return answer(desk, stills, request);
            }};
}

}   // namespace millrace::session
