#include "apps/millrace/verbs.hpp"
#include "apps/node/played_address.hpp"
#include "apps/node/small_node.hpp"
#include "control/explanation.hpp"

#include <algorithm>
#include <optional>

namespace millrace::apps {

namespace {

constexpr Duration look_every = 200ms;
/// Media is looked at for so long at least, and until a second key frame, at most the other.
constexpr Duration look_min = 3s;
constexpr Duration look_max = 12s;
/// How long the first media is waited for.
constexpr Duration first_media_max = 15s;

/// Looks at a node's stream until enough is known of it. Outlives the node, on whose thread aside it looks.
class Probing {
public:
    explicit Probing(const ProbeOptions& options) : options_{options} {}

    int run(SmallNode& node) {
        node_ = &node;
        node.watch(look_every, [this](const SmallSight& sight) { see(sight); });
        node.run();
        return code_;
    }

private:
    void see(const SmallSight& sight);
    static bool is_known(const SmallSight& sight, Duration seen);
    void end(int code, std::string_view words = {}) {
        over_ = true;
        code_ = code;
        if (!words.empty()) {
            fmt::print(stderr, "millrace probe: {}\n", words);
        }
        node_->stop();
    }
    void explain(const SmallSight& sight);

    const ProbeOptions& options_;
    SmallNode* node_ = nullptr;
    std::optional<Instant> began_;
    std::optional<Instant> first_media_;
    bool over_ = false;
    std::atomic<int> code_ = failed;
};

bool Probing::is_known(const SmallSight& sight, Duration seen) {
    const bool video = std::ranges::any_of(sight.stream.tracks, [](const hub::TrackReport& one) {
        return one.track.kind == media::Kind::video;
    });
    return seen >= look_max || (seen >= look_min && (!video || sight.stream.gop_seconds > 0));
}

void Probing::see(const SmallSight& sight) {
    if (over_) {
        return;
    }
    began_ = began_.value_or(sight.now);
    if (!first_media_ && sight.stream.units_in > 0) {
        first_media_ = sight.now;
    }
    const hub::SourceStatus source =
        sight.stream.sources.empty() ? hub::SourceStatus{} : sight.stream.sources.front();
    if (source.end == hub::SourceEnd::useless) {
        return end(wrong_usage);   // the log has said why
    }
    const bool finished = source.end == hub::SourceEnd::finished;
    if (first_media_ && (finished || is_known(sight, sight.now - *first_media_))) {
        explain(sight);
        return end(0);
    }
    if (!first_media_ && (finished || sight.now - *began_ > first_media_max)) {
        end(failed, source.reason.empty() ? "nothing came" : source.reason);
    }
}

void Probing::explain(const SmallSight& sight) {
    if (options_.json) {
        fmt::print("{}\n", control::explanation_json(control::stream_json_line(sight.stream, sight.audience),
                                                     sight.stream));
    } else {
        fmt::print("{}\n{}", options_.source, control::explanation(sight.stream));
    }
    std::fflush(stdout);
}

}   // namespace

int probe(const ProbeOptions& options) {
    const std::string source = played_address(options.source);
    if (const std::string trouble = trouble_with(source); !trouble.empty()) {
        fmt::print(stderr, "millrace probe: {}\n", trouble);
        return failed;
    }
    Probing probing{options};
    try {
        SmallNode node{control::OneStream{.source = source}};
        return probing.run(node);
    } catch (const control::ConfigurationError& error) {
        fmt::print(stderr, "millrace probe: {}\n", error.what());
        return wrong_usage;
    }
}

}   // namespace millrace::apps
