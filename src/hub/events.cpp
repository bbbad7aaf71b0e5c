#include "hub/events.hpp"

#include "base/date_time.hpp"
#include "base/web.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace millrace::hub {

namespace {

/// Empty for a text that is empty.
std::string json_of(const Event& event, std::string_view text, std::string_view members) {
    if (text.empty()) {
        return {};
    }
    std::string json = fmt::format(R"({{"id":{},"at":"{}","kind":"{}")", event.id, date_time_text(event.at),
                                   name(event.kind));
    if (!event.stream.empty()) {
        json += fmt::format(R"(,"stream":{})", web::json_quoted(event.stream));
    }
    json += fmt::format(R"(,"text":{})", web::json_quoted(text));
    if (!members.empty()) {
        json += fmt::format(",{}", members);
    }
    return json + "}";
}

bool wanted(const EventWish& wish, const Event& event) {
    if (wish.stream.empty()) {
        return event.kind != EventKind::result && event.kind != EventKind::message;
    }
    return wish.stream == event.stream &&
           (event.kind == EventKind::stream || event.kind == EventKind::verdict ||
            event.kind == EventKind::viewers || event.kind == EventKind::result ||
            event.kind == EventKind::gap || event.kind == EventKind::message || !event.open_json.empty());
}

bool limited(EventKind kind) {
    return kind == EventKind::viewer || kind == EventKind::refused;
}

}   // namespace

std::string_view name(EventKind kind) {
    switch (kind) {
        case EventKind::stream: return "stream";
        case EventKind::publisher: return "publisher";
        case EventKind::viewer: return "viewer";
        case EventKind::viewers: return "viewers";
        case EventKind::verdict: return "verdict";
        case EventKind::configuration: return "configuration";
        case EventKind::refused: return "refused";
        case EventKind::log: return "log";
        case EventKind::lost: return "lost";
        case EventKind::result: return "result";
        case EventKind::gap: return "gap";
        case EventKind::message: return "message";
    }
    return "stream";
}

const std::string& json_for(const EventWish& wish, const Event& event) {
    return wish.stream.empty() || event.open_json.empty() ? event.json : event.open_json;
}

Events::Events(Executor& home)
    : home_{home},
      first_{static_cast<std::uint64_t>(std::max<std::int64_t>(home.clock().utc().microseconds, 1))},
      started_at_{first_} {
}

void Events::tell(Event event) {
    home_.post([this, event = std::move(event)]() mutable {
        count(event);
        if (!admits(event)) {
            return;
        }
        const auto kind = static_cast<std::size_t>(event.kind);
        if (const std::uint64_t untold = std::exchange(untold_[kind], 0); untold > 0) {
            keep({.kind = event.kind,
                  .stream = {},
                  .text = fmt::format("{} events of this kind came too fast to be told", untold),
                  .members = fmt::format(R"("count":{})", untold)});
        }
        keep(std::move(event));
    });
}

void Events::count(const Event& event) {
    if (event.viewers == 0) {
        return;
    }
    Count& count = counts_[event.stream];
    count.now += event.viewers;
    if (!std::exchange(count.changed, true)) {
        changed_.push_back(event.stream);
    }
    if (!second_.armed()) {
        home_.timers().arm(second_, home_.now() + counted_every);
    }
}

void Events::tell_counts() {
    for (std::size_t told = 0; told < counts_at_once_max && !changed_.empty();) {
        const std::string stream = std::exchange(changed_.front(), {});
        changed_.pop_front();
        Count& count = counts_.at(stream);
        count.changed = false;
        const std::int64_t now = count.now;
        if (std::exchange(count.told, now) != now) {
            ++told;
            keep({.kind = EventKind::viewers,
                  .stream = stream,
                  .text = fmt::format("{} has {} {}", stream, now, now == 1 ? "viewer" : "viewers"),
                  .members = fmt::format(R"("count":{})", now)});
        }
        if (now == 0) {
            counts_.erase(stream);
        }
    }
    if (!changed_.empty()) {
        home_.timers().arm(second_, home_.now() + counted_every);
    }
}

bool Events::admits(const Event& event) {
    const auto kind = static_cast<std::size_t>(event.kind);
    if (!limited(event.kind)) {
        return true;
    }
    Limit spent = limits_[kind];
    if (!spent.spend(home_.now())) {
        ++untold_[kind];
        return false;
    }
    limits_[kind] = spent;   // what is not told uses up nothing
    return true;
}

void Events::keep(Event event) {
    event.id = newest() + 1;
    event.at = home_.clock().utc();
    event.json = json_of(event, event.text, event.members);
    event.open_json = json_of(event, event.open_text, event.open_members);
    if (kept_.size() == kept_max) {
        kept_.pop_front();
        ++first_;
    }
    kept_.push_back(std::make_shared<const Event>(std::move(event)));
    hand_out(EventRef{kept_.back()});
}

void Events::tell_of_moment(EventKind kind, std::string stream, std::string json) {
    home_.post([this, event = Event{.kind = kind,
                                    .stream = std::move(stream),
                                    .text = {},
                                    .members = {},
                                    .json = std::move(json)}]() mutable { keep_result(std::move(event)); });
}

void Events::keep_result(Event event) {
    result_bytes_ += event.json.size();
    results_.push_back(std::make_shared<const Event>(std::move(event)));
    ++results_end_;
    while (results_.size() > results_max || result_bytes_ > result_bytes_max) {
        result_bytes_ -= results_.front()->json.size();
        results_.pop_front();
    }
    hand_out(EventRef{results_.back()});
}

void Events::add_results(const EventWish& wish, EventBatch& batch) const {
    const std::uint64_t first = results_end_ - results_.size();
    std::uint64_t next = std::clamp(wish.results_after.value_or(results_end_ - 1) + 1, first, results_end_);
    for (; next < results_end_ && batch.events.size() < batch_max; ++next) {
        const EventRef& one = results_[next - first];
        if (wanted(wish, *one)) {
            batch.events.push_back(one);
        }
    }
    batch.results_after = next - 1;
}

void Events::hand_out(const EventRef& newcomer) {
    std::vector<Waiting> answered;
    for (auto one = waiting_.begin(); one != waiting_.end();) {
        if (wanted(one->wish, *newcomer)) {
            answered.push_back(std::move(*one));
            one = waiting_.erase(one);
        } else {
            ++one;
        }
    }
    for (Waiting& one : answered) {
        one.reply.give(EventBatch{{newcomer}, newest(), results_end_ - 1});
    }
}

void Events::read(std::uint64_t reader, EventWish wish, Reply<EventBatch> reply) {
    home_.post([this, waiting = Waiting{reader, std::move(wish), std::move(reply)}]() mutable {
        std::erase_if(waiting_, [&](const Waiting& one) { return one.reader == waiting.reader; });
        answer(std::move(waiting));
    });
}

void Events::forget(std::uint64_t reader) {
    home_.post([this, reader] {
        std::erase_if(waiting_, [&](const Waiting& one) { return one.reader == reader; });
    });
}

EventRef Events::lost_until(std::uint64_t after, std::uint64_t next) const {
    Event lost{.kind = EventKind::lost};
    lost.id = next - 1;
    lost.at = home_.clock().utc();
    if (after >= started_at_ - 1 && after < next) {
        lost.text = fmt::format("{} events since then are not kept any more", next - 1 - after);
        lost.members = fmt::format(R"("count":{})", next - 1 - after);
    } else {
        lost.text = "this node was started since then: what came before is not kept";
    }
    lost.json = json_of(lost, lost.text, lost.members);
    return std::make_shared<const Event>(std::move(lost));
}

void Events::answer(Waiting waiting) {
    EventBatch batch;
    std::uint64_t after = waiting.wish.after.value_or(newest());
    if (after > newest() || after + 1 < first_) {
        batch.events.push_back(lost_until(after, after > newest() ? newest() + 1 : first_));
        after = batch.events.back()->id;
    }
    while (after < newest() && batch.events.size() < batch_max) {
        const EventRef& next = kept_[++after - first_];
        if (wanted(waiting.wish, *next)) {
            batch.events.push_back(next);
        }
    }
    add_results(waiting.wish, batch);
    if (!batch.events.empty()) {
        batch.after = after;
        waiting.reply.give(std::move(batch));
    } else if (waiting_.size() >= readers_max) {
        waiting.reply.give(fail(Errc::exhausted, "as many read events as this node takes; try again later"));
    } else {
        waiting.wish.after = after;
        waiting.wish.results_after = batch.results_after;
        waiting_.push_back(std::move(waiting));
    }
}

}   // namespace millrace::hub
