#pragma once

#include "base/web.hpp"

#include <optional>
#include <string>
#include <vector>

namespace millrace::http {

/// All of a request that an answer may depend on which anybody at its address may have: its method, what
/// `encoded` and `conditional` look at, and Accept. Requests that agree in it are answered alike.
std::string question_of(const web::Request& request);

/// Finished answers to what is asked many times, by their questions: such a one is found and not made again.
class KeptAnswers {
public:
    static constexpr std::size_t answers_max = 8;           ///< then all are forgotten: they are made anew
    static constexpr std::size_t question_size_max = 256;   ///< bytes; the answer to a longer one is not kept

    std::optional<web::Response> find(const std::string& question) const;
    /// Keeps an answer to which `encoded` and `conditional` have said all they will, and gives it back with
    /// its headers written and settled. One that is a takeover must not come here.
    web::Response keep(std::string question, web::Response response);
    void clear() { answers_.clear(); }
    std::size_t size() const { return answers_.size(); }

private:
    struct Answer {
        std::string question;
        int status = 0;
        Bytes header_lines;
        Bytes body;

        web::Response response() const;
    };
    std::vector<Answer> answers_;
};

}   // namespace millrace::http
