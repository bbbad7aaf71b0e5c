#pragma once

#include "base/child.hpp"
#include "base/executor.hpp"
#include "protocol/media_link/message.hpp"

#include <memory>
#include <string>

namespace millrace::session {

/// What a child is to do.
struct ChildOrder {
    std::string_view who;    ///< a literal, for the log: "pictures"
    std::string_view does;   ///< a literal: "the child that … broke"
    std::string stream;      ///< for the log
    std::string start;       ///< "jpeg:?width=640"
    int memory = -1;         ///< a descriptor that it gets; none below 0
};

/// A child process that works on units that it is sent, over media_link: started anew when it dies, the first
/// time at once, then after pauses that double; one whose work never bears fruit (a unit or a picture) is
/// given up. Owned by whoever gives the work, on one executor; destroying it ends the child, and the listener
/// hears nothing more. `spawner` outlives it.
class ChildAtWork {
public:
    static constexpr Duration pause_min = 100ms;
    static constexpr Duration pause_max = 10s;
    /// Children in a row that bore no fruit; the last one's words are the reason.
    static constexpr int fruitless_max = 5;
    /// Bytes that a child has not taken yet: as much as a feed keeps, so that a group of pictures fits.
    static constexpr std::size_t under_way_max = std::size_t{8} << 20U;

    /// Who hears what comes of it; never from inside `offer`, `say` or the constructor.
    class Listener {
    public:
        /// A new child takes units from now on, and knows of none before.
        virtual void on_ready() = 0;
        /// What it says, but for greetings, faults and its end.
        virtual void on_message(media_link::Message message) = 0;
        /// Nothing will come of it, with the reason in the child's words or ours.
        virtual void on_failed(std::string_view why) = 0;

    protected:
        ~Listener() = default;
    };

    ChildAtWork(Executor& home, Spawner& spawner, ChildOrder order, Listener& listener);
    ChildAtWork(const ChildAtWork&) = delete;
    ChildAtWork& operator=(const ChildAtWork&) = delete;
    ~ChildAtWork();

    /// Takes a unit, or not, where it has no room, or the link does not carry it.
    bool offer(const media::AccessUnit& unit);
    /// Says something small; false where there is no child to hear it.
    bool say(const media_link::Message& message);

private:
    class Talk;
    class Work;
    Work* work_ = nullptr;   // the coroutine's, which ends soon after this; null once it has
};

}   // namespace millrace::session
