#include "apps/loadgen/dialogue.hpp"
#include "apps/loadgen/figures.hpp"
#include "apps/loadgen/http_lane.hpp"
#include "apps/loadgen/verbs.hpp"

#include <map>
#include <memory>

namespace millrace::loadgen {

namespace {

constexpr std::size_t buffer_size = 4U << 20U;
constexpr Duration look_up = 20ms;

struct Asker {
    HttpLane lane;
    std::string etag{};
    Instant asked{};
};

/// Asks for the same again and again, on each connection as soon as the last answer is whole.
class Asking {
public:
    Asking(const AskOptions& options, Url url)
        : url_{std::move(url)}, conditional_{options.conditional}, buffer_(buffer_size) {
        for (std::size_t i = 0; i < options.connections; ++i) {
            askers_.push_back(std::make_unique<Asker>(HttpLane{url_.server}));
            poll_.add(askers_.back()->lane.socket(), EPOLLIN, askers_.back().get());
        }
    }

    void run(Duration time) {
        for (const auto& asker : askers_) {
            ask(*asker);
        }
        for (const Instant until = now() + time; now() < until;) {
            for (const epoll_event& event : poll_.wait(look_up)) {
                auto& asker = *static_cast<Asker*>(event.data.ptr);
                if (const std::optional<HttpLane::Answer> answer = asker.lane.read(buffer_)) {
                    count(asker, *answer);
                    ask(asker);
                }
            }
        }
    }

    std::string report(double seconds) const {
        std::string statuses;
        for (const auto& [status, count] : statuses_) {
            statuses += fmt::format("{}\"{}\": {}", statuses.empty() ? "" : ", ", status, count);
        }
        return fmt::format(R"({{"event": "report", "requests": {}, "requests_per_second": {:.1f}, )"
                           R"("bytes": {}, "statuses": {{{}}}, "answer_ms": {}}})",
                           answer_ms_.size(), static_cast<double>(answer_ms_.size()) / seconds, bytes_,
                           statuses, quantiles(answer_ms_));
    }

private:
    void ask(Asker& asker) {
        asker.asked = now();
        asker.lane.ask(url_.path, HttpLane::Body::dropped, asker.etag);
    }
    void count(Asker& asker, const HttpLane::Answer& answer) {
        ++statuses_[answer.status];
        bytes_ += answer.size;
        answer_ms_.push_back(milliseconds(now() - asker.asked));
        if (conditional_ && !answer.etag.empty()) {
            asker.etag = answer.etag;
        }
    }

    const Url url_;
    const bool conditional_;
    std::vector<std::byte> buffer_;
    Poll poll_;
    std::vector<std::unique_ptr<Asker>> askers_;
    std::map<int, std::uint64_t> statuses_;
    std::uint64_t bytes_ = 0;
    std::vector<double> answer_ms_;
};

}   // namespace

int ask(const AskOptions& options) {
    Asking asking{options, parse_url(options.url)};
    say(R"({"event": "begin"})");
    asking.run(seconds(options.seconds));
    say(R"({"event": "end"})");
    say(asking.report(options.seconds));
    return 0;
}

}   // namespace millrace::loadgen
