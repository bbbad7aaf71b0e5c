#pragma once

#include "base/answer.hpp"
#include "base/rate_limit.hpp"
#include "base/timer.hpp"
#include "hub/cutter.hpp"
#include "hub/derived_feed.hpp"
#include "hub/drift.hpp"
#include "hub/key_frame.hpp"
#include "hub/latency.hpp"
#include "hub/meter.hpp"
#include "hub/moments.hpp"
#include "hub/packaged.hpp"
#include "hub/polling_viewers.hpp"
#include "hub/publication.hpp"
#include "hub/recording.hpp"
#include "hub/rendered_pictures.hpp"
#include "hub/report.hpp"
#include "hub/sessions.hpp"
#include "hub/timeline.hpp"
#include "hub/verdicts.hpp"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace millrace::hub {

class Directory;

/// A named broadcast: tracks, run timeline, feed, derived feeds, and who publishes it. Owned by Directory;
/// lives and works on its home worker only.
class Stream final : Timer, RenderedPictures::Listener {
public:
    struct Settings {
        Duration grace = 10s;    ///< how long it outlives a lost publisher
        bool takeover = false;   ///< a newcomer with the publisher's own credential replaces it

        // Of a source.
        bool on_demand = false;   ///< it runs only while somebody watches
        Duration idle = 10s;      ///< and so long after the last one

        QpBand qp_band{};
        RecordingWish record{};   ///< by Directory::record_with

        // Segments.
        Duration segment = 2s;          ///< the least that one lasts, if a key frame comes then
        std::size_t window = 10;        ///< of a list
        bool always_packaged = false;   ///< goes on when nobody asks any more
    };
    static constexpr Duration silent_after = 2s;   ///< without media for so long it is stale
    static constexpr Duration dead_after = 3s;     ///< and for so long a newcomer replaces the publisher
    static constexpr Duration tracks_wait = 1s;    ///< for announced tracks to be configured
    static constexpr Duration lists_linger =
        30s;   ///< it outlives `grace` so long after the last list request
    static constexpr Duration segments_wait = 10s;   ///< a list request waits so long, or three segments
    static constexpr Duration source_wait = 9s;      ///< for the source that was called to publish
    static constexpr Duration judged_every = 1s;
    static constexpr std::size_t knocks_max = 8;
    static constexpr std::size_t variants_max = 4;       ///< of pictures made anew: each is a child process
    static constexpr std::size_t plans_max = 16;         ///< of channels: each is a log of its own
    static constexpr std::size_t key_waiters_max = 64;   ///< for the first key frame
    static constexpr Duration key_wait = 10s;            ///< for it, at most
    static constexpr Duration pictures_lag = 200ms;      ///< a renderer's newest picture, behind the unit
    static constexpr std::size_t tracks_max = Timeline::tracks_max;
    // Of messages beside the frames: a second in the long run, and at once.
    static constexpr int messages_per_second_max = 100;
    static constexpr int messages_at_once_max = 200;
    static constexpr int message_kilobytes_per_second_max = 512;
    static constexpr int message_kilobytes_at_once_max = 1024;
    /// Of what applications say to the publisher.
    static constexpr int back_per_second_max = 10;
    static constexpr int back_at_once_max = 20;

    Stream(Directory& directory, StreamHandle handle, std::string name, Settings settings);
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    ~Stream() override = default;

    // The publisher's side.
    /// Grants the stream to a publisher, or knocks: a live one stays and the newcomer is refused
    /// (Errc::exists), unless `takeover` lets it in; one silent for `dead_after` is replaced.
    void offer(SessionFacts facts, SessionRef session, Reply<Grant> reply);
    /// Takes what is in the batch.
    void append(std::uint64_t publication, Batch& batch);
    /// Passes on, beside the frames, what an application says of one of them; the message is then bound to
    /// it. Errc::not_found (nobody publishes, or no such picture), throttled.
    Result<> say(media::TimedMessage& message);
    /// `said`: in words, not by a broken connection.
    void unpublish(std::uint64_t publication, bool said);

    // The viewers' side.
    void open(const Flavour& flavour, MirrorRef mirror);
    void close(const FlavourKey& key, const MirrorRef& mirror);
    /// Passes an ask up to the publication; key frames at most once a second.
    void ask(Ask ask);
    /// Passes on to the publisher what an application says to it: one JSON object. Errc::not_found (nobody
    /// publishes), unsupported (its publisher takes none), throttled.
    Result<> send_back(Bytes message);
    /// Somebody wants it: where nobody publishes it, its source on demand is woken, and who comes meanwhile
    /// waits for `source_wait`. Whether somebody publishes it, or will.
    bool call_source();
    /// The source will not come: who waits is refused.
    void source_failed(Error error);
    /// One that is over, though its source would make it anew, is given up: nobody finds it any more.
    bool make_way();
    bool is_read_by(const std::string& viewer_key) const { return polling_ && polling_->knows(viewer_key); }

    /// See Directory.
    void list(const SegmentAsk& ask, Reply<SegmentListRef> reply);
    void fetch(const SegmentAsk& ask, const std::string& part_name, Reply<media::SegmentPart> reply);
    void key_frame(KeyFrameAsk ask, Reply<KeyFrame> reply);

    /// Ends it now, without grace: the node stops. What the readers of its lists need to see the end: a
    /// target duration; zero where nobody reads them.
    Duration finish();

    StreamReport report() const;
    /// Over for everybody but those who read its lists to the end; only they, and publishers, find it.
    bool lingers() const { return over_at_.has_value(); }
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
    struct KeyWaiter {
        Reply<KeyFrame> reply;
        Instant since;
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
    bool may_take_over(const Identity& newcomer) const;
    void replace_publisher(std::string_view why);
    void take(media::Track track);
    /// When a batch came, by both clocks.
    struct Arrival {
        Instant at;
        WallTime utc;
    };
    void take(media::AccessUnit unit, const Arrival& arrival);
    /// The publisher's units are of this run, with its times and cuts, from now on.
    void follow(RunId run);
    /// Gives the unit its place on the run's timeline; false where it has none.
    bool place(media::AccessUnit& unit, Instant arrival);
    /// The cut that begins with this unit, or null.
    media::CutRef cut_at(const media::AccessUnit& unit, Instant arrival);
    /// What the publisher said of the unit, where that can be; else the run is followed no more.
    media::CutRef given_cut_at(const media::AccessUnit& unit, const GivenCut& given);
    /// Units of the segments under way are not here.
    void tear_segments();
    /// Whether the limits of messages let it pass.
    bool admits(const media::TimedMessage& message, Instant now);
    void learn_config(const media::AccessUnit& unit);
    void become_ready();
    /// Gives those who wait for a key frame the one there is.
    void show_key_frame();
    void refuse_key_waiters(Error why);
    void refuse_late_key_waiters(Instant now);
    void start(const Opening& opening);
    Result<std::unique_ptr<Derived>> begin(const Flavour& flavour);
    /// Those whose form could not follow a change.
    void drop_finished();
    /// Whether one more of its kind may be started.
    Result<> has_room(const FlavourKey& wanted) const;

    void on_picture(const PictureWish& wish) override;
    void on_pictures_over(const PictureWish& wish) override;
    Result<RenderedPictures*> pictures_for(const Flavour& flavour);
    Result<> has_room_for(const PictureWish& wanted) const;
    bool has_form_of(const PictureWish& wish) const;
    /// A form of them is gone.
    void leave_pictures(const PictureWish& wish);
    /// Tells their forms that the publisher said its end.
    void end_pictures();
    /// Those that no form has read for as long as they linger.
    void drop_unread_pictures();

    /// Grace is over: push viewers get their end.
    void end_push();
    void retire();

    std::optional<media::Kind> cutting_kind(Instant arrival) const;
    void keep_segment(const media::Cut& cut);
    Result<Packaged*> packaged_for(const SegmentFlavour& flavour);
    Result<PollingViewers::Tally> admit_polling(const SegmentAsk& ask);
    /// When somebody last asked for a list, here or at a worker; nothing: never.
    std::optional<Instant> listed_at() const;
    void tend_segments(const Arrival& arrival);
    /// The publisher said its end: what is of the segments under way is listed, and the lists say so.
    void close_segments(Instant now);
    void end_lists(Instant now);
    Instant segments_deadline() const;
    /// Of the lists; the least it will be while that is not fixed.
    Duration target_duration() const;
    std::string run_name() const;
    void begin_run(RunId run, Instant now);
    /// Nobody who takes it now takes what follows.
    void end_forms(Instant now);
    /// Begins or ends the recording, as the settings say now.
    void tend_recording();
    void report_outputs(StreamReport& report) const;

    /// Whether anybody takes it, or waits for it.
    bool watched(Instant now) const;
    void rest_if_unwatched(Instant now);

    /// Once a second, while somebody publishes.
    void judge();
    Health health(Instant now) const;
    std::vector<LeftOut> left_out() const;
    void tell(const std::vector<VerdictChange>& changes);
    /// Tells the stream's state where it is another than was told last.
    void tell_state();
    void tell_gone();
    void tell_publisher(std::string_view what, std::string_view words);
    /// What time it is by the publisher's clock, as far as that is known; else by ours.
    WallTime publishers_time(WallTime ours) const;
    /// Measures how long the unit was on its way, and how its publisher's clock runs.
    void measure(const media::AccessUnit& unit, const Arrival& arrival);

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
    bool announced_ = false;   // the publisher named its tracks
    Moments moments_;
    MessageCounts messages_;
    std::set<media::TimedMessage::Kind> messages_said_;   // there were some of
    RateLimit<messages_per_second_max, messages_at_once_max> message_rate_;
    RateLimit<message_kilobytes_per_second_max, message_kilobytes_at_once_max> message_kilobytes_;
    RateLimit<back_per_second_max, back_at_once_max> back_rate_;
    std::int64_t source_shift_ =
        0;   ///< between the publisher's times and the run's, of the newest unit; 90 kHz
    std::optional<Instant> last_key_ask_;
    media::AccessUnitRef key_picture_;   // the newest of this publication
    std::vector<KeyWaiter> key_waiters_;

    std::optional<Instant> called_at_;   // since when its source on demand is waited for
    Instant watched_at_;                 // when somebody last took it, or wished to
    bool resting_ = false;               // its source was told to end, or is given up

    std::vector<media::Track> tracks_;
    Timeline timeline_;
    MediaFeed feed_;
    Meter meter_;
    std::optional<CameraReport> camera_;   // of the publisher, if it is one of ours
    std::unique_ptr<Recording> recording_;
    std::map<PictureWish, std::unique_ptr<RenderedPictures>> pictures_;
    std::map<FlavourKey, std::unique_ptr<Derived>> derived_;   // some read `pictures_`
    std::vector<Opening> openings_;                            // wait until the tracks are known

    Cutter cutter_;
    bool follows_ = false;                      // the run is another node's: so are times and cuts
    bool torn_ = false;                         // a unit of the segment under way was not taken
    std::optional<GivenCut> given_cut_;         // for the next unit
    std::optional<std::uint64_t> cut_before_;   // where the segment under way begins in the feed
    std::map<FlavourKey, std::unique_ptr<Packaged>> packaged_;
    std::optional<PollingViewers> polling_;
    std::optional<Instant> listed_at_;   // the last list request that came here
    std::optional<Instant> over_at_;     // when grace was over, while it lingers
    bool lists_ended_ = false;

    Alarm<Stream, &Stream::drop_unread_pictures> lingering_{*this};
    Alarm<Stream, &Stream::end_pictures> pictures_end_{*this};
    Alarm<Stream, &Stream::judge> second_{*this};
    Verdicts verdicts_;
    Drift drift_;
    LatencyMeter arrival_latency_;
    media::CaptureTime::Label capture_origin_ = media::CaptureTime::Label::arrival;
    std::optional<StreamState> told_;   // the state that was told last
};

}   // namespace millrace::hub
