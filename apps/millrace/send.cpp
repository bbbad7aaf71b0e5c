#include "apps/millrace/announce.hpp"
#include "apps/millrace/message_outlet.hpp"
#include "apps/millrace/result_pipe.hpp"
#include "apps/millrace/status_line.hpp"
#include "apps/millrace/verbs.hpp"
#include "apps/node/small_node.hpp"
#include "control/report_line.hpp"

#include <algorithm>
#include <atomic>
#include <optional>

namespace millrace::apps {

namespace {

constexpr Duration look_every = 200ms;
constexpr Duration say_every = 1s;

control::OneStream stream_of(const SendOptions& options) {
    control::OneStream stream{.source = control::encoded(options.source, options.encode)};
    if (options.results == "-" && stream.source.starts_with("raw:-")) {
        throw control::ConfigurationError("stdin has the pictures: name a FIFO for --results");
    }
    if (options.listen.empty() == options.destination.empty()) {
        throw control::ConfigurationError("wanted is a DESTINATION, or --listen in its place");
    }
    if (options.listen.empty()) {
        stream.to = {options.destination};
    } else {
        control::read_listen_address(stream, options.listen);
    }
    return stream;
}

/// Watches a node that sends: says how it goes once a second, and ends it when there is nothing more to
/// send, or no use in going on. Outlives the node, on whose thread aside it looks.
class Sending {
public:
    explicit Sending(const SendOptions& options) : options_{options}, line_{options.json} {}

    void watch(SmallNode& node) {
        node_ = &node;
        node.watch(look_every, [this](const SmallSight& sight) { see(sight); });
    }
    int code() const { return code_; }

private:
    void see(const SmallSight& sight) {
        if (over_) {
            return;
        }
        judge(sight);
        if (over_ || sight.now >= say_at_) {
            say_at_ = sight.now + say_every;
            line_.say(options_.json ? control::stream_json_line(sight.stream, sight.audience)
                                    : control::report_line(sight.stream, sight.audience));
        }
    }
    void judge(const SmallSight& sight);
    void judge_source(const SmallSight& sight);
    /// `words`: why it failed; empty where they were said already.
    void end(int code, std::string_view words = {}) {
        over_ = true;
        code_ = code;
        if (!words.empty()) {
            line_.complain(words);
        }
        node_->stop();
    }

    const SendOptions& options_;
    SmallNode* node_ = nullptr;
    StatusLine line_;
    Instant say_at_;
    bool over_ = false;
    std::atomic<int> code_ = 0;
};

void Sending::judge(const SmallSight& sight) {
    for (const hub::ForwardReport& forward : sight.audience.forwards) {
        if (forward.given_up) {
            return end(wrong_usage);   // the log has said why
        }
        if (options_.once && forward.state == hub::ForwardState::broken) {
            return end(failed);   // likewise
        }
    }
    judge_source(sight);
}

void Sending::judge_source(const SmallSight& sight) {
    if (sight.stream.sources.empty()) {
        return;
    }
    const hub::SourceStatus& source = sight.stream.sources.front();
    if (source.end == hub::SourceEnd::useless) {
        return end(wrong_usage);   // the log has said why
    }
    const auto still_sends = [](const hub::ForwardReport& forward) {
        return forward.state == hub::ForwardState::live || forward.state == hub::ForwardState::connecting;
    };
    if (source.end != hub::SourceEnd::finished || std::ranges::any_of(sight.audience.forwards, still_sends)) {
        return;
    }
    const bool sent = std::ranges::all_of(sight.audience.forwards,
                                          [](const hub::ForwardReport& one) { return one.begun > 0; });
    sent ? end(0) : end(failed, "the source ended before anything could be sent");
}

}   // namespace

int send(const SendOptions& options) {
    Sending sending{options};
    try {
        const control::OneStream stream = stream_of(options);
        std::optional<MessageOutlet> messages;
        if (!options.messages.empty()) {
            messages.emplace(options.messages);
        }
        SmallNode node{stream};
        sending.watch(node);
        if (messages) {
            node.hear([&messages](const std::string& json) { messages->write(json); });
        }
        std::optional<ResultPipe> results;
        if (!options.results.empty()) {
            results.emplace(options.results,
                            [&node](media::TimedMessage message) { node.say(std::move(message)); });
        }
        if (!stream.protocol.empty()) {
            announce_listener(node.addresses(), stream.protocol, stream.name);
        }
        node.run();
        return sending.code();
    } catch (const control::ConfigurationError& error) {
        fmt::print(stderr, "millrace send: {}\n", error.what());
        return wrong_usage;
    }
}

}   // namespace millrace::apps
