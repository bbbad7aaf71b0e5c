#pragma once

#include "base/answer.hpp"
#include "base/child.hpp"
#include "base/connector.hpp"
#include "base/task.hpp"
#include "hub/source_status.hpp"
#include "session/desk.hpp"

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::session {

/// How the packets of an RTSP source travel.
enum class SourceTransport : std::uint8_t { automatic, udp, tcp, http };

/// A stream that this node makes itself: its name, and the source's text as the configuration has it.
struct SourceRule {
    std::string stream;
    std::string source;   ///< "test:?size=640x360", "http://camera/video.mjpeg"
    SourceTransport transport = SourceTransport::automatic;
    /// Sources that are taken, the first before the others, while those before them deliver nothing.
    std::vector<std::string> others{};

    bool operator==(const SourceRule&) const = default;
};

/// How long a source that failed is left alone: doubled each time, from the first to the second; back to the
/// first once it ran for longer than the second. Sources elsewhere are left alone for at most the third, and
/// for a part of it by chance, so that many that failed together do not come back together.
constexpr Duration source_pause_min = 1s;
constexpr Duration source_pause_max = 30s;
constexpr Duration elsewhere_pause_max = 5s;
/// Where a source has delivered nothing for so long, connected or not, the next one of its stream is taken.
constexpr Duration source_stale_after = 5s;

class Lineup;

/// By what a try of a source can be ended: pulled, it is gone soon. It belongs to whoever waits for the
/// source. Own thread only.
class SourceLeash {
public:
    SourceLeash() = default;
    /// Of one among several sources of a stream.
    SourceLeash(Lineup& lineup, std::size_t place) : lineup_{&lineup}, place_{place} {}
    SourceLeash(const SourceLeash&) = delete;
    SourceLeash& operator=(const SourceLeash&) = delete;
    void pull();
    /// Pulls it, but the stream goes on: from another source.
    void yield();
    /// Cuts its pause short.
    void wake() { pause_.give(true); }
    bool is_pulled() const { return pulled_; }

    // For the source: what there is to break off.
    void hold(Connection* link) { link_ = link; }
    void hold(Reply<bool> pause) { pause_ = std::move(pause); }
    /// Why a source that is connected delivers nothing, in its own words; empty: it does not know.
    void say(std::string_view words) { said_ = words; }
    const std::string& said() const { return said_; }
    /// What one try of the source leaves to the next, in its own words.
    std::string& memo() { return memo_; }

    // For publishers. A source that goes without `SourcePublisher` calls all three.
    /// Waits until the source may publish, with its first unit at hand. Errc::cancelled: another one does.
    Task<Result<>> take_stage();
    /// It published a unit.
    void delivered();
    /// Whether the stream ends with this source, so that it must say so.
    bool ends_stream() const;

private:
    Connection* link_ = nullptr;
    Reply<bool> pause_;
    std::string said_;
    std::string memo_;
    Lineup* lineup_ = nullptr;
    std::size_t place_ = 0;
    bool pulled_ = false;
    bool yielded_ = false;
};

/// Sleeps, unless the leash is pulled.
Task<> pause_for(Desk& desk, Duration pause, SourceLeash& leash);

/// How one try of a source ended.
struct SourceEnding {
    Error error{Errc::closed, "the child died"};
    std::string words;       ///< the source's own, if it had any
    bool finished = false;   ///< the source is over, as it should be
    bool lasting = false;    ///< trying again would not help
};

struct SourceKind;

/// Who wants to know what sources do. It never waits; called on their threads.
class SourceWitness {
public:
    virtual ~SourceWitness() = default;
    /// What each source of the stream does, in their order, where that changed.
    virtual void saw(const std::string& stream, std::vector<hub::SourceStatus> sources) = 0;
};

/// What sources are made with; all of it outlives them.
struct SourceMeans {
    Spawner& spawner;
    Connector& connector;
    std::span<const SourceKind> kinds;   ///< the first that fits a source's text is its own
    SourceWitness* witness = nullptr;    ///< null: nobody
};

/// How sources whose text begins so are tried.
struct SourceKind {
    std::string_view prefix;
    Task<SourceEnding> (*try_once)(Desk& desk, const SourceMeans& means, const SourceRule& rule,
                                   SourceLeash& leash);
    bool elsewhere = false;   ///< not on this machine
};

/// A rule's source as a publisher, or the first of several that delivers (`Lineup`), until the leash is
/// pulled: begun, and begun again when it breaks. It ends by itself where every source is finished, or trying
/// again would not help. `means` and `leash` outlive it.
Task<> run_source(Desk& desk, SourceMeans means, SourceRule rule, SourceLeash& leash);

/// The sources that run on one desk, by stream. Own thread only; it outlives the desk's conversations.
class Sources {
public:
    Sources(Desk& desk, SourceMeans means) : desk_{desk}, means_{means} {}
    Sources(const Sources&) = delete;
    Sources& operator=(const Sources&) = delete;

    /// One that runs for this stream is stopped.
    void start(SourceRule rule);
    /// Leaves alone what runs for this stream.
    void wake(SourceRule rule);
    bool runs(const std::string& stream) const { return running_.contains(stream); }
    void stop(const std::string& stream);
    std::size_t size() const { return running_.size(); }

private:
    struct Running;
    Task<> run(SourceRule rule);

    Desk& desk_;
    SourceMeans means_;
    std::map<std::string, SourceLeash*> running_;
};

}   // namespace millrace::session
