#pragma once

#include "base/answer.hpp"
#include "base/timer.hpp"
#include "hub/derived_feed.hpp"
#include "hub/meter.hpp"
#include "hub/publication.hpp"
#include "hub/report.hpp"
#include "hub/sessions.hpp"
#include "hub/timeline.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace millrace::hub {

class Directory;

/// One unbroken timeline of a stream: UTC second of its start and 32 random bits.
struct RunId {
    std::int64_t started = 0;
    std::uint32_t random = 0;
};

/// A named broadcast: tracks, run timeline, feed, derived feeds, and who publishes it. Owned by Directory;
/// lives and works on its home worker only.
class Stream final : Timer {
public:
    struct Settings {
        Duration grace = 10s;   ///< how long it outlives a lost publisher
    };
    static constexpr Duration silent_after = 2s;   ///< without media for so long it is stale
    static constexpr Duration dead_after = 3s;     ///< and for so long a newcomer replaces the publisher
    static constexpr Duration tracks_wait = 1s;    ///< for announced tracks to be configured
    static constexpr std::size_t knocks_max = 8;
    static constexpr std::size_t tracks_max = Timeline::tracks_max;

    Stream(Directory& directory, StreamHandle handle, std::string name, Settings settings);
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    ~Stream() override = default;

    // The publisher's side.
    /// Grants the stream to a publisher, or knocks: a live one stays and the newcomer is refused
    /// (Errc::exists); one silent for `dead_after` is replaced.
    void offer(SessionFacts facts, SessionRef session, Reply<Grant> reply);
    void append(std::uint64_t publication, Batch batch);
    /// `said`: in words, not by a broken connection.
    void unpublish(std::uint64_t publication, bool said);

    // The viewers' side.
    void open(const Flavour& flavour, MirrorRef mirror);
    void close(const FlavourKey& key, const MirrorRef& mirror);
    /// Passes an ask up to the publication; key frames at most once a second.
    void ask(Ask ask);

    StreamReport report() const;
    const std::string& name() const { return name_; }

private:
    struct Publisher {
        std::uint64_t id;
        SessionRef session;
        SessionFacts facts;
        bool seen_key = false;   ///< video before its first key frame is dropped
    };
    struct Knock {
        SessionFacts facts;
        SessionRef session;
        Reply<Grant> reply;
        Instant at;
    };
    struct Opening {
        Flavour flavour;
        MirrorRef mirror;
    };

    void on_time() override;
    void set_alarm();
    StreamState state(Instant now) const;

    void grant(SessionFacts facts, SessionRef session, Reply<Grant> reply);
    void consider_knocks();
    void take(media::Track track);
    void take(media::AccessUnit unit, Instant arrival);
    void learn_config(const media::AccessUnit& unit);
    void become_ready();
    void start(const Opening& opening);
    /// Those whose form could not follow a change.
    void drop_finished();
    void retire();

    bool has_video() const;
    bool all_configured() const;

    Directory& directory_;
    StreamHandle handle_;
    std::string name_;
    Settings settings_;
    RunId run_;

    std::optional<Publisher> publisher_;
    std::uint64_t publications_ = 0;
    std::vector<Knock> knocks_;
    bool said_end_ = false;
    Instant left_at_;   // when the publisher left; counts while there is none
    Instant last_media_;
    Instant first_media_;   // of this publication, for tracks_wait
    bool ready_ = false;
    std::optional<Instant> last_key_ask_;

    std::vector<media::Track> tracks_;
    Timeline timeline_;
    MediaFeed feed_;
    Meter meter_;
    std::map<FlavourKey, std::unique_ptr<Derived>> derived_;
    std::vector<Opening> openings_;   // wait until the tracks are known
};

}   // namespace millrace::hub
