#pragma once

#include "base/background.hpp"
#include "base/link_transport.hpp"
#include "hub/forward_report.hpp"
#include "protocol/machine.hpp"
#include "session/send_rate.hpp"
#include "session/source.hpp"

#include <deque>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace millrace::session {

/// A stream that this node pushes elsewhere: its name, and the destination's text as the configuration has
/// it.
struct ForwardRule {
    std::string stream;
    std::string to;        ///< "rtmp://server/app/key", "tcp://host:port"
    bool uplink = false;   ///< what was recorded of it goes there, too, by another link
    auto operator<=>(const ForwardRule&) const = default;
};

/// How long a destination that failed is left alone: doubled each time, from the first to the second, and a
/// part of it by chance; the first again once it was live.
constexpr Duration forward_pause_min = 1s;
constexpr Duration forward_pause_max = 5s;
/// Of an uplink.
constexpr Duration forward_uplink_pause_max = 1s;
/// How often it is looked whether the stream is there.
constexpr Duration forward_look_every = 500ms;
/// For name, connection and handshake; and for the stream's first media.
constexpr Duration forward_setup_max = 10s;

/// How one try of a destination ended.
struct ForwardEnding {
    Error error{Errc::closed, "the destination was lost"};
    std::string words;           ///< in the place of the error's, if there are any
    bool stream_ended = false;   ///< all was sent: it comes again with the stream
    bool lasting = false;        ///< trying again would not help
};

struct ForwardKind;

/// What destinations are reached with; all of it outlives them.
struct ForwardMeans {
    Connector& connector;
    std::span<const ForwardKind> kinds;   ///< the first that fits a destination's text is its own
    /// Encoders are asked for what the links of destinations carry: for nodes whose streams go nowhere else.
    bool follow_links = false;
    Background* disk = nullptr;   ///< null: nothing is written to files
};

/// What a destination that is ready for media has of its own.
struct ForwardLink {
    std::unique_ptr<Connection> connection;
    Bytes lead;                                  ///< sent before the form's own lead
    std::unique_ptr<BackChannel> back_channel;   ///< null: what it says is dropped
};

/// The course of one destination, over all its tries: what its kind asks for, what lists show, and by what it
/// is stopped. Owned by its coroutine; own thread only.
class ForwardCourse {
public:
    ForwardCourse(Desk& desk, ForwardRule rule, bool follows_link);
    ForwardCourse(const ForwardCourse&) = delete;
    ForwardCourse& operator=(const ForwardCourse&) = delete;

    const ForwardRule& rule() const { return rule_; }
    /// With its secrets masked, for logs.
    const std::string& shown() const { return shown_; }

    // For its kind.
    /// Connects; what was opened is what `stop` closes, until it is handed over or dropped by `let_go`.
    Task<Result<std::unique_ptr<Connection>>> connect(Connector& connector, Dial dial);
    /// A seat at the stream in this form; an on-demand source is woken. `protocol` is a literal.
    Task<Result<hub::Joined>> join(hub::Flavour flavour, std::string_view protocol, Endpoint peer);
    /// The stream as its home reports it now, with its tracks; Errc::not_found.
    Task<Result<hub::StreamReport>> look();
    /// Media goes to the destination by the fan-out, as to any viewer, until either ends.
    Task<ForwardEnding> serve(hub::Joined joined, ForwardLink link);
    /// For a kind that sends by itself: from now on it is live, and this seat counts what it sends.
    void begin(const hub::ViewerSeat& seat);
    /// Likewise, for one that has no seat.
    void begin();
    /// So many bytes went to it in a try that is over; `serve` counts its own.
    void count(std::uint64_t bytes) { bytes_ += bytes; }
    /// Likewise, all that its seat counted.
    void count(const hub::ViewerSeat& seat);
    /// What `stop` would close is gone, or no longer of this try.
    void let_go();
    bool is_stopped() const { return leash_.is_pulled(); }
    SourceLeash& leash() { return leash_; }

    // For its owner.
    void say(hub::ForwardState state, std::string reason);
    /// Nothing more will come of it.
    void give_up(std::string reason);
    /// What it waits for may be there: it looks now, if it waits for its stream.
    void look_now();
    /// It looks; whether `look_now` was called since it did so last.
    bool begin_look() { return std::exchange(look_due_, false); }
    void stop();
    hub::ForwardReport report() const;

private:
    hub::ViewerSeat* seat() const;
    /// Of all tries; nothing where none has had a seat.
    std::optional<std::uint64_t> frames_sent() const;
    /// Each `count_every`, while it is live by a seat.
    void count_frames();
    /// What its link carries, the encoder is asked for.
    void follow_link();

    Desk& desk_;
    ForwardRule rule_;
    std::string shown_;
    SourceLeash leash_;
    hub::SessionRef seated_;   // while live
    hub::ForwardState state_ = hub::ForwardState::waiting;
    std::string reason_;
    std::uint64_t bytes_ = 0;   // of tries that are over
    std::uint64_t begun_ = 0;
    bool given_up_ = false;
    bool look_due_ = false;
    bool follows_link_;
    SendRate rate_;
    PathSeeker* seeker_ = nullptr;                                // as long as the seat is there
    std::uint64_t skips_ = 0;                                     // of tries that are over
    std::optional<std::uint64_t> frames_sent_;                    // likewise; nothing where there was no seat
    std::uint64_t frames_skipped_ = 0;                            // likewise
    std::deque<std::pair<Instant, std::uint64_t>> frames_seen_;   // sent until then, over the last second
    Alarm<ForwardCourse, &ForwardCourse::count_frames> next_count_{*this};
    Alarm<ForwardCourse, &ForwardCourse::follow_link> next_look_{*this};
};

/// How destinations whose text begins so are tried: from connecting until it broke or the stream ended.
struct ForwardKind {
    std::string_view prefix;
    Task<ForwardEnding> (*push_once)(Desk& desk, const ForwardMeans& means, ForwardCourse& course);
};

/// A muxer of what is pushed: unlike a viewer, a destination does not wait for another publisher.
template <class M>
struct Pushed : M {
    using M::M;
    static constexpr bool ends_with_publisher = true;
};

/// A stream's destination until it is stopped: waited for, begun with the stream, and begun again when it
/// breaks. `course` outlives it.
Task<> run_forward(Desk& desk, ForwardMeans means, ForwardCourse& course);

/// The destinations that are served on one desk. Own thread only; it outlives the desk's conversations.
class Forwards {
public:
    Forwards(Desk& desk, ForwardMeans means) : desk_{desk}, means_{means} {}
    Forwards(const Forwards&) = delete;
    Forwards& operator=(const Forwards&) = delete;

    /// From now on these: what is not among them any more is stopped, what runs already runs on.
    void use(const std::vector<ForwardRule>& rules);
    /// This stream began, perhaps: its destinations need not wait for their next look.
    void look_now(const std::string& stream);
    std::vector<hub::ForwardReport> reports() const;
    /// Of one of them.
    std::optional<hub::ForwardReport> report_of(const ForwardRule& rule) const;
    std::size_t size() const { return running_.size(); }

private:
    struct Running;
    Task<> run(ForwardRule rule);

    Desk& desk_;
    ForwardMeans means_;
    std::map<ForwardRule, ForwardCourse*> running_;
};

}   // namespace millrace::session
