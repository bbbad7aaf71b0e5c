#pragma once

#include "base/answer.hpp"
#include "base/mutex.hpp"
#include "base/random.hpp"
#include "hub/demand.hpp"
#include "hub/events.hpp"
#include "hub/flavour.hpp"
#include "hub/key_frame.hpp"
#include "hub/last_numbers.hpp"
#include "hub/name.hpp"
#include "hub/publication.hpp"
#include "hub/report.hpp"
#include "hub/segment_list.hpp"
#include "hub/stream.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace millrace::hub {

/// What holds for a stream of that name. Any thread.
using SettingsByName = std::function<Stream::Settings(const StreamName& name)>;

/// Name → stream. It owns every Stream; the stream itself is touched on its home worker only. Any thread.
class Directory {
public:
    static constexpr std::size_t streams_max = 10'000;

    /// `random` draws the run ids; calls to it are serialised here.
    Directory(Stream::Settings settings, Random& random);
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;
    ~Directory();

    /// From now on publishers find these; segments stay as they are for as long as a stream is there.
    void use(std::shared_ptr<const SettingsByName> settings);
    /// Takes no publishers any more, and ends every stream in good order, with its lists, as far as that goes
    /// at once. The answer holds, for each stream whose lists somebody reads, how long these readers need to
    /// see its end.
    void finish(Reply<std::vector<Duration>> reply);

    /// Asks for the right to publish. A new stream's home is the asker's executor.
    void publish(SessionFacts facts, SessionRef session, Reply<Grant> reply);
    /// The batch is empty then.
    void append(const StreamHandle& stream, std::uint64_t publication, Batch& batch, SessionRef session);
    void unpublish(const StreamHandle& stream, std::uint64_t publication, bool said);

    /// Says messages beside the stream's frames, in order: how many were taken, or why the first was not.
    /// Errc::not_found (no such stream, nobody publishes it, no such picture), throttled.
    void say(const std::string& name, std::vector<media::TimedMessage> messages, Reply<std::size_t> reply);

    /// Opens, and later closes, a worker's mirror of a stream in one form; answered through the mirror.
    void open(const std::string& name, const Flavour& flavour, MirrorRef mirror);
    void close(const StreamHandle& stream, const FlavourKey& key, MirrorRef mirror);

    /// The list of the stream's segments in one form. Where there is none yet it waits for the first one.
    /// Errc::not_found (no such stream), refused (a viewer that was sent away), unsupported (the form carries
    /// none of its tracks), exhausted (too many wait), timed_out (no segment within `Stream::segments_wait`).
    void list(const std::string& stream, SegmentAsk ask, Reply<SegmentListRef> reply);
    /// What stands under a part's `name` or `init_name`; what is read before parts comes as the `bytes` of a
    /// part without duration. Errc::not_found, also for what is no longer kept; refused.
    /// Who has a seat (`SegmentAsk::seat`) finds the list, and what stands in it, without asking here.
    void fetch(const std::string& stream, SegmentAsk ask, std::string part_name,
               Reply<media::SegmentPart> reply);
    /// Where streams and viewers tell what happens; before anything else, if at all. It outlives this.
    void tell_to(Events& events) { events_ = &events; }
    /// Who makes streams that nobody publishes; before anything else, if at all. It outlives this.
    void draw_on(Demand& demand) { demand_ = &demand; }
    /// Who records streams; before anything else, if at all. It outlives this.
    void record_with(Recordings& recordings) { recordings_ = &recordings; }
    /// The sessions of a worker, where streams that are at home there show viewers who only poll. Called on
    /// that worker's behalf before any stream is published there; they outlive its conversations.
    void introduce(Sessions& sessions);

    /// The stream's newest key frame. Errc::not_found (no such stream, offline, none at hand), unsupported
    /// (it has no pictures), exhausted (too many wait).
    void key_frame(const std::string& name, KeyFrameAsk ask, Reply<KeyFrame> reply);

    /// Passes an ask up to whoever publishes the stream.
    void ask(const std::string& name, Ask ask);
    /// Passes on to the publisher of a stream what an application says to it; answers true. Errc::not_found
    /// (no such stream, nobody publishes it), unsupported, throttled.
    void send_back(const std::string& name, Bytes message, Reply<bool> reply);
    /// An application on the other side of a link said something to who publishes the stream here: readers of
    /// its events hear it, and its publisher, if that is another link.
    void hear(const std::string& name, const Bytes& message);

    /// Somebody wants a stream that is there, but offline. False: it has no source that could be called.
    bool call(const std::string& name);
    /// The source that was called for a stream will not come: who waits for it is told so.
    void source_failed(const std::string& name, Error error);

    /// Reports of all streams, or of the one named, gathered from their homes, in no order; also of those
    /// that a source on demand could make.
    void report(std::optional<std::string> name, Reply<std::vector<StreamReport>> reply);

    static constexpr Duration wish_lasts = 15s;   ///< longer than a relay waits with its next try
    static constexpr std::size_t wishes_max = 1024;
    /// Another node wants the stream, for itself and others; and for whom it was wanted of late.
    void note_wish(const std::string& name, const Hops& through, Instant now);
    Hops wishes(const std::string& name, Instant now);

    // For streams, on their home worker.
    /// Nobody finds the stream any more; it goes later, for it is the stream that says so.
    void remove(const StreamHandle& stream);
    RunId new_run(WallTime now);
    /// Of segments; also for who knows those of before this start. Any thread.
    LastNumbers& last_numbers() { return last_numbers_; }
    /// What holds for it now.
    Stream::Settings settings_of(const std::string& name);
    void tell(Event event);
    void tell_result(const std::string& stream, const media::TimedMessage& message);
    /// Who records, or null.
    Recordings* recordings() const { return recordings_; }
    bool has_source(const std::string& name) const;
    bool wake_source(const std::string& name);
    bool rest_source(const std::string& name);
    /// The sessions of a worker, or null where none were introduced.
    Sessions* sessions_of(const Executor& home);

private:
    struct Slot {
        std::string name;
        Executor* home = nullptr;
        std::uint32_t generation = 0;
        std::unique_ptr<Stream> stream;
    };

    struct Wish {
        Hops through;
        Instant at;
    };

    /// A stream that is there, or could be.
    struct Known {
        std::string name;
        Executor* home = nullptr;
        std::optional<StreamHandle> handle{};
        bool offered = false;   ///< it has sources here
        bool on_demand = false;
    };

    Result<StreamHandle> find_or_create(const std::string& name, Executor& home);
    /// Also one that a source on demand could make: it is then made, and its source is for it to call.
    Result<StreamHandle> find_or_call(const std::string& name);
    std::optional<StreamHandle> find(const std::string& name);
    /// The stream behind a handle, or null. On its home worker only.
    Stream* at(const StreamHandle& stream);
    template <class Work>
    void on_home(const StreamHandle& stream, Work work) {
        if (stream.home == nullptr) {
            return;
        }
        if (stream.home->is_current()) {
            work(at(stream));
            return;
        }
        stream.home->post([this, stream, work = std::move(work)]() mutable { work(at(stream)); });
    }

    /// All streams there are or could be now, by their homes.
    std::unordered_map<Executor*, std::vector<Known>> by_home(const std::optional<std::string>& name);
    std::unordered_map<Executor*, std::vector<Known>> home_of(const std::string& name);
    std::optional<Demand::Offer> offer_of(const std::string& name) const;
    std::vector<StreamReport> report_of(const std::vector<Known>& known);

    const Stream::Settings settings_;   // while there are none by name
    Events* events_ = nullptr;
    Demand* demand_ = nullptr;
    Recordings* recordings_ = nullptr;
    LastNumbers last_numbers_;
    Mutex mutex_;
    std::shared_ptr<const SettingsByName> settings_by_name_ MILLRACE_GUARDED_BY(mutex_);
    bool finished_ MILLRACE_GUARDED_BY(mutex_) = false;
    Random& random_ MILLRACE_GUARDED_BY(mutex_);
    std::deque<Slot> slots_ MILLRACE_GUARDED_BY(mutex_);   // the streams in it: their home's
    std::unordered_map<std::string, Wish> wishes_ MILLRACE_GUARDED_BY(mutex_);
    std::vector<std::uint32_t> free_ MILLRACE_GUARDED_BY(mutex_);
    std::unordered_map<std::string, std::uint32_t> by_name_ MILLRACE_GUARDED_BY(mutex_);
    std::unordered_map<const Executor*, Sessions*> sessions_ MILLRACE_GUARDED_BY(mutex_);
};

}   // namespace millrace::hub
