#include "session/forward.hpp"

#include "base/log.hpp"
#include "base/masked_destination.hpp"

#include <algorithm>

namespace millrace::session {

namespace {

using hub::ForwardState;

constexpr std::string_view who = "forward";
constexpr std::size_t shown_max = 512;

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
    co_return rests || report->state == hub::StreamState::live || report->state == hub::StreamState::waiting;
}

/// Nothing more will come of it; it stays in the list, so that people see why.
Task<> give_up(Desk& desk, ForwardCourse& course, std::string why) {
    log::error(who, "{}: {}: {}", course.rule().stream, course.shown(), why);
    course.say(ForwardState::broken, std::move(why));
    while (!course.is_stopped()) {
        co_await pause_for(desk, 1h, course.leash());
    }
}

}   // namespace

ForwardCourse::ForwardCourse(Desk& desk, ForwardRule rule)
    : desk_{desk}, rule_{std::move(rule)}, shown_{log::escaped(masked_destination(rule_.to), shown_max)} {
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
    co_return ForwardEnding{.error = left->reason, .words = {}, .stream_ended = left->log_ended};
}

void ForwardCourse::begin(const hub::ViewerSeat& seat) {
    leash_.hold(nullptr);
    seated_ = seat.ref();
    say(ForwardState::live, {});
    log::info(who, "{} goes to {}", rule_.stream, shown_);
}

void ForwardCourse::let_go() {
    leash_.hold(nullptr);
    seated_ = {};
}

void ForwardCourse::say(ForwardState state, std::string reason) {
    state_ = state;
    reason_ = std::move(reason);
}

void ForwardCourse::stop() {
    leash_.pull();
    if (seated_.sessions != nullptr) {
        seated_.end({Errc::cancelled, "the destination is not wanted any more"});
    }
}

hub::ForwardReport ForwardCourse::report() const {
    const hub::Sessions::Entry* const seat =
        seated_.sessions == nullptr ? nullptr : desk_.sessions.find(seated_.id);
    const std::uint64_t now = seat == nullptr ? 0 : seat->report().bytes_out;
    return {rule_.stream, shown_, state_, reason_, bytes_ + now};
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
        const bool there = co_await is_there(course);
        if (!there) {
            course.say(ForwardState::waiting, "the stream is not live");
            co_await pause_for(desk, forward_look_every, course.leash());
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
        pause = std::min(pause * 2, forward_pause_max);
    }
    log::info(who, "{}: it goes no longer to {}", stream, course.shown());
}

/// A course in the list of those that run, for as long as it lives.
struct Forwards::Running {
    Running(Forwards& its_forwards, ForwardRule rule)
        : forwards{its_forwards}, course{forwards.desk_, std::move(rule)} {
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

std::vector<hub::ForwardReport> Forwards::reports() const {
    std::vector<hub::ForwardReport> reports;
    for (const auto& [rule, course] : running_) {
        reports.push_back(course->report());
    }
    return reports;
}

}   // namespace millrace::session
