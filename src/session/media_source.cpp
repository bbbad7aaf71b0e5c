#include "session/media_source.hpp"

#include "base/log.hpp"
#include "base/secret.hpp"
#include "base/waiting.hpp"
#include "hub/publication.hpp"
#include "net/drive.hpp"
#include "protocol/media_link/link.hpp"

#include <algorithm>

namespace millrace::session {

namespace {

using media_link::Link;

constexpr std::string_view who = "source";
constexpr Duration spawn_deadline = 10s;
constexpr Duration congestion_pause = 5ms;
const Endpoint child_address{"millrace-media", 0};

/// How a child's life ended.
struct Ending {
    Error error{Errc::closed, "the child died"};
    std::string words;       ///< the child's own, if it had any
    bool finished = false;   ///< the source is over, as it should be
    bool lasting = false;    ///< trying again would not help
};

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
    } else if (const auto* statistics = std::get_if<media_link::Statistics>(&message)) {
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

    Task<Ending> live();

private:
    Task<Result<>> publish();
    Task<Result<>> take_events();
    Task<Result<>> turn();

    Desk& desk_;
    SourceLeash& leash_;
    Connection& connection_;
    Link link_;
    std::string stream_;
    std::optional<Origin> origin_;
    Ending ending_;
};

Task<Result<>> Life::publish() {
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
    co_return Result<>{};
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

Task<Ending> Life::live() {
    for (;;) {
        const Result<> turned = co_await turn();
        if (turned) {
            continue;
        }
        ending_.error = turned.error();
        if (origin_ && (ending_.finished || origin_->ended_by_us() || leash_.is_pulled())) {
            origin_->publication().finish();
        }
        co_return std::move(ending_);
    }
}

Task<Ending> run_once(Desk& desk, Spawner& spawner, const SourceRule& rule, SourceLeash& leash) {
    Answer<std::unique_ptr<Child>> answer{desk.executor};
    spawner.spawn(desk.executor, answer.reply());
    const Result<std::unique_ptr<Child>> child = co_await answer.within(desk.executor.now() + spawn_deadline);
    if (!child) {
        co_return Ending{.error = child.error(), .words = {}};
    }
    if (leash.is_pulled()) {
        co_return Ending{.words = {}};
    }
    Life life{desk, **child, rule, leash};
    co_return co_await life.live();
}

/// Sleeps, unless the leash is pulled.
Task<> pause_for(Desk& desk, Duration pause, SourceLeash& leash) {
    Answer<bool> pulled{desk.executor};
    leash.hold(pulled.reply());
    [[maybe_unused]] const Result<bool> cut_short = co_await pulled.within(desk.executor.now() + pause);
    leash.hold(Reply<bool>{});
}

}   // namespace

void SourceLeash::pull() {
    pulled_ = true;
    if (link_ != nullptr) {
        link_->close();
    }
    pause_.give(true);
}

Task<> media_source(Desk& desk, Spawner& spawner, SourceRule rule, SourceLeash& leash) {
    Duration pause = source_pause_min;
    while (!leash.is_pulled()) {
        const Instant began = desk.executor.now();
        const Ending ending = co_await run_once(desk, spawner, rule, leash);
        const std::string_view why = ending.words.empty() ? ending.error.what : ending.words;
        if (leash.is_pulled()) {
            break;
        }
        if (ending.finished) {
            log::info(who, "{}: the source {} is finished", rule.stream, log::escaped(masked(rule.source)));
            co_return;
        }
        if (ending.lasting) {
            log::error(who, "{}: {}", rule.stream, why);
            desk.directory.source_failed(
                rule.stream, {Errc::cancelled, "the source of this stream cannot be used; the log says why"});
            co_return;
        }
        if (desk.executor.now() - began > source_pause_max) {
            pause = source_pause_min;
        }
        log::warning(who, "{}: the source {} broke: {}; it is started again in {} s", rule.stream,
                     log::escaped(masked(rule.source)), why, pause / 1s);
        co_await pause_for(desk, pause, leash);
        pause = std::min(pause * 2, source_pause_max);
    }
    log::info(who, "{}: the source {} was stopped", rule.stream, log::escaped(masked(rule.source)));
}

/// A leash in the list of those that run, for as long as it lives.
struct Sources::Running {
    Running(Sources& its_sources, const std::string& its_stream) : sources{its_sources}, stream{its_stream} {
        sources.stop(stream);
        sources.running_[stream] = &leash;
    }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;
    ~Running() {
        const auto mine = sources.running_.find(stream);
        if (mine != sources.running_.end() && mine->second == &leash) {
            sources.running_.erase(mine);
        }
    }

    Sources& sources;
    std::string stream;
    SourceLeash leash;
};

Task<> Sources::run(SourceRule rule) {
    Running running{*this, rule.stream};
    co_await media_source(desk_, spawner_, std::move(rule), running.leash);
}

void Sources::start(SourceRule rule) {
    desk_.executor.tasks().spawn(run(std::move(rule)));
}

void Sources::wake(SourceRule rule) {
    if (!runs(rule.stream)) {
        start(std::move(rule));
    }
}

void Sources::stop(const std::string& stream) {
    if (const auto running = running_.find(stream); running != running_.end()) {
        running->second->pull();
        running_.erase(running);
    }
}

}   // namespace millrace::session
