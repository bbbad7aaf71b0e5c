#include "protocol/http/kept_answers.hpp"

#include "protocol/http/answer.hpp"

#include <algorithm>
#include <array>

namespace millrace::http {

namespace {

constexpr std::array<std::string_view, 6> names_that_matter{"Accept",        "Accept-Encoding", "If-Match",
                                                            "If-None-Match", "If-Range",        "Range"};

}   // namespace

std::string question_of(const web::Request& request) {
    constexpr std::size_t usual_size = 128;
    std::string question;
    question.reserve(usual_size);
    question += request.method;
    for (const web::Header& header : request.headers) {
        const auto name = std::ranges::find_if(
            names_that_matter, [&](std::string_view known) { return web::same_name(known, header.name); });
        if (name != names_that_matter.end()) {   // no value has a line's end in it
            question.append("\n").append(*name).append(":").append(header.value);
        }
    }
    return question;
}

std::optional<web::Response> KeptAnswers::find(const std::string& question) const {
    const auto found = std::ranges::find(answers_, question, &Answer::question);
    return found == answers_.end() ? std::nullopt : std::optional{found->response()};
}

web::Response KeptAnswers::keep(std::string question, web::Response response) {
    const Answer answer{std::move(question), response.status, header_lines(response.headers),
                        std::move(response.body)};
    if (answer.question.size() <= question_size_max) {
        if (answers_.size() >= answers_max) {
            answers_.clear();
        }
        answers_.push_back(answer);
    }
    return answer.response();
}

web::Response KeptAnswers::Answer::response() const {
    return {.status = status,
            .headers = {},
            .body = body,
            .takeover = {},
            .header_lines = header_lines,
            .settled = true};
}

}   // namespace millrace::http
