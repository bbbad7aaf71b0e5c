#pragma once

#include "base/block_log.hpp"
#include "base/result.hpp"
#include "base/timer.hpp"
#include "net/datagram_viewing.hpp"

#include <cstdint>
#include <vector>

namespace millrace::net {

class DatagramHall;

/// The viewers of one log on one worker who get its frames as datagrams. It listens to the log, and sends
/// each picture when it ended, spread over time where it is large: a burst that fits no socket's buffer is
/// a picture lost. What many viewers are at is read once and sent to all from the same bytes.
///
/// Serving calls nobody but sockets and counters, so viewers come and go only between two servings.
class DatagramAudience final : public LogView::Listener, private Timer {
public:
    /// Between two sends to one viewer, and how much each may have: 64 Mbit/s, or an eighth of what waits.
    static constexpr Duration pace = 4ms;
    static constexpr std::uint64_t burst_max = 32U << 10U;
    static constexpr std::uint64_t backlog_share = 8;
    /// Bytes that end no picture wait at most so long for one.
    static constexpr Duration sound_wait = 50ms;
    /// One that is further behind goes on at the newest entrance, if that is ahead.
    static constexpr Duration lag_max = 1s;
    /// Bursts that are sent at once when the log ends.
    static constexpr int last_bursts_max = 64;

    DatagramAudience(LogView& log, DatagramHall& hall);
    DatagramAudience(const DatagramAudience&) = delete;
    DatagramAudience& operator=(const DatagramAudience&) = delete;
    ~DatagramAudience() override;

    LogView& log() const { return log_; }
    void add(DatagramViewing& viewing);
    void remove(DatagramViewing& viewing);
    bool empty() const { return viewings_.empty(); }
    /// It wants packets again.
    void resume(DatagramViewing& viewing);
    /// Serves soon: a viewer came, or the socket has room.
    void wake();
    /// Everybody leaves.
    void dismiss(Error reason);

private:
    void on_trim(std::uint64_t tail) override;
    void on_advance(bool flush) override;
    void on_end() override;
    void on_time() override { serve(); }

    void serve();
    void enter(DatagramViewing& viewing);
    bool place(DatagramViewing& viewing, Instant now);
    void send_front(DatagramViewing& viewing);
    void arm(Instant due);

    LogView& log_;
    DatagramHall& hall_;
    std::vector<DatagramViewing*> viewings_;
    std::size_t first_ = 0;   // who is served first
    Instant due_ = Instant::never();
    Instant rest_until_;   // after what was sent last
};

}   // namespace millrace::net
