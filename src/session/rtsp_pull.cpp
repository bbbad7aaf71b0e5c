#include "session/rtsp_pull.hpp"

#include "base/log.hpp"
#include "session/rtsp_call.hpp"

namespace millrace::session {

namespace {

constexpr std::string_view who = "source";

/// One try, over as many connections as it takes.
class Pull {
public:
    Pull(Desk& desk, Connector& connector, const SourceRule& rule, SourceLeash& leash)
        : desk_{desk}, connector_{connector}, rule_{rule}, leash_{leash} {}

    Task<SourceEnding> run(RtspTarget target);

private:
    Task<RtspCallEnding> call(const RtspTarget& target);
    bool may_fall_back(const RtspCallEnding& ending) const {
        return ending.udp_failed && rule_.transport == SourceTransport::automatic;
    }

    Desk& desk_;
    Connector& connector_;
    const SourceRule& rule_;
    SourceLeash& leash_;
    SourceTransport by_ = SourceTransport::tcp;   // never automatic
    bool over_ = false;                           // somebody ended it
};

Task<RtspCallEnding> Pull::call(const RtspTarget& target) {
    SourcePublisher publisher{desk_, leash_, "rtsp", rule_.stream};
    // What is encrypted is so on its connection alone.
    const bool plain = by_ == SourceTransport::udp && target.secure();
    RtspCall one{{desk_, connector_, publisher}, target, plain ? SourceTransport::tcp : by_};
    RtspCallEnding ending = co_await one.run();
    over_ = publisher.is_over();
    co_return ending;
}

Task<SourceEnding> Pull::run(RtspTarget target) {
    const bool automatic = rule_.transport == SourceTransport::automatic;
    by_ = rule_.transport;
    if (automatic) {
        by_ = desk_.rtsp_over_tcp.knows(rule_.source) ? SourceTransport::tcp : SourceTransport::udp;
    }
    for (int redirects = 0;;) {
        RtspCallEnding ending = co_await call(target);
        if (!over_ && may_fall_back(ending)) {
            log::info(who, "{}: the camera sends nothing by UDP ({}); TCP is tried", rule_.stream,
                      ending.words.empty() ? ending.error.what : ending.words);
            desk_.rtsp_over_tcp.remember(rule_.source);
            by_ = SourceTransport::tcp;
            continue;
        }
        if (automatic && by_ == SourceTransport::tcp && !ending.delivered) {
            desk_.rtsp_over_tcp.forget(rule_.source);
        }
        if (over_ || ending.elsewhere.empty()) {
            co_return SourceEnding{.error = ending.error, .words = std::move(ending.words)};
        }
        Result<RtspTarget> next = resolve_rtsp_target(target, ending.elsewhere);
        if (next && ++redirects > rtsp_redirects_max) {
            next = fail(Errc::refused, "the camera sends us on and on");
        }
        if (!next) {
            co_return SourceEnding{.error = next.error(), .words = {}};
        }
        target = std::move(*next);
    }
}

}   // namespace

Task<SourceEnding> rtsp_pull(Desk& desk, const SourceMeans& means, const SourceRule& rule,
                             SourceLeash& leash) {
    Result<RtspTarget> target = parse_rtsp_target(rule.source);
    if (!target) {
        co_return SourceEnding{.error = target.error(), .words = {}, .lasting = true};
    }
    Pull pull{desk, means.connector, rule, leash};
    co_return co_await pull.run(std::move(*target));
}

}   // namespace millrace::session
