#include "session/media_source.hpp"

#include "base/log.hpp"
#include "base/waiting.hpp"
#include "hub/publication.hpp"
#include "net/drive.hpp"
#include "protocol/media_link/link.hpp"

namespace millrace::session {

namespace {

using media_link::Link;

constexpr std::string_view who = "source";
constexpr Duration spawn_deadline = 10s;
constexpr Duration congestion_pause = 5ms;
/// A film may be over before anybody who waits for its stream could come: its publication lasts so long.
constexpr Duration published_min = 1s;
const Endpoint child_address{"millrace-media", 0};

/// The child in its role of publisher, as the registry and the hub reach it.
class Origin final : public hub::Sessions::Entry {
public:
    Origin(Desk& desk, Connection& connection, Link& link, const std::string& stream)
        : Entry{desk.sessions,
                {.kind = hub::SessionKind::publisher,
                 .protocol = who,
                 .stream = stream,
                 .peer = child_address,
                 .since = {}}},
          desk_{desk},
          connection_{connection},
          link_{link} {}

    void begin(hub::Grant grant) { publication_.emplace(desk_.directory, desk_.executor, ref(), grant); }
    hub::Publication& publication() { return *publication_; }
    void take(media_link::Message& message);
    bool ended_by_us() const { return ended_; }

    void end(Error /*reason*/) override {
        ended_ = true;
        connection_.close();
    }
    void on_ask(hub::Ask ask) override;
    void on_taken(std::size_t bytes) override {
        if (publication_) {
            publication_->taken(bytes);
        }
    }
    hub::SessionReport report() const override { return {id(), facts(), bytes_, 0, 0, 0}; }

private:
    void say(const media_link::Message& message) {
        [[maybe_unused]] const Result<> said = link_.send(message);   // it leaves with the next turn
    }

    Desk& desk_;
    Connection& connection_;
    Link& link_;
    std::optional<hub::Publication> publication_;
    std::uint64_t bytes_ = 0;
    std::uint64_t skipped_ = 0;
    bool ended_ = false;
};

void Origin::on_ask(hub::Ask ask) {
    using media_link::Command;
    if (std::holds_alternative<hub::AskKeyFrame>(ask)) {
        say(Command{Command::What::key_frame});
    } else if (const auto* bitrate = std::get_if<hub::AskBitrate>(&ask)) {
        say(Command{Command::What::bitrate, bitrate->bits_per_second});
    }
}

void Origin::take(media_link::Message& message) {
    if (auto* track = std::get_if<media::Track>(&message)) {
        publication_->announce(std::move(*track));
    } else if (auto* unit = std::get_if<media::AccessUnit>(&message)) {
        bytes_ += unit->payload.size();
        publication_->count_received(unit->payload.size());
        publication_->write(std::move(*unit));
    } else if (auto* result = std::get_if<media::TimedMessage>(&message)) {
        publication_->say(std::move(*result));
    } else if (const auto* statistics = std::get_if<media_link::Statistics>(&message)) {
        publication_->tell({.captured = statistics->captured,
                            .encoded = statistics->encoded,
                            .dropped_slow = statistics->dropped_slow,
                            .dropped_asked = statistics->dropped_asked,
                            .broken = statistics->broken,
                            .moments_missed = statistics->skipped,
                            .pictures_waiting = statistics->pictures_waiting,
                            .units_waiting = statistics->units_waiting});
        if (statistics->skipped > skipped_) {
            log::warning(who, "{}: the machine is too slow for this source: {} pictures were skipped",
                         facts().stream, statistics->skipped - skipped_);
            skipped_ = statistics->skipped;
        }
    }
}

/// One child from its hello to its end.
class Life {
public:
    Life(Desk& desk, Child& child, const SourceRule& rule, SourceLeash& leash)
        : desk_{desk},
          leash_{leash},
          connection_{child.link()},
          link_{Link::Side::server, desk.executor.now()},
          stream_{rule.stream} {
        [[maybe_unused]] const Result<> said = link_.send(media_link::Start{rule.source});
        leash_.hold(&connection_);
    }
    Life(const Life&) = delete;
    Life& operator=(const Life&) = delete;
    ~Life() { leash_.hold(nullptr); }

    Task<SourceEnding> live();

private:
    Task<Result<>> publish();
    Task<> finish();
    Task<Result<>> take_events();
    Task<Result<>> turn();

    Desk& desk_;
    SourceLeash& leash_;
    Connection& connection_;
    Link link_;
    std::string stream_;
    std::optional<Origin> origin_;
    Instant published_at_;
    SourceEnding ending_;
};

Task<Result<>> Life::publish() {
    const Result<> stage = co_await leash_.take_stage();
    link_.pardon(desk_.executor.now());
    if (!stage) {
        co_return std::unexpected(stage.error());
    }
    origin_.emplace(desk_, connection_, link_, stream_);
    Answer<hub::Grant> answer{desk_.executor};
    desk_.directory.publish(origin_->facts(), origin_->ref(), answer.reply());
    const Result<hub::Grant> grant = co_await answer.within(Instant::never());
    link_.pardon(desk_.executor.now());
    if (!grant) {
        origin_.reset();
        co_return std::unexpected(grant.error());
    }
    origin_->begin(*grant);
    published_at_ = desk_.executor.now();
    co_return Result<>{};
}

Task<> Life::finish() {
    if (ending_.finished && !leash_.is_pulled()) {
        co_await pause_for(desk_, published_at_ + published_min - desk_.executor.now(), leash_);
    }
    origin_->publication().finish();
}

Task<Result<>> Life::take_events() {
    while (std::optional<media_link::Message> message = link_.next_event()) {
        if (auto* fault = std::get_if<media_link::Fault>(&*message)) {
            ending_.words = log::escaped(fault->words, media_link::fault_bytes_max);
            ending_.lasting = fault->lasting;
        } else if (std::holds_alternative<media_link::End>(*message)) {
            ending_.finished = ending_.words.empty();
            co_return fail(Errc::closed, "the source ended");
        } else if (origin_ || std::holds_alternative<media::Track>(*message)) {
            if (!origin_) {
                const Result<> published = co_await publish();
                if (!published) {
                    co_return published;
                }
            }
            if (std::holds_alternative<media::AccessUnit>(*message)) {
                leash_.delivered();
            }
            origin_->take(*message);
        }
    }
    co_return Result<>{};
}

Task<Result<>> Life::turn() {
    const Result<> taken = co_await take_events();
    if (origin_) {
        origin_->publication().flush();
    }
    if (!taken) {
        co_return taken;
    }
    while (origin_ && origin_->publication().congested()) {
        co_await sleep_until(desk_.executor, desk_.executor.now() + congestion_pause);
        link_.pardon(desk_.executor.now());
    }
    const Result<> driven = co_await net::drive(connection_, link_, desk_.executor, desk_.read_buffer);
    co_return driven;
}

Task<SourceEnding> Life::live() {
    for (;;) {
        const Result<> turned = co_await turn();
        if (turned) {
            continue;
        }
        ending_.error = turned.error();
        const bool said = ending_.finished || (origin_ && origin_->ended_by_us()) || leash_.is_pulled();
        if (origin_ && said && leash_.ends_stream()) {
            co_await finish();
        }
        co_return std::move(ending_);
    }
}

}   // namespace

Task<SourceEnding> media_source(Desk& desk, const SourceMeans& means, const SourceRule& rule,
                                SourceLeash& leash) {
    Answer<std::unique_ptr<Child>> answer{desk.executor};
    const bool reads_stdin = rule.source.starts_with("raw:-");
    means.spawner.spawn(desk.executor, {.stdin = reads_stdin}, answer.reply());
    const Result<std::unique_ptr<Child>> child = co_await answer.within(desk.executor.now() + spawn_deadline);
    if (!child) {
        co_return SourceEnding{.error = child.error(), .words = {}};
    }
    if (leash.is_pulled()) {
        co_return SourceEnding{.words = {}};
    }
    Life life{desk, **child, rule, leash};
    co_return co_await life.live();
}

}   // namespace millrace::session
