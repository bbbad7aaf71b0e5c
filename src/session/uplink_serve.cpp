#include "session/uplink_serve.hpp"

#include "archive/keeper.hpp"
#include "base/log.hpp"
#include "base/waiting.hpp"
#include "net/drive.hpp"
#include "protocol/link/chunk_proofs.hpp"
#include "protocol/link/log_receiver.hpp"

#include <algorithm>
#include <list>

namespace millrace::session {

namespace {

constexpr std::string_view who = "uplink";
constexpr Duration disk_deadline = 30s;
constexpr Duration look_every = 50ms;   // whether the disk has what was given to it

archive::Fragment fragment_of(const link::LogFragment& one) {
    return {.number = one.number,
            .offset = one.place,
            .size = one.size,
            .utc = {one.utc_us},
            .media_us = one.media_us,
            .duration_us = one.duration_us,
            .key = one.key,
            .discontinuity = one.discontinuity};
}

link::LogVerdict verdict_of(const Result<bool>& done) {
    if (done) {
        return *done ? link::LogVerdict::have : link::LogVerdict::want;
    }
    const Errc code = done.error().code;
    const bool never = code == Errc::exists || code == Errc::malformed || code == Errc::refused;
    return never ? link::LogVerdict::refuse : link::LogVerdict::later;
}

/// One link that brings an archive, as the registry knows it.
class Intake final : public hub::Sessions::Entry {
public:
    Intake(Desk& desk, LinkConnection& connection, hub::SessionFacts facts)
        : Entry{desk.sessions, std::move(facts)}, desk_{desk}, connection_{connection} {}

    Task<Error> run() {
        for (;;) {
            while (std::optional<link::LogReceiver::Event> event = receiver_.next_event()) {
                if (auto* const offered = std::get_if<link::LogReceiver::Offered>(&*event)) {
                    co_await look_up(*offered);
                } else if (auto* const arrived = std::get_if<link::LogReceiver::Arrived>(&*event)) {
                    keep(std::move(*arrived));
                } else {
                    co_return Error{Errc::closed, "it broke off"};
                }
            }
            co_await settle();
            receiver_.wake_at(kept_.empty() ? Instant::never() : desk_.executor.now() + look_every);
            const Result<> turn =
                co_await net::drive(connection_, receiver_, desk_.executor, desk_.read_buffer);
            if (!turn) {
                co_return ended_by_.value_or(turn.error());
            }
        }
    }

    void end(Error reason) override {
        ended_by_ = reason;
        receiver_.refuse(reason.code, std::string{reason.what});
        net::send_last_words(connection_, receiver_);
        connection_.close();
    }
    hub::SessionReport report() const override {
        hub::SessionReport report{id(), facts(), receiver_.received(), 0, 0, 0};
        report.link = connection_.link_report();
        return report;
    }

private:
    struct Kept {
        std::uint32_t serial = 0;
        std::unique_ptr<Answer<bool>> answer;
    };

    Task<> look_up(const link::LogReceiver::Offered& offered) {
        const link::LogOffer offer = offered.offer;
        const std::string run = offered.file->run;
        Answer<bool> answer{desk_.executor};
        desk_.keeper->has(facts().stream, run, fragment_of(offer.fragment), answer.reply());
        const Result<bool> there = co_await answer.within(desk_.executor.now() + disk_deadline);
        if (!there) {
            complain(offer, there.error().what);
        }
        receiver_.answer(offer.serial, verdict_of(there));
    }
    void keep(link::LogReceiver::Arrived arrived) {
        const link::LogOffer& offer = arrived.offer;
        archive::UplinkedFragment one{.facts = {.stream = facts().stream,
                                                .run = arrived.file->run,
                                                .codecs = arrived.file->codecs,
                                                .cause = arrived.file->cause},
                                      .init = arrived.file->init,
                                      .file = arrived.file->id,
                                      .fragment = fragment_of(offer.fragment),
                                      .records = std::move(arrived.records)};
        if (const Result<> sound = prove(one, offer.hash); !sound) {
            complain(offer, sound.error().what);
            receiver_.answer(offer.serial, link::LogVerdict::refuse);
            return;
        }
        Kept& kept = kept_.emplace_back(offer.serial, std::make_unique<Answer<bool>>(desk_.executor));
        desk_.keeper->insert(std::move(one), kept.answer->reply());
    }
    static Result<> prove(const archive::UplinkedFragment& one, const link::ChunkHash& hash) {
        if (Result<> sound = archive::check_uplinked(one); !sound) {
            return sound;
        }
        std::vector<ByteSpan> bodies;
        for (const archive::RecordView& record : *archive::read_records(one.records.span(), one.file)) {
            bodies.push_back(record.body);
        }
        return link::hash_of(bodies) == hash ? Result<>{}
                                             : fail(Errc::malformed, "its bytes have another hash");
    }
    /// Tells the edge what the disk has.
    Task<> settle() {
        while (!kept_.empty()) {
            const Result<bool> done = co_await kept_.front().answer->within(desk_.executor.now());
            if (!done && done.error().code == Errc::timed_out) {
                co_return;
            }
            receiver_.answer(kept_.front().serial, verdict_of(done));
            kept_.pop_front();
        }
    }
    void complain(const link::LogOffer& offer, std::string_view why) {
        log::warning(who, "{}: fragment {} from {} is not taken: {}", facts().stream, offer.fragment.number,
                     connection_.peer().text(), why);
    }

    Desk& desk_;
    LinkConnection& connection_;
    link::LogReceiver receiver_;
    std::list<Kept> kept_;   // in their order
    std::optional<Error> ended_by_;
};

}   // namespace

Task<> uplink_serve(Desk& desk, UplinkGuest guest) {
    Intake intake{desk,
                  *guest.connection,
                  {.kind = hub::SessionKind::observer,
                   .protocol = "kcp",
                   .stream = guest.stream,
                   .peer = guest.connection->peer(),
                   .since = {},
                   .who = guest.who,
                   .sends_log = true}};
    const Error seen = co_await intake.run();
    log::info(who, "{}: {} brings its archive no longer: {}", guest.stream, guest.connection->peer().text(),
              seen.what);
}

}   // namespace millrace::session
