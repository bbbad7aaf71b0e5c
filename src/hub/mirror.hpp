#pragma once

#include "base/answer.hpp"
#include "base/block_log.hpp"
#include "base/seat.hpp"
#include "hub/flavour.hpp"
#include "hub/sessions.hpp"

#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace millrace::hub {

class Directory;
class Mirrors;

/// One worker's copy of a derived feed: the shared blocks, its own index, and how many viewers hold a seat at
/// it. Owned by Mirrors; lives while it has a seat or somebody waits for one.
struct Mirror {
    std::uint64_t id = 0;
    std::string stream;
    FlavourKey key;
    StreamHandle handle;   // valid once open
    LogView log;
    Bytes lead;
    std::size_t seats = 0;
    bool open = false;
    bool offline = false;
};

/// What a viewer's link has not taken, or not delivered.
struct Backlog {
    std::uint64_t bytes = 0;      ///< in the log behind its place
    Duration age{};               ///< of the oldest of them
    std::uint64_t held = 0;       ///< written, not acknowledged
    std::uint64_t pictures = 0;   ///< in the log behind its place
};

/// Why a viewer left.
struct ViewerLeft {
    Error reason;
    bool log_ended = false;       ///< it was sent all there was
    std::uint64_t bytes = 0;      ///< sent to it
    std::uint64_t skips = 0;      ///< times it went on at a newer key frame
    std::uint64_t pictures = 0;   ///< sent to it
    std::uint64_t pictures_skipped = 0;
};

/// A viewer's seat at a mirror, and its entry among the sessions. The session binds the connection before it
/// hands both to the fan-out.
class ViewerSeat final : public Seat, public Sessions::Entry {
public:
    ViewerSeat(Mirrors& mirrors, Mirror& mirror, SessionFacts facts);
    ~ViewerSeat() override;

    /// What a kick closes; it must not outlive the seat's holder.
    void bind(Connection& connection) { connection_ = &connection; }
    /// Whom to tell when it leaves; whoever waits is also told where the seat simply goes.
    void on_leave(Reply<ViewerLeft> reply) { on_leave_ = std::move(reply); }
    /// Somebody ended this session: whoever serves it without a connection looks here.
    bool is_ended() const { return ended_by_.has_value(); }
    /// What of the log waits for its link, and of what it was sent that is still on its way.
    Backlog backlog(Instant now) const;
    /// Pictures that its link has taken.
    std::uint64_t pictures_sent() const;
    /// It may be behind so far, and the system takes little ahead of its link. Before it is served.
    void keep_close(Duration lag);
    void leave(Error reason) override;
    void end(Error reason) override;
    SessionReport report() const override;
    Flow flow() const override { return {counters.bytes_out, counters.bytes_skipped, counters.skips}; }

private:
    /// And not one who only looks whether to become one.
    bool is_viewer() const { return facts().kind == SessionKind::viewer; }

    Mirrors& mirrors_;
    Mirror& mirror_;
    Connection* connection_ = nullptr;
    std::optional<Error> ended_by_;
    Reply<ViewerLeft> on_leave_;
    bool left_ = false;
};

/// Everything a new viewer starts with.
struct Joined {
    LogView* log;   ///< valid while the seat lives
    Bytes lead;     ///< what the format says first (a file header); resume bytes come with the log
    std::unique_ptr<ViewerSeat> seat;
};

/// The mirrors of one worker. Own thread only, but for the Ref.
class Mirrors {
public:
    /// Viewers that wait for one mirror to open; more are Errc::exhausted.
    static constexpr std::size_t waiting_max = 1024;

    Mirrors(Directory& directory, Sessions& sessions) : directory_{directory}, sessions_{sessions} {}
    Mirrors(const Mirrors&) = delete;
    Mirrors& operator=(const Mirrors&) = delete;

    /// A seat at a stream in one form. Answers Errc::not_found, Errc::unsupported (the form carries none of
    /// its tracks) or waits until the stream's tracks are known. One trip to the stream's home opens the
    /// mirror; later viewers on this worker join without one.
    void join(const Flavour& flavour, SessionFacts viewer, Reply<Joined> reply);

    // Called by the stream's home through MirrorRef, on this thread.
    void opened(std::uint64_t id, Result<MirrorStart> start);
    void update(std::uint64_t id, const MirrorChange& change);

    std::size_t size() const { return mirrors_.size(); }
    /// Viewers kept in mind until their stream's tracks are known; some may have given up since.
    std::size_t waiting() const;

private:
    friend class ViewerSeat;
    struct Waiting {
        SessionFacts viewer;
        Reply<Joined> reply;
    };
    using Name = std::pair<std::string, FlavourKey>;
    struct Entry {
        Mirror mirror;
        std::vector<Waiting> waiting;
    };

    static void wait(Entry& entry, Waiting waiting);
    void seat(Mirror& mirror, Waiting waiting);
    void release(Mirror& mirror);
    void forget_if_unused(std::uint64_t id);
    void erase(const Mirror& mirror);

    Directory& directory_;
    Sessions& sessions_;
    std::unordered_map<std::uint64_t, std::unique_ptr<Entry>> mirrors_;
    std::map<Name, std::uint64_t> newest_;   // the mirror that newcomers join
    std::uint64_t last_id_ = 0;
};

}   // namespace millrace::hub
