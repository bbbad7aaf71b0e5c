#include "apps/loadgen/figures.hpp"
#include "apps/loadgen/probes.hpp"
#include "apps/loadgen/swarm.hpp"
#include "apps/loadgen/verbs.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace millrace::loadgen {

namespace {

constexpr Duration play_patience = 20s;
constexpr Duration step = 20ms;
constexpr std::size_t asking_max = 64;   // a server turns away who comes with too many at once
// The window begins in the middle of a group of pictures, so that each viewer's key frames are whole in it.
constexpr Duration after_key = 400ms;
constexpr Duration key_patience = 3s;

void ramp_up(Swarm& swarm, const ViewOptions& options) {
    const Instant began = now();
    while (swarm.size() < options.viewers) {
        const double due = std::chrono::duration<double>{now() - began}.count() * options.ramp;
        while (swarm.size() < options.viewers && static_cast<double>(swarm.size()) <= due &&
               swarm.asking() < asking_max) {
            swarm.add();
        }
        swarm.run(std::min(step, seconds(1 / options.ramp)));
    }
    const Instant last = now() + play_patience;
    while (swarm.asking() > 0 && now() < last) {
        swarm.run(step);
    }
}

void wait_for_key(Swarm& swarm, const Probes& probes) {
    const Instant last = now() + key_patience;
    while (now() < last && (now() - probes.last_key() < after_key || now() - probes.last_key() > 1s)) {
        swarm.run(step);
    }
}

bool input_ended() {
    pollfd input{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
    std::array<char, 256> ignored;
    return ::poll(&input, 1, 0) > 0 && ::read(STDIN_FILENO, ignored.data(), ignored.size()) <= 0;
}

void report(const Swarm& swarm, const Swarm::Tally& tally, const Findings& findings,
            std::size_t probes_lost) {
    say(fmt::format(
        R"({{"event": "report", "viewers": {}, "playing": {}, "lost": {}, "laggards_lost": {}, "bytes": {}, )"
        R"("kbps": {{"min": {:.1f}, "median": {:.1f}, "max": {:.1f}}}, "gap_ms": {}, )"
        R"("probe": {{"lost": {}, "pictures": {}, "sounds": {}, "missing": {}, "broken": {}, )"
        R"("latency_ms": {}, "first_picture_ms": {}}}}})",
        swarm.size(), swarm.playing(), swarm.lost(), swarm.lost_laggards(), tally.bytes,
        quantile(tally.kbps, 0), quantile(tally.kbps, 0.5), quantile(tally.kbps, 1), quantiles(tally.gap_ms),
        probes_lost, findings.pictures, findings.sounds, findings.missing, findings.broken,
        quantiles(findings.latency_ms), quantiles(findings.first_picture_ms)));
}

}   // namespace

int view(const ViewOptions& options) {
    const Url url = parse_url(options.url);
    const bool probing = url.scheme != "tcp";
    Probes probes{numbered(url, 0), probing ? options.probes : 0};
    Swarm swarm{options, url};
    ramp_up(swarm, options);
    say(fmt::format(R"({{"event": "ready", "playing": {}, "lost": {}}})", swarm.playing(), swarm.lost()));
    swarm.run(seconds(options.rest));
    if (probing && options.probes > 0) {
        wait_for_key(swarm, probes);
    }
    swarm.begin();
    probes.measure(true);
    say(R"({"event": "begin"})");
    swarm.run(seconds(options.seconds));
    const Swarm::Tally tally = swarm.end();
    probes.measure(false);
    say(R"({"event": "end"})");
    while (options.patient && !input_ended()) {
        swarm.run(step);
    }
    const Findings findings = probes.finish();
    report(swarm, tally, findings, probes.lost());
    return swarm.playing() == options.viewers && swarm.lost() + probes.lost() == 0 ? 0 : 1;
}

}   // namespace millrace::loadgen
