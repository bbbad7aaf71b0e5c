#pragma once

#include "net/datagram_audience.hpp"
#include "net/datagram_hall.hpp"
#include "net/datagram_viewing.hpp"

#include <cstddef>
#include <memory>
#include <unordered_map>

namespace millrace::net {

/// Serves viewers over UDP from the same logs of interleaved frames that viewers over TCP share: the heads of
/// frames are stepped over, packets of one size leave in one piece, to many viewers in one call. Nothing is
/// copied, and nothing waits: a socket that is full is asked again, from the log. One a worker, own thread
/// only; it outlives the places it gave.
class DatagramFanOut {
public:
    using Counters = DatagramHall::Counters;

    /// A viewer's place. Giving it up ends the viewing: nothing more is sent, and its Seat is destroyed.
    class Place {
    public:
        Place() = default;
        Place(Place&&) noexcept = default;
        Place& operator=(Place&& other) noexcept;
        ~Place() { leave({Errc::closed, "the viewer left"}); }

        /// No packets, until it is played again: then on from the newest entrance.
        void pause();
        void play();
        /// Gives it up; the Seat hears why.
        void leave(Error reason);
        explicit operator bool() const { return viewing_ != nullptr; }

    private:
        friend class DatagramFanOut;
        Place(DatagramFanOut& of, std::unique_ptr<DatagramViewing> viewing);
        DatagramFanOut* of_ = nullptr;
        std::unique_ptr<DatagramViewing> viewing_;
    };

    /// Frames of even channels leave by `rtp`, the others by `rtcp`. Both outlive it.
    DatagramFanOut(Executor& executor, Datagrams& rtp, Datagrams& rtcp);
    DatagramFanOut(const DatagramFanOut&) = delete;
    DatagramFanOut& operator=(const DatagramFanOut&) = delete;
    /// Everybody has left.
    ~DatagramFanOut();

    /// A place at this log, which the viewer's Seat keeps alive: at its newest entrance now, or the first to
    /// come. The first packets leave later, from the executor.
    [[nodiscard]] Place join(LogView& log, DatagramViewer viewer);

    std::size_t viewers() const { return viewers_; }
    const Counters& counters() const { return hall_.counters; }

private:
    void sweep();
    void review();
    void wake_all();
    void remove(DatagramViewing& viewing);

    Alarm<DatagramFanOut, &DatagramFanOut::sweep> door_{*this};
    Alarm<DatagramFanOut, &DatagramFanOut::review> second_{*this};
    Alarm<DatagramFanOut, &DatagramFanOut::wake_all> room_{*this};
    DatagramHall hall_;
    std::unordered_map<LogView*, std::unique_ptr<DatagramAudience>> audiences_;
    std::size_t viewers_ = 0;
};

}   // namespace millrace::net
