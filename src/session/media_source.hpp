#pragma once

#include "base/answer.hpp"
#include "base/child.hpp"
#include "base/task.hpp"
#include "session/desk.hpp"

#include <map>
#include <string>

namespace millrace::session {

/// A stream that this node makes itself: its name, and the source's text as the configuration has it.
struct SourceRule {
    std::string stream;
    std::string source;   ///< "test:?size=640x360", "file:movie.mp4?loop"
};

/// How long a source that failed is left alone: doubled each time, from the first to the second; back to the
/// first once it ran for longer than the second.
constexpr Duration source_pause_min = 1s;
constexpr Duration source_pause_max = 30s;

/// By what a source that runs can be ended: pulled, it says its stream's end and is gone soon. It belongs to
/// whoever waits for the source. Own thread only.
class SourceLeash {
public:
    SourceLeash() = default;
    SourceLeash(const SourceLeash&) = delete;
    SourceLeash& operator=(const SourceLeash&) = delete;
    void pull();
    bool is_pulled() const { return pulled_; }

    // For the source: what there is to break off.
    void hold(Connection* link) { link_ = link; }
    void hold(Reply<bool> pause) { pause_ = std::move(pause); }

private:
    Connection* link_ = nullptr;
    Reply<bool> pause_;
    bool pulled_ = false;
};

/// A child process as a publisher, until the leash is pulled: started, heard, started again when it dies or
/// falls silent. It ends by itself where the source is finished, or where trying again would not help.
/// `spawner` and `leash` outlive it.
Task<> media_source(Desk& desk, Spawner& spawner, SourceRule rule, SourceLeash& leash);

/// The sources that run on one desk, by stream. Own thread only; it outlives the desk's conversations.
class Sources {
public:
    Sources(Desk& desk, Spawner& spawner) : desk_{desk}, spawner_{spawner} {}
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
    Spawner& spawner_;
    std::map<std::string, SourceLeash*> running_;
};

}   // namespace millrace::session
