#include "session/forward.hpp"

#include "base/link_transport.hpp"
#include "base/log.hpp"
#include "base/masked_destination.hpp"

#include <algorithm>

namespace millrace::session {

namespace {

using hub::ForwardState;

constexpr std::string_view who = "forward";
constexpr std::size_t shown_max = 512;
/// Pictures a second are those of so long, looked at so often.
constexpr Duration frames_window = 1s;
constexpr Duration count_every = 100ms;

const ForwardKind* kind_of(const ForwardMeans& means, std::string_view to) {
    const auto kind = std::ranges::find_if(
        means.kinds, [to](const ForwardKind& one) { return to.starts_with(one.prefix); });
    return kind == means.kinds.end() ? nullptr : &*kind;
}

/// Half of it, and a part of the other half by chance.
Duration with_chance(Duration pause, Random& random) {
    const Duration half = pause / 2;
    return half + random.below(1000) * (half / 1000);
}

/// Whether there is, or would be, something to push.
Task<bool> is_there(ForwardCourse& course) {
    const Result<hub::StreamReport> report = co_await course.look();
    if (!report) {
        co_return false;
    }
    const bool rests = report->state == hub::StreamState::offline && report->on_demand;
    // A source that always runs and has not begun makes no stream yet.
    const bool comes = report->state == hub::StreamState::waiting && (report->publisher || report->on_demand);
    co_return rests || comes || report->state == hub::StreamState::live;
}

/// By KCP; TCP looks for no rate.
std::optional<double> rate_found(const std::optional<LinkReport>& link) {
    return link && !is_tls(*link) ? std::optional{link->rate} : std::nullopt;
}

/// Nothing more will come of it; it stays in the list, so that people see why.
Task<> give_up(Desk& desk, ForwardCourse& course, std::string why) {
    log::error(who, "{}: {}: {}", course.rule().stream, course.shown(), why);
    course.give_up(std::move(why));
    while (!course.is_stopped()) {
        co_await pause_for(desk, 1h, course.leash());
    }
}

}   // namespace

ForwardCourse::ForwardCourse(Desk& desk, ForwardRule rule, bool follows_link)
    : desk_{desk},
      rule_{std::move(rule)},
      shown_{log::escaped(masked_destination(rule_.to), shown_max)},
      follows_link_{follows_link} {
}

Task<Result<std::unique_ptr<Connection>>> ForwardCourse::connect(Connector& connector, Dial dial) {
    Answer<std::unique_ptr<Connection>> answer{desk_.executor};
    const Instant deadline = dial.deadline;
    connector.connect(desk_.executor, std::move(dial), answer.reply());
    Result<std::unique_ptr<Connection>> opened = co_await answer.within(deadline);
    if (opened && is_stopped()) {
        co_return fail(Errc::cancelled, "the destination is not wanted any more");
    }
    if (opened) {
        leash_.hold(opened->get());
    }
    co_return opened;
}

Task<Result<hub::Joined>> ForwardCourse::join(hub::Flavour flavour, std::string_view protocol,
                                              Endpoint peer) {
    Answer<hub::Joined> answer{desk_.executor};
    desk_.mirrors.join(flavour, {.protocol = protocol, .stream = rule_.stream, .peer = std::move(peer)},
                       answer.reply());
    co_return co_await answer.within(desk_.executor.now() + forward_setup_max);
}

Task<Result<hub::StreamReport>> ForwardCourse::look() {
    Answer<std::vector<hub::StreamReport>> answer{desk_.executor};
    desk_.directory.report(rule_.stream, answer.reply());
    Result<std::vector<hub::StreamReport>> reports =
        co_await answer.within(desk_.executor.now() + forward_setup_max);
    if (!reports) {
        co_return std::unexpected(reports.error());
    }
    if (reports->empty()) {
        co_return fail(Errc::not_found, "no such stream");
    }
    co_return std::move(reports->front());
}

Task<ForwardEnding> ForwardCourse::serve(hub::Joined joined, ForwardLink link) {
    Answer<hub::ViewerLeft> answer{desk_.executor};
    std::vector<std::byte> lead{link.lead.begin(), link.lead.end()};
    lead.insert(lead.end(), joined.lead.begin(), joined.lead.end());
    joined.seat->on_leave(answer.reply());
    joined.seat->bind(*link.connection);
    if (follows_link_) {
        joined.seat->keep_close(SendRate::skip_from);
        rate_ = {};
        seeker_ = dynamic_cast<PathSeeker*>(link.connection.get());
        desk_.executor.timers().arm(next_look_, desk_.executor.now() + SendRate::look_every);
    }
    begin(*joined.seat);
    desk_.fan_out.join(*joined.log, {.connection = std::move(link.connection),
                                     .lead = Bytes{std::move(lead)},
                                     .back_channel = std::move(link.back_channel),
                                     .seat = std::move(joined.seat)});
    const Result<hub::ViewerLeft> left = co_await answer.within(Instant::never());
    let_go();
    if (!left) {
        co_return ForwardEnding{};
    }
    count(left->bytes);
    skips_ += left->skips;
    frames_sent_ = frames_sent_.value_or(0) + left->pictures;
    frames_skipped_ += left->pictures_skipped;
    co_return ForwardEnding{.error = left->reason, .words = {}, .stream_ended = left->log_ended};
}

void ForwardCourse::begin(const hub::ViewerSeat& seat) {
    leash_.hold(nullptr);
    seated_ = seat.ref();
    begin();
    count_frames();
}

void ForwardCourse::begin() {
    ++begun_;
    say(ForwardState::live, {});
    log::info(who, "{} goes to {}", rule_.stream, shown_);
}

void ForwardCourse::count(const hub::ViewerSeat& seat) {
    bytes_ += seat.counters.bytes_out;
    frames_sent_ = frames_sent_.value_or(0) + seat.pictures_sent();
    frames_skipped_ += seat.counters.pictures.skipped();
    seated_ = {};   // it counts no more
}

std::optional<std::uint64_t> ForwardCourse::frames_sent() const {
    const hub::ViewerSeat* const here = seat();
    return here == nullptr ? frames_sent_ : frames_sent_.value_or(0) + here->pictures_sent();
}

void ForwardCourse::count_frames() {
    const Instant now = desk_.executor.now();
    frames_seen_.emplace_back(now, frames_sent().value_or(0));
    while (now - frames_seen_.front().first > frames_window) {
        frames_seen_.pop_front();
    }
    desk_.executor.timers().arm(next_count_, now + count_every);
}

void ForwardCourse::let_go() {
    leash_.hold(nullptr);
    seated_ = {};
    seeker_ = nullptr;
    next_look_.disarm();
    next_count_.disarm();
    frames_seen_.clear();
    if (rate_.target()) {
        rate_ = {};
        desk_.directory.ask(rule_.stream, hub::AskBitrate{SendRate::unlimited});
    }
}

hub::ViewerSeat* ForwardCourse::seat() const {
    // Whoever holds the seat may have dropped it.
    return seated_.sessions == nullptr ? nullptr
                                       : dynamic_cast<hub::ViewerSeat*>(desk_.sessions.find(seated_.id));
}

void ForwardCourse::follow_link() {
    const hub::ViewerSeat* const here = seat();
    if (here == nullptr) {
        return;
    }
    const Instant now = desk_.executor.now();
    const hub::Backlog backlog = here->backlog(now);
    const SendRate::Wish wish = rate_.look({.handed_over = here->counters.bytes_out,
                                            .held = backlog.held,
                                            .waiting = backlog.bytes,
                                            .age = backlog.age,
                                            .path = rate_found(here->report().link)},
                                           now);
    if (wish.bitrate) {
        desk_.directory.ask(rule_.stream, hub::AskBitrate{*wish.bitrate});
    }
    if (seeker_ != nullptr) {
        seeker_->seek_more(rate_.target().has_value());
    }
    if (wish.key_frame) {
        desk_.directory.ask(rule_.stream, hub::AskKeyFrame{});
    }
    desk_.executor.timers().arm(next_look_, now + SendRate::look_every);
}

void ForwardCourse::say(ForwardState state, std::string reason) {
    state_ = state;
    reason_ = std::move(reason);
}

void ForwardCourse::give_up(std::string reason) {
    given_up_ = true;
    say(ForwardState::broken, std::move(reason));
}

void ForwardCourse::look_now() {
    if (state_ == ForwardState::waiting) {
        look_due_ = true;
        leash_.wake();
    }
}

void ForwardCourse::stop() {
    leash_.pull();
    if (seated_.sessions != nullptr) {
        seated_.end({Errc::cancelled, "the destination is not wanted any more"});
    }
}

hub::ForwardReport ForwardCourse::report() const {
    hub::ForwardReport report{.stream = rule_.stream,
                              .to = shown_,
                              .state = state_,
                              .reason = reason_,
                              .bytes = bytes_,
                              .begun = begun_,
                              .given_up = given_up_,
                              .frames_sent = frames_sent(),
                              .frames_skipped = frames_skipped_,
                              .skips = skips_,
                              .bitrate_target = rate_.target().value_or(0)};
    if (const hub::ViewerSeat* const here = seat()) {
        const hub::Backlog backlog = here->backlog(desk_.executor.now());
        report.bytes += here->counters.bytes_out;
        report.skips += here->counters.skips;
        report.queue_bytes = backlog.bytes + backlog.held;
        report.queue_age = backlog.age;
        report.frames_waiting = backlog.pictures;
        report.frames_skipped += here->counters.pictures.skipped();
        report.link = here->report().link;
    }
    if (frames_seen_.size() > 1) {
        const auto [since, before] = frames_seen_.front();
        const auto [until, after] = frames_seen_.back();
        report.sent_per_second =
            static_cast<double>(after - before) / std::chrono::duration<double>{until - since}.count();
    }
    return report;
}

Task<> run_forward(Desk& desk, ForwardMeans means, ForwardCourse& course) {
    const std::string& stream = course.rule().stream;
    const ForwardKind* const kind = kind_of(means, course.rule().to);
    if (kind == nullptr) {
        co_return co_await give_up(desk, course, "this node cannot push to such a destination");
    }
    Duration pause = forward_pause_min;
    std::string failure;   // of the try before; empty: it did not fail
    while (!course.is_stopped()) {
        course.begin_look();
        const bool there = co_await is_there(course);
        if (!there) {
            course.say(ForwardState::waiting, "the stream is not live");
            if (!course.begin_look()) {
                co_await pause_for(desk, forward_look_every, course.leash());
            }
            continue;
        }
        course.say(ForwardState::connecting, failure);
        const ForwardEnding ending = co_await kind->push_once(desk, means, course);
        const bool was_live = course.report().state == ForwardState::live;
        course.let_go();
        std::string why{ending.words.empty() ? ending.error.what : ending.words};
        if (course.is_stopped()) {
            break;
        }
        if (ending.stream_ended) {
            failure.clear();
            course.say(ForwardState::waiting, "the stream ended");
            co_await pause_for(desk, forward_look_every, course.leash());
            continue;
        }
        if (ending.lasting) {
            co_return co_await give_up(desk, course, std::move(why));
        }
        pause = was_live ? forward_pause_min : pause;
        const Duration left_alone = with_chance(pause, desk.random);
        // One that is away for long is not news each time.
        const bool news = why != failure;
        if (news || log::enabled(log::Level::debug)) {
            log::write(news ? log::Level::warning : log::Level::debug, who,
                       fmt::format("{}: {}: {}; it is tried again in {:.1f} s, and so on", stream,
                                   course.shown(), why, static_cast<double>(left_alone / 1ms) / 1000));
        }
        course.say(ForwardState::broken, why);
        failure = std::move(why);
        co_await pause_for(desk, left_alone, course.leash());
        pause = std::min(pause * 2, course.rule().uplink ? forward_uplink_pause_max : forward_pause_max);
    }
    log::info(who, "{}: it goes no longer to {}", stream, course.shown());
}

/// A course in the list of those that run, for as long as it lives.
struct Forwards::Running {
    Running(Forwards& its_forwards, ForwardRule rule)
        : forwards{its_forwards}, course{forwards.desk_, std::move(rule), forwards.means_.follow_links} {
        forwards.running_[course.rule()] = &course;
    }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;
    ~Running() {
        const auto mine = forwards.running_.find(course.rule());
        if (mine != forwards.running_.end() && mine->second == &course) {
            forwards.running_.erase(mine);
        }
    }

    Forwards& forwards;
    ForwardCourse course;
};

Task<> Forwards::run(ForwardRule rule) {
    Running running{*this, std::move(rule)};
    co_await run_forward(desk_, means_, running.course);
}

void Forwards::use(const std::vector<ForwardRule>& rules) {
    std::vector<ForwardCourse*> unwanted;
    std::erase_if(running_, [&](const auto& one) {
        const bool gone = std::ranges::find(rules, one.first) == rules.end();
        if (gone) {
            unwanted.push_back(one.second);
        }
        return gone;
    });
    for (ForwardCourse* const course : unwanted) {
        course->stop();
    }
    for (const ForwardRule& rule : rules) {
        if (!running_.contains(rule)) {
            desk_.executor.tasks().spawn(run(rule));
        }
    }
}

void Forwards::look_now(const std::string& stream) {
    for (const auto& [rule, course] : running_) {
        if (rule.stream == stream) {
            course->look_now();
        }
    }
}

std::optional<hub::ForwardReport> Forwards::report_of(const ForwardRule& rule) const {
    const auto found = running_.find(rule);
    return found == running_.end() ? std::nullopt : std::optional{found->second->report()};
}

std::vector<hub::ForwardReport> Forwards::reports() const {
    std::vector<hub::ForwardReport> reports;
    for (const auto& [rule, course] : running_) {
        reports.push_back(course->report());
    }
    return reports;
}

}   // namespace millrace::session
