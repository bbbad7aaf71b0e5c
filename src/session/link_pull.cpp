#include "session/link_pull.hpp"

#include "base/log.hpp"
#include "net/drive.hpp"
#include "protocol/link/talk.hpp"
#include "session/http_fetch.hpp"
#include "session/link_address.hpp"
#include "session/link_checks.hpp"
#include "session/link_dial.hpp"
#include "session/media_reader.hpp"
#include "session/relays.hpp"

namespace millrace::session {

namespace {

/// One link from its first word to its end.
class Pull {
public:
    Pull(Desk& desk, const SourceRule& rule, SourceLeash& leash, link::Hello hello)
        : desk_{desk}, publisher_{desk, leash, "kcp", rule.stream}, talk_{hello, desk.executor.now()} {
        talk_.be_patient_for(pull_patience);
    }

    Task<SourceEnding> run(LinkConnection& connection);

private:
    Task<Result<>> converse(LinkConnection& connection);
    Result<> take(link::Talk::Event event);

    Desk& desk_;
    SourcePublisher publisher_;
    link::Talk talk_;
    ReadMedia media_;
    std::uint64_t received_ = 0;   // of what was counted
    hub::ChunkChecks checked_;     // likewise
    std::string words_;
    bool ended_ = false;   // said by the server
};

Result<> Pull::take(link::Talk::Event event) {
    if (auto* const unit = std::get_if<media::AccessUnit>(&event)) {
        media_.items.emplace_back(std::move(*unit));
    } else if (auto* const track = std::get_if<media::Track>(&event)) {
        media_.items.emplace_back(std::move(*track));
    } else if (auto* const message = std::get_if<media::TimedMessage>(&event)) {
        media_.messages.push_back(std::move(*message));
    } else if (auto* const welcome = std::get_if<link::Welcome>(&event)) {
        const Result<> elsewhere = refuse_own(desk_, welcome->hops);
        publisher_.came_through(std::move(welcome->hops));
        return elsewhere;
    } else if (const auto* const refusal = std::get_if<link::Refusal>(&event)) {
        words_ = fmt::format("the server refuses: {}", log::escaped(refusal->words));
        return fail(Errc::refused, "the server refuses to play this");
    } else if (std::holds_alternative<link::End>(event)) {
        ended_ = true;
        return fail(Errc::closed, "the server ended the stream");
    }
    return {};
}

Task<Result<>> Pull::converse(LinkConnection& connection) {
    for (;;) {
        Result<> taken;
        while (taken) {
            std::optional<link::Talk::Event> event = talk_.next_event();
            if (!event) {
                break;
            }
            taken = take(std::move(*event));
        }
        const std::uint64_t received = talk_.received() - std::exchange(received_, talk_.received());
        const Result<> published = co_await publish(publisher_, media_, static_cast<std::size_t>(received));
        if (!taken || !published) {
            co_return taken ? published : taken;
        }
        if (publisher_.began()) {
            publisher_.publication().count_chunks(new_checks(talk_, checked_));
        }
        if (publisher_.is_over()) {
            co_return fail(Errc::cancelled, "the source was stopped");
        }
        const Result<> driven = co_await net::drive(connection, talk_, desk_.executor, desk_.read_buffer);
        if (!driven) {
            co_return driven;
        }
    }
}

Task<SourceEnding> Pull::run(LinkConnection& connection) {
    publisher_.use(&connection);
    publisher_.on_key_frame_wanted = [this, &connection] {
        talk_.wish({.what = link::Wish::What::key_frame});
        net::send_last_words(connection, talk_);
    };
    const Result<> ended = co_await converse(connection);
    publisher_.finish(ended_);
    publisher_.use(nullptr);
    co_return SourceEnding{.error = ended.error(), .words = std::move(words_)};
}

}   // namespace

Task<SourceEnding> link_pull(Desk& desk, const SourceMeans& means, const SourceRule& rule,
                             SourceLeash& leash) {
    const Result<LinkAddress> address = link_address(rule.source, *desk.settings);
    if (!address) {
        co_return SourceEnding{.error = address.error(), .words = {}, .lasting = true};
    }
    std::string words;
    LinkCall call = address->call(desk.executor.now() + pull_connect_deadline);
    call.words = &words;
    call.memo = &leash.memo();
    call.ending = &desk.links_ending;
    const Result<std::unique_ptr<LinkConnection>> connection =
        co_await link_dial(desk.executor, means.connector, desk.random, std::move(call));
    if (!connection) {
        co_return SourceEnding{.error = connection.error(), .words = std::move(words)};
    }
    if (leash.is_pulled()) {
        co_return SourceEnding{.error = {Errc::cancelled, "the source was stopped"}, .words = {}};
    }
    Pull pull{desk,
              rule,
              leash,
              {.direction = link::Direction::play,
               .name = address->name,
               .query = address->query,
               .hops = hops_of_pull(desk, rule.stream)}};
    co_return co_await pull.run(**connection);
}

}   // namespace millrace::session
