#pragma once

#include "base/answer.hpp"
#include "base/rate_limit.hpp"
#include "base/time.hpp"
#include "base/timer.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace millrace::hub {

enum class EventKind : std::uint8_t {
    stream,          ///< came, changed its state, is gone
    publisher,       ///< joined or left
    viewer,          ///< joined, left, or its link is too slow
    viewers,         ///< of a stream: how many there are now, once a second at most
    verdict,         ///< about a stream: begins or ends
    configuration,   ///< was changed
    refused,         ///< somebody was turned away
    log,             ///< a line of the log
    lost,            ///< events that a reader asked for are not kept any more
    result,          ///< what an application says of a picture; for the readers of its stream alone
    gap,             ///< what was missing of a recording has come
    message,         ///< what an application says to who publishes the stream; likewise
};
inline constexpr std::size_t event_kinds = 12;
std::string_view name(EventKind kind);

/// Something that happened. Who tells it fills the first four.
struct Event {
    EventKind kind = EventKind::stream;
    std::string stream;           ///< empty: of none
    std::string text;             ///< one sentence for people
    std::string members;          ///< more members of its JSON object, `"state":"live"`, or empty
    std::string open_text{};      ///< instead of both, for those who may only play the stream;
    std::string open_members{};   ///< empty: nothing
    int viewers = 0;              ///< one more of the stream, one less

    std::uint64_t id = 0;
    WallTime at;
    std::string json{};        ///< all of it as one line
    std::string open_json{};   ///< likewise, of the open words
};
using EventRef = std::shared_ptr<const Event>;

/// Which events a reader wants. Readers of one stream get what every viewer may know: its state, its
/// verdicts, that it has a publisher, and how many viewers there are.
struct EventWish {
    std::optional<std::uint64_t> after;             ///< an event's id; nothing: from now on
    std::string stream;                             ///< empty: of everything, for administrators
    std::optional<std::uint64_t> results_after{};   ///< the place of a result; nothing: from now on
};

/// Some events in order, and what to ask for next. Results stand behind the others and have no id: a reader
/// that was away gets none of before.
struct EventBatch {
    std::vector<EventRef> events;
    std::uint64_t after = 0;
    std::uint64_t results_after = 0;
};

/// The event as that reader hears it.
const std::string& json_for(const EventWish& wish, const Event& event);

/// What happened of late, for those who want to hear of it while it happens, and for those who were away
/// meanwhile. It lives on one executor; everything public is for any thread. It outlives who tells and reads.
class Events {
public:
    static constexpr std::size_t kept_max = 4096;
    static constexpr std::size_t batch_max = 64;
    static constexpr std::size_t readers_max = 256;
    /// Of results, which do not wait for readers who are away; a result is a line of at most 17 KB.
    static constexpr std::size_t results_max = 512;
    static constexpr std::size_t result_bytes_max = 2U << 20U;
    /// Of viewers who come and go, and of refusals: so many a second in the long run, and so many at once.
    /// What is beyond is told as a number.
    static constexpr int told_per_second_max = 50;
    static constexpr int told_at_once_max = 200;

    /// So often it is told how many viewers streams have, of so many of them.
    static constexpr Duration counted_every = 1s;
    static constexpr std::size_t counts_at_once_max = 50;

    /// Ids are microseconds of UTC at the start, counted up: they do not fall back over a restart.
    explicit Events(Executor& home);
    Events(const Events&) = delete;
    Events& operator=(const Events&) = delete;

    void tell(Event event);
    /// A result, or a message, of a stream, whose `json` is all that is said.
    void tell_of_moment(EventKind kind, std::string stream, std::string json);

    /// The next events for a reader, as soon as there is one. `reader` is a number of its own from
    /// `new_reader`; its next call takes the place of one that waits. Errc::exhausted: too many readers wait.
    void read(std::uint64_t reader, EventWish wish, Reply<EventBatch> reply);
    std::uint64_t new_reader() { return ++last_reader_; }
    /// The reader is gone.
    void forget(std::uint64_t reader);

private:
    struct Waiting {
        std::uint64_t reader;
        EventWish wish;
        Reply<EventBatch> reply;
    };
    using Limit = RateLimit<told_per_second_max, told_at_once_max>;

    struct Count {
        std::int64_t now = 0;
        std::int64_t told = 0;
        bool changed = false;   // its name waits among the changed
    };

    void keep(Event event);
    /// Gives the newcomer to all who wait for it.
    void hand_out(const EventRef& newcomer);
    void keep_result(Event event);
    /// Appends the results that a reader has not read.
    void add_results(const EventWish& wish, EventBatch& batch) const;
    void count(const Event& event);
    void tell_counts();
    bool admits(const Event& event);
    void answer(Waiting waiting);
    std::uint64_t newest() const { return first_ + kept_.size() - 1; }
    EventRef lost_until(std::uint64_t after, std::uint64_t next) const;

    Executor& home_;
    std::atomic<std::uint64_t> last_reader_ = 0;
    // From here on: home only.
    std::uint64_t first_;        // id of the front, or of the next one
    std::uint64_t started_at_;   // the first id of all
    std::deque<EventRef> kept_;
    std::vector<Waiting> waiting_;
    std::uint64_t results_end_ = 1;   // the place behind the newest result
    std::size_t result_bytes_ = 0;
    std::deque<EventRef> results_;
    std::array<Limit, event_kinds> limits_;
    std::array<std::uint64_t, event_kinds> untold_{};
    std::unordered_map<std::string, Count> counts_;   // of streams that have viewers
    std::deque<std::string> changed_;
    Alarm<Events, &Events::tell_counts> second_{*this};
};

}   // namespace millrace::hub
