#include "apps/node/small_node.hpp"

#include "apps/node/process.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cstdlib>

namespace millrace::apps {

namespace {

NodeStart start_of(const control::OneStream& stream, Storage& storage) {
    prepare_process();
    net::SystemRandom random;
    control::ConfigurationSources sources = control::sources_of(stream);
    const std::string keys = control::environment_variable("kcp.psk_file");
    if (const char* const file = std::getenv(keys.c_str()); file != nullptr) {
        sources.environment.push_back(fmt::format("{}={}", keys, file));
    }
    auto standing =
        std::make_shared<const control::Standing>(control::stand(sources, control::State::make(random)));
    log::set_level(standing->configuration.log_level);
    return {.standing = std::move(standing),
            .sources = std::move(sources),
            .storage = storage,
            .follow_links = true};
}

}   // namespace

SmallNode::SmallNode(const control::OneStream& stream)
    : name_{stream.name}, node_{start_of(stream, nothing_lasts_)} {
}

void SmallNode::watch(Duration every, Look look) {
    node_.watch(every, [this, look = std::move(look)](const control::Overview& seen, Instant now) mutable {
        SmallSight sight{.stream = {.name = name_}, .audience = {}, .now = now};
        if (const auto stream = std::ranges::find(seen.streams, name_, &hub::StreamReport::name);
            stream != seen.streams.end()) {
            sight.stream = *stream;
        }
        const control::Audiences all = control::audiences(seen.workers);
        if (const auto audience = all.find(name_); audience != all.end()) {
            sight.audience = audience->second;
        }
        look(sight);
    });
}

void SmallNode::run() {
    node_.start();
    node_.run();
}

}   // namespace millrace::apps
