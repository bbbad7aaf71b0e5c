#pragma once

#include "base/datagrams.hpp"
#include "base/executor.hpp"
#include "net/fan_out_ring.hpp"
#include "net/fan_out_window.hpp"
#include "net/frame_runs.hpp"

#include <array>
#include <cstdint>

namespace millrace::net {

class DatagramViewing;

/// What the viewings of one DatagramFanOut have in common: the two sockets, what is about to leave by them,
/// and the door. Own thread only.
class DatagramHall final : Waitable::Waiter {
public:
    /// Packets are datagrams as the network sees them.
    struct Counters {
        std::uint64_t sends = 0;     ///< calls of a socket
        std::uint64_t packets = 0;   ///< that it took
        std::uint64_t bytes_out = 0;
        std::uint64_t blocks = 0;   ///< times a socket was full
        std::uint64_t skips = 0;    ///< times a viewer was moved on to an entrance
        std::uint64_t lost = 0;     ///< packets of RTCP, or said before the log, that found no room
    };
    struct Sockets {
        Datagrams& rtp;
        Datagrams& rtcp;
    };
    /// Who is told that somebody leaves, and that the sockets have room again.
    struct Bells {
        Timer& door;
        Timer& room;
    };

    DatagramHall(Executor& executor, const Sockets& sockets, const Bells& bells);
    DatagramHall(const DatagramHall&) = delete;
    DatagramHall& operator=(const DatagramHall&) = delete;
    ~DatagramHall();

    /// Puts a run on its way to this viewer; it leaves with the next flush, or now.
    void send(DatagramViewing& viewing, const FrameRuns& of, const FrameRuns::Run& run);
    /// Before any runs are read anew, and at the end of a serving.
    void flush();
    /// The socket takes nothing; whoever wants something sent waits for `room`.
    bool full() const { return full_; }
    /// Puts the viewing into `leaving`.
    void show_out(DatagramViewing& viewing);

    Executor& executor;
    WindowPolicy policy;
    Counters counters;
    Ring leaving;
    FrameRuns runs;     // of the log, for those who are at one place
    FrameRuns fronts;   // what newcomers hear first

private:
    /// What is about to leave by one socket, and for whom.
    struct Batch {
        struct Of {
            DatagramViewing* viewing;
            const FrameRuns::Run* run;   // null: of no place in the log
        };
        Datagrams& socket;
        std::array<Datagram, Datagrams::batch_max> datagrams{};
        std::array<Of, Datagrams::batch_max> of{};
        std::size_t count = 0;
    };
    void on_ready(Result<> ready) override;
    /// How many of a batch went.
    std::size_t flush(Batch& batch);

    Bells bells_;
    Batch rtp_;
    Batch rtcp_;
    bool full_ = false;
};

}   // namespace millrace::net
