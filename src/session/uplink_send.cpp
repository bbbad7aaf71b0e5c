#include "session/uplink_send.hpp"

#include "archive/lean.hpp"
#include "base/link_transport.hpp"
#include "base/log.hpp"
#include "base/masked_destination.hpp"
#include "base/waiting.hpp"
#include "net/drive.hpp"
#include "protocol/link/chunk_proofs.hpp"
#include "protocol/link/talk.hpp"
#include "session/link_address.hpp"
#include "session/link_dial.hpp"

#include <algorithm>

namespace millrace::session {

namespace {

using hub::ForwardState;

constexpr std::string_view who = "uplink";
constexpr Duration setup_max = 10s;
constexpr Duration disk_deadline = 30s;
/// What the server could not keep, or would not, is offered again after so long.
constexpr Duration later_after = 2s;
constexpr Duration refused_again_after = 10min;
/// What our own disk does not give now.
constexpr Duration unread_again_after = 15s;
constexpr std::size_t page = 64;
/// How often it is counted what is unsent, and looked whether something new goes before what is on its way.
constexpr Duration unsent_every = 1s;
/// Where so many rest, nothing is offered until some do no longer.
constexpr std::size_t resting_max = 1'024;
constexpr std::size_t shown_max = 512;

link::LogFragment facts_of(const archive::FoundFragment& found) {
    const archive::Fragment& one = found.fragment;
    return {.file = found.file,
            .place = one.offset,
            .size = one.size,
            .number = one.number,
            .utc_us = one.utc.microseconds,
            .media_us = one.media_us,
            .duration_us = one.duration_us,
            .key = one.key,
            .discontinuity = one.discontinuity};
}

BackfillPace::Trip trip_of(const LinkReport& link) {
    return is_tls(link)
               ? BackfillPace::Trip{link.round_trip, link.round_trip_min, BackfillPace::queue_doubtful_tcp}
               : BackfillPace::Trip{link.round_trip_of_late, link.round_trip_min};
}

link::ChunkHash hash_of_chunks(const std::vector<archive::RecordView>& records) {
    std::vector<ByteSpan> bodies;
    std::ranges::transform(records, std::back_inserter(bodies), &archive::RecordView::body);
    return link::hash_of(bodies);
}

}   // namespace

/// One stream's uplink over all its tries. Owned by its coroutine.
class Uplinks::Course {
public:
    Course(Uplinks& uplinks, UplinkRule rule)
        : uplinks_{uplinks},
          desk_{uplinks.desk_},
          rule_{std::move(rule)},
          shown_{log::escaped(masked_destination(rule_.to), shown_max)},
          pace_{rule_.rate_max} {
        uplinks_.running_[rule_] = this;
    }
    Course(const Course&) = delete;
    Course& operator=(const Course&) = delete;
    ~Course() {
        const auto mine = uplinks_.running_.find(rule_);
        if (mine != uplinks_.running_.end() && mine->second == this) {
            uplinks_.running_.erase(mine);
        }
    }

    Task<> run();
    void stop() { leash_.pull(); }
    bool is_of(const hub::ForwardReport& forward) const {
        return forward.stream == rule_.stream && forward.to == shown_;
    }
    hub::UplinkReport report() const {
        hub::UplinkReport report = report_;
        report.rate = pace_.rate();
        return report;
    }

private:
    /// Calls the server, and sends until that breaks; why.
    Task<std::string> once();
    Task<Result<std::unique_ptr<LinkConnection>>> call(const LinkAddress& address, std::string& words);
    Task<std::string> greet(LinkConnection& connection, const LinkAddress& address);
    Task<std::string> serve(LinkConnection& connection);
    /// Asks the archive what comes next, and counts.
    Task<Result<>> look(WallTime fresh);
    /// Offers what comes next, as much as there is room for.
    Task<Result<>> offer_more(link::LogSender& sender, WallTime fresh);
    Task<Result<>> offer(link::LogSender& sender, const archive::FoundFragment& found, bool fresh);
    Task<> look_at_unsent();
    /// Says what is missing here, too, as often as that changes.
    Task<> say_gaps(link::LogSender& sender);
    void settle(const link::LogSender::Settled& settled);
    void pace(link::LogSender& sender, const LinkConnection& connection);
    bool rests(const archive::FoundFragment& found) const;

    using Place = std::pair<std::uint64_t, std::uint64_t>;   // file, place

    Uplinks& uplinks_;
    Desk& desk_;
    UplinkRule rule_;
    std::string shown_;
    SourceLeash leash_;
    hub::UplinkReport report_;
    BackfillPace pace_;
    std::map<Place, Instant> resting_;   // not to be offered before
    std::deque<archive::FoundFragment> next_;
    Instant look_at_;      // whether there is more to send: then, and
    Instant looked_at_;    // there it did so last
    Instant counted_at_;   // what is unsent
    Instant gaps_at_;      // when what is missing is looked at next
    std::vector<archive::Gap> said_gaps_;
    std::optional<std::pair<std::uint64_t, Bytes>> init_;   // of a file
};

bool Uplinks::Course::rests(const archive::FoundFragment& found) const {
    const auto resting = resting_.find({found.file, found.fragment.offset});
    return resting != resting_.end() && desk_.executor.now() < resting->second;
}

Task<> Uplinks::Course::run() {
    std::string failure;
    while (!leash_.is_pulled()) {
        report_.state = ForwardState::connecting;
        std::string why = co_await once();
        leash_.hold(nullptr);
        if (leash_.is_pulled()) {
            break;
        }
        // One that is away for long is not news each time.
        log::write(why != failure ? log::Level::warning : log::Level::debug, who,
                   fmt::format("{}: the archive does not go to {}: {}; it is tried again", rule_.stream,
                               shown_, why));
        report_.state = ForwardState::broken;
        report_.reason = why;
        failure = std::move(why);
        co_await look_at_unsent();
        const Duration half = uplink_pause / 2;
        co_await pause_for(desk_, half + desk_.random.below(1000) * (half / 1000), leash_);
    }
}

Task<std::string> Uplinks::Course::once() {
    if (desk_.keeper == nullptr) {
        co_return "this node has no archive";
    }
    const Result<LinkAddress> address = link_address(rule_.to, *desk_.settings);
    if (!address) {
        co_return std::string{address.error().what};
    }
    std::string words;
    Result<std::unique_ptr<LinkConnection>> connection = co_await call(*address, words);
    if (!connection) {
        co_return words.empty() ? std::string{connection.error().what} : words;
    }
    leash_.hold(connection->get());
    (*connection)->hold_little();
    std::string refused = co_await greet(**connection, *address);
    if (!refused.empty()) {
        co_return refused;
    }
    co_return co_await serve(**connection);
}

Task<Result<std::unique_ptr<LinkConnection>>> Uplinks::Course::call(const LinkAddress& address,
                                                                    std::string& words) {
    LinkCall call = address.call(desk_.executor.now() + setup_max);
    call.words = &words;
    call.memo = &leash_.memo();
    call.ending = &desk_.links_ending;
    co_return co_await link_dial(desk_.executor, uplinks_.connector_, desk_.random, std::move(call));
}

Task<std::string> Uplinks::Course::greet(LinkConnection& connection, const LinkAddress& address) {
    Hops hops;
    hops.add(desk_.node_id);
    link::Talk talk{{.direction = link::Direction::log,
                     .name = address.name,
                     .query = address.query,
                     .hops = std::move(hops)},
                    desk_.executor.now()};
    for (;;) {
        while (const std::optional<link::Talk::Event> event = talk.next_event()) {
            if (std::holds_alternative<link::Welcome>(*event)) {
                co_return std::string{};
            }
            if (const auto* const refusal = std::get_if<link::Refusal>(&*event)) {
                co_return fmt::format("the server refuses: {}", log::escaped(refusal->words));
            }
        }
        const Result<> turn = co_await net::drive(connection, talk, desk_.executor, desk_.read_buffer);
        if (!turn) {
            co_return std::string{turn.error().what};
        }
    }
}

Task<std::string> Uplinks::Course::serve(LinkConnection& connection) {
    link::LogSender sender;
    const WallTime fresh = desk_.executor.clock().utc();
    report_.state = ForwardState::live;
    report_.reason.clear();
    ++report_.begun;
    resting_.clear();
    next_.clear();
    said_gaps_.clear();
    gaps_at_ = {};
    look_at_ = desk_.executor.now();
    log::info(who, "{}: the archive goes to {}", rule_.stream, shown_);
    for (;;) {
        while (const std::optional<link::LogSender::Event> event = sender.next_event()) {
            if (const auto* const refusal = std::get_if<link::Refusal>(&*event)) {
                co_return fmt::format("the server refuses: {}", log::escaped(refusal->words));
            }
            if (const auto* const left = std::get_if<link::LogSender::Left>(&*event)) {
                desk_.keeper->note_sent(left->fragment.file, left->fragment.place,
                                        desk_.executor.clock().utc());
                continue;
            }
            settle(std::get<link::LogSender::Settled>(*event));
        }
        co_await say_gaps(sender);
        const Result<> offered = co_await offer_more(sender, fresh);
        if (!offered) {
            co_return std::string{offered.error().what};
        }
        const std::uint64_t sent = sender.sent();
        pace(sender, connection);
        const Result<> turn = co_await net::drive(connection, sender, desk_.executor, desk_.read_buffer);
        pace_.note_sent(sender.sent() - sent);
        report_.bytes += sender.sent() - sent;
        if (!turn) {
            co_return std::string{turn.error().what};
        }
    }
}

void Uplinks::Course::pace(link::LogSender& sender, const LinkConnection& connection) {
    const Instant now = desk_.executor.now();
    if (!sender.has_wanted()) {
        sender.allow(0);
        sender.wake_at(look_at_);
        return;
    }
    BackfillPace::Sight sight{.own = trip_of(connection.link_report())};
    if (const auto live = uplinks_.forwards_.report_of({rule_.stream, rule_.to, true})) {
        sight.live_waits = live->queue_age;
        sight.live_sent = live->bytes;
        sight.live = live->link ? std::optional{trip_of(*live->link)} : std::nullopt;
    }
    sender.allow(pace_.look(sight, now));
    sender.wake_at(now + BackfillPace::look_every);
}

void Uplinks::Course::settle(const link::LogSender::Settled& settled) {
    const link::LogFragment& one = settled.fragment;
    const Instant now = desk_.executor.now();
    switch (settled.verdict) {
        case link::LogVerdict::have:
            ++report_.acknowledged;
            desk_.keeper->acknowledge(rule_.stream, one.file, one.place);
            break;
        case link::LogVerdict::refuse:
            ++report_.refused;
            log::warning(who, "{}: the server does not take fragment {} of file {}; its log says why",
                         rule_.stream, one.number, one.file);
            resting_[{one.file, one.place}] = now + refused_again_after;
            break;
        case link::LogVerdict::later: resting_[{one.file, one.place}] = now + later_after; break;
        case link::LogVerdict::want:
        case link::LogVerdict::lean: break;
    }
}

Task<> Uplinks::Course::look_at_unsent() {
    if (desk_.keeper == nullptr) {
        co_return;
    }
    Answer<archive::Unacknowledged> answer{desk_.executor};
    desk_.keeper->unacknowledged(rule_.stream, answer.reply());
    const Result<archive::Unacknowledged> unsent =
        co_await answer.within(desk_.executor.now() + disk_deadline);
    if (unsent) {
        report_.unsent_fragments = unsent->fragments;
        report_.unsent_bytes = unsent->bytes;
        report_.unsent_since = unsent->since;
    }
}

Task<> Uplinks::Course::say_gaps(link::LogSender& sender) {
    const Instant now = desk_.executor.now();
    if (now < gaps_at_) {
        co_return;
    }
    gaps_at_ = now + uplink_gaps_every;
    Answer<std::vector<archive::Gap>> answer{desk_.executor};
    desk_.keeper->newest_gaps(rule_.stream, link::log_gaps_max, answer.reply());
    Result<std::vector<archive::Gap>> gaps = co_await answer.within(now + disk_deadline);
    if (!gaps) {
        co_return;   // what else is asked of the disk says so
    }
    for (const archive::Gap& gap : *gaps) {
        if (std::ranges::find(said_gaps_, gap) == said_gaps_.end()) {
            sender.say({gap.begin.microseconds, gap.end.microseconds, gap.cause});
        }
    }
    said_gaps_ = std::move(*gaps);
}

Task<Result<>> Uplinks::Course::look(WallTime fresh) {
    const Instant now = desk_.executor.now();
    std::erase_if(resting_, [now](const auto& one) { return one.second <= now; });
    if (now >= counted_at_ + unsent_every) {
        counted_at_ = now;
        co_await look_at_unsent();
    }
    const bool due = next_.empty() || now >= looked_at_ + unsent_every;
    if (!due || resting_.size() >= resting_max) {
        co_return Result<>{};
    }
    looked_at_ = now;
    Answer<std::vector<archive::FoundFragment>> answer{desk_.executor};
    desk_.keeper->unacknowledged({rule_.stream, rule_.order, fresh, page + resting_.size()}, answer.reply());
    Result<std::vector<archive::FoundFragment>> found = co_await answer.within(now + disk_deadline);
    if (!found) {
        co_return std::unexpected(found.error());
    }
    next_.assign(std::make_move_iterator(found->begin()), std::make_move_iterator(found->end()));
    co_return Result<>{};
}

Task<Result<>> Uplinks::Course::offer_more(link::LogSender& sender, WallTime fresh) {
    const Instant now = desk_.executor.now();
    if (now >= look_at_) {
        look_at_ = now + uplink_look_every;
        const Result<> looked = co_await look(fresh);
        if (!looked) {
            co_return looked;
        }
    }
    const auto is_fresh = [fresh](const archive::FoundFragment& one) { return one.fragment.utc >= fresh; };
    while (!next_.empty() && sender.has_room(is_fresh(next_.front()))) {
        const archive::FoundFragment one = std::move(next_.front());
        next_.pop_front();
        if (sender.is_offered(one.file, one.fragment.offset) || rests(one)) {
            continue;
        }
        const Result<> offered = co_await offer(sender, one, is_fresh(one));
        if (!offered) {
            co_return offered;
        }
    }
    co_return Result<>{};
}

Task<Result<>> Uplinks::Course::offer(link::LogSender& sender, const archive::FoundFragment& found,
                                      bool fresh) {
    const auto leave = [&](const Error& why) {
        log::warning(who, "{}: fragment {} of file {} is not sent: {}", rule_.stream, found.fragment.number,
                     found.file, why.what);
        const bool as_it_is =
            why.code == Errc::malformed || why.code == Errc::unsupported || why.code == Errc::exhausted;
        resting_[{found.file, found.fragment.offset}] =
            desk_.executor.now() + (as_it_is ? refused_again_after : unread_again_after);
        return Result<>{};
    };
    if (!init_ || init_->first != found.file) {
        Answer<Bytes> begins{desk_.executor};
        desk_.keeper->init(rule_.stream, found.file, begins.reply());
        Result<Bytes> init = co_await begins.within(desk_.executor.now() + disk_deadline);
        if (!init) {
            co_return leave(init.error());
        }
        init_ = {found.file, std::move(*init)};
    }
    if (found.fragment.size > link::log_fragment_max) {
        co_return leave({Errc::unsupported, "it is larger than an uplink carries"});
    }
    Answer<Bytes> answer{desk_.executor};
    desk_.keeper->read_records(rule_.stream, found.file, found.fragment.number, answer.reply());
    Result<Bytes> bytes = co_await answer.within(desk_.executor.now() + disk_deadline);
    if (!bytes) {
        co_return leave(bytes.error());
    }
    const auto records = archive::read_records(bytes->span(), found.file);
    if (!records) {
        co_return leave(records.error());
    }
    const link::LogFile file{.id = found.file,
                             .run = found.run,
                             .codecs = found.codecs,
                             .cause = found.file_begins ? found.cause : std::string{},
                             .init = init_->second};
    link::LogSender::Goods goods{.records = *bytes,
                                 .lean = archive::lean_records(bytes->span(), found.file),
                                 .hash = hash_of_chunks(*records),
                                 .fresh = fresh};
    const Result<> offered = sender.offer(file, facts_of(found), std::move(goods));
    co_return offered ? Result<>{} : leave(offered.error());
}

Task<> Uplinks::run(UplinkRule rule) {
    Course course{*this, std::move(rule)};
    co_await course.run();
}

void Uplinks::use(const std::vector<UplinkRule>& rules) {
    std::vector<Course*> unwanted;
    std::erase_if(running_, [&](const auto& one) {
        const bool gone = std::ranges::find(rules, one.first) == rules.end();
        if (gone) {
            unwanted.push_back(one.second);
        }
        return gone;
    });
    std::ranges::for_each(unwanted, &Course::stop);
    for (const UplinkRule& rule : rules) {
        if (!running_.contains(rule)) {
            desk_.executor.tasks().spawn(run(rule));
        }
    }
}

std::vector<hub::ForwardReport> Uplinks::join(std::vector<hub::ForwardReport> forwards) const {
    for (hub::ForwardReport& forward : forwards) {
        const auto mine =
            std::ranges::find_if(running_, [&](const auto& one) { return one.second->is_of(forward); });
        if (mine != running_.end()) {
            forward.uplink = mine->second->report();
        }
    }
    return forwards;
}

}   // namespace millrace::session
