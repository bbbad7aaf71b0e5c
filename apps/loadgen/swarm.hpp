#pragma once

#include "apps/loadgen/dialogue.hpp"
#include "apps/loadgen/line.hpp"
#include "apps/loadgen/socket.hpp"
#include "apps/loadgen/verbs.hpp"

#include <memory>
#include <vector>

namespace millrace::loadgen {

/// Many viewers on one thread that do nothing but take bytes and count them.
class Swarm {
public:
    /// What became of the ordinary viewers between `begin` and `end`, one number each.
    struct Tally {
        std::vector<double> kbps;
        std::vector<double> gap_ms;   ///< the longest time without a byte
        std::uint64_t bytes = 0;      ///< of all viewers, slow ones too
    };

    Swarm(const ViewOptions& options, Url url);

    /// Connects one more. The first `stalled` never read once they play, the next `slow` read slowly.
    void add();
    /// Takes what there is for about that long.
    void run(Duration time);
    void begin();
    Tally end() const;

    std::size_t size() const { return viewers_.size(); }
    /// Those that neither play yet nor are lost.
    std::size_t asking() const { return asking_; }
    /// Those that reached PLAY.
    std::size_t playing() const { return playing_; }
    /// Ordinary viewers whose connection ended, and all others.
    std::size_t lost() const { return lost_; }
    std::size_t lost_laggards() const { return lost_laggards_; }

private:
    enum class Manner : std::uint8_t { ordinary, slow, stalled };
    struct Viewer;
    /// A socket that is polled: the connection, or one for datagrams.
    struct Source {
        Viewer* of = nullptr;
        net::Descriptor ear;   // none: the connection
    };
    struct Viewer {
        Line line;
        Source source;
        std::vector<std::unique_ptr<Source>> ears;
        std::unique_ptr<Dialogue> dialogue;   // until it plays
        Manner manner = Manner::ordinary;
        std::uint64_t bytes = 0;
        std::uint64_t bytes_before = 0;   // the window
        Instant playing_since;
        Instant last_read;
        Duration gap{};
    };

    void read(Viewer& viewer);
    void converse(Viewer& viewer);
    void plays(Viewer& viewer);
    void drain(Viewer& viewer, std::size_t at_most);
    static void took(Viewer& viewer, std::size_t count);
    void read_slowly();
    void lose(Viewer& viewer);

    const ViewOptions options_;
    const Url url_;
    Poll poll_;
    std::vector<std::unique_ptr<Viewer>> viewers_;
    std::vector<std::byte> buffer_;
    std::size_t asking_ = 0;
    std::size_t playing_ = 0;
    std::size_t lost_ = 0;
    std::size_t lost_laggards_ = 0;
    Instant began_;
};

}   // namespace millrace::loadgen
