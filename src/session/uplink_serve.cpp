#include "session/uplink_serve.hpp"

#include "archive/keeper.hpp"
#include "archive/lean.hpp"
#include "base/date_time.hpp"
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
constexpr Duration look_every = 50ms;   // whether the disk has what was given to it, and live what is awaited
/// Live media that is on its way beside an offer comes within so long, or is sent again.
constexpr Duration live_within = 1s;
/// How often it is told that gaps were filled, and looked why others are there.
constexpr Duration tell_every = 1s;
/// What lies so long before a fragment that is kept is not asked for again.
constexpr std::int64_t done_with_us = 1'000'000;

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
                    const Instant until = desk_.executor.now() + live_within;
                    if (!take(*arrived, until)) {
                        unfilled_.push_back({std::move(*arrived), until});
                    }
                } else if (auto* const gap = std::get_if<link::LogGap>(&*event)) {
                    note_gap(std::move(*gap));
                } else {
                    co_return Error{Errc::closed, "it broke off"};
                }
            }
            co_await settle();
            decide_late();
            take_late();
            name_gaps();
            tell_filled();
            const bool waits = !kept_.empty() || !undecided_.empty() || !unfilled_.empty();
            const bool idle = !waits && !gaps_changed_ && !filled_;
            receiver_.wake_at(idle ? Instant::never() : desk_.executor.now() + look_every);
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
        link::LogOffer offer;
        bool lean = false;   // made of what came live
        std::unique_ptr<Answer<archive::Inserted>> answer;
    };
    /// An offer of which live media is still awaited.
    struct Undecided {
        link::LogOffer offer;
        Instant until;
    };
    /// Of which a result is still awaited that went live.
    struct Unfilled {
        link::LogReceiver::Arrived arrived;
        Instant until;
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
        if (!there || *there) {
            receiver_.answer(offer.serial, verdict_of(there));
        } else if (!decide({offer, desk_.executor.now() + live_within})) {
            undecided_.push_back({offer, desk_.executor.now() + live_within});
        }
    }
    /// Asks for what is not here: without what came live, or whole. False: it is too early to say.
    bool decide(const Undecided& one) {
        using Cover = hub::RecentUnits::Cover;
        const link::LogFragment& fragment = one.offer.fragment;
        const bool could_be = desk_.uplink_hall != nullptr && one.offer.lean_size > 0;
        const Cover cover = could_be ? desk_.uplink_hall->covers(facts().stream, fragment.media_us,
                                                                 fragment.media_us + fragment.duration_us)
                                     : Cover::no;
        if (cover == Cover::not_yet && desk_.executor.now() < one.until) {
            return false;
        }
        receiver_.answer(one.offer.serial,
                         cover == Cover::yes ? link::LogVerdict::lean : link::LogVerdict::want);
        return true;
    }
    void decide_late() {
        std::erase_if(undecided_, [this](const Undecided& one) { return decide(one); });
    }
    /// What came without what went live gets it; where that does not make what was offered, it is asked for
    /// whole. False: it is too early to say.
    bool take(link::LogReceiver::Arrived& arrived, Instant until) {
        if (!arrived.lean) {
            keep(std::move(arrived));
            return true;
        }
        const link::LogOffer& offer = arrived.offer;
        const hub::UplinkHall& hall = *desk_.uplink_hall;
        const std::string& stream = facts().stream;
        Result<Bytes> filled = archive::fill_records(
            arrived.records.span(), offer.fragment.file, offer.fragment.size,
            {.unit = [&](media::TrackId track, std::int64_t dts) { return hall.find(stream, track, dts); },
             .message = [&](std::uint64_t key) { return hall.find_message(stream, key); }});
        if (!filled && filled.error().code == Errc::would_block && desk_.executor.now() < until) {
            return false;
        }
        if (!filled) {
            want_whole(offer, filled.error().what);
            return true;
        }
        arrived.records = std::move(*filled);
        keep(std::move(arrived));
        return true;
    }
    void take_late() {
        std::erase_if(unfilled_, [this](Unfilled& one) { return take(one.arrived, one.until); });
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
                                      .records = std::move(arrived.records),
                                      .received = desk_.executor.clock().utc()};
        const Result<> sound = prove(one, offer.hash);
        if (!sound && arrived.lean) {
            return want_whole(offer, sound.error().what);
        }
        if (!sound) {
            complain(offer, sound.error().what);
            return receiver_.answer(offer.serial, link::LogVerdict::refuse);
        }
        Kept& kept = kept_.emplace_back(offer, arrived.lean,
                                        std::make_unique<Answer<archive::Inserted>>(desk_.executor));
        desk_.keeper->insert(std::move(one), kept.answer->reply());
    }
    static Result<> prove(const archive::UplinkedFragment& one, const link::ChunkHash& hash) {
        const auto records = archive::check_uplinked(one);
        if (!records) {
            return std::unexpected(records.error());
        }
        std::vector<ByteSpan> bodies;
        std::ranges::transform(*records, std::back_inserter(bodies), &archive::RecordView::body);
        return link::hash_of(bodies) == hash ? Result<>{}
                                             : fail(Errc::malformed, "its bytes have another hash");
    }
    /// What came live does not make it.
    void want_whole(const link::LogOffer& offer, std::string_view why) {
        log::debug(who, "{}: fragment {} is asked for whole: {}", facts().stream, offer.fragment.number, why);
        receiver_.answer(offer.serial, link::LogVerdict::want);
    }
    /// Tells the edge what the disk has.
    Task<> settle() {
        while (!kept_.empty()) {
            const Result<archive::Inserted> done =
                co_await kept_.front().answer->within(desk_.executor.now());
            if (!done && done.error().code == Errc::timed_out) {
                co_return;
            }
            const link::LogOffer& offer = kept_.front().offer;
            receiver_.answer(offer.serial,
                             verdict_of(done ? Result<bool>{true} : std::unexpected(done.error())));
            if (done) {
                note_kept(offer.fragment, *done);
            }
            if (kept_.front().lean) {
                desk_.uplink_hall->forget_before(facts().stream, offer.fragment.media_us - done_with_us);
            }
            kept_.pop_front();
        }
    }
    /// Something is there now that may have an end of what is missing, and may be what was missing.
    void note_kept(const link::LogFragment& one, archive::Inserted how) {
        gaps_changed_ = !gaps_.empty();
        if (how == archive::Inserted::fills) {
            const archive::Span span{{one.utc_us}, {one.utc_us + one.duration_us}};
            filled_ = !filled_
                          ? span
                          : archive::Span{std::min(filled_->from, span.from), std::max(filled_->to, span.to)};
        }
    }
    void note_gap(link::LogGap said) {
        archive::Gap gap{{said.begin_us}, {said.end_us}, std::move(said.cause)};
        // The edge says it again where it grew.
        std::erase_if(gaps_, [&](const archive::Gap& one) { return one.begin == gap.begin; });
        gaps_.push_back(std::move(gap));
        if (gaps_.size() > link::log_gaps_max) {
            gaps_.erase(gaps_.begin());
        }
        gaps_changed_ = true;
    }
    /// What is missing there as well has its reason from there.
    void name_gaps() {
        const Instant now = desk_.executor.now();
        if (gaps_changed_ && now >= named_at_ + tell_every) {
            gaps_changed_ = false;
            named_at_ = now;
            desk_.keeper->name_gaps(facts().stream, gaps_);
        }
    }
    void tell_filled() {
        const Instant now = desk_.executor.now();
        if (filled_ && now >= told_at_ + tell_every) {
            told_at_ = now;
            const std::string from = date_time_text(filled_->from);
            const std::string to = date_time_text(filled_->to);
            desk_.directory.tell(
                {.kind = hub::EventKind::gap,
                 .stream = facts().stream,
                 .text =
                     fmt::format("What was missing of {} from {} to {} has come", facts().stream, from, to),
                 .members = fmt::format(R"("what":"filled","from":"{}","to":"{}")", from, to)});
            filled_.reset();
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
    std::list<Undecided> undecided_;
    std::list<Unfilled> unfilled_;     // no more than were asked for
    std::vector<archive::Gap> gaps_;   // of the edge's own, as it said them
    bool gaps_changed_ = false;        // or something came since they were looked at
    Instant named_at_;
    std::optional<archive::Span> filled_;   // and nobody was told
    Instant told_at_;
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
