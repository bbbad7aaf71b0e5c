#pragma once

#include "base/answer.hpp"
#include "base/child.hpp"
#include "media/access_unit.hpp"

#include <deque>

namespace millrace::session {

/// The one child that makes all single pictures of a node, and the orders that wait for it: started by the
/// first, ended when there was none for a while. One order at a time. Own thread only; it outlives the
/// conversations of its executor.
class StillMaker {
public:
    static constexpr std::size_t orders_max = 64;
    static constexpr Duration idle_max = 10s;
    /// For one picture.
    static constexpr Duration patience = 5s;
    static constexpr Duration spawn_patience = 10s;
    static constexpr int quality = 80;

    StillMaker(Executor& home, Spawner& spawner) : home_{home}, spawner_{spawner} {}
    StillMaker(const StillMaker&) = delete;
    StillMaker& operator=(const StillMaker&) = delete;

    struct Order {
        media::AccessUnitRef key_frame;
        std::uint32_t width = 0;   ///< 0: as the source
    };
    /// Answers with a JPEG. Errc::exhausted: too many orders wait, or there is no child; unsupported: it says
    /// that nothing can be made of this; closed: it died, or fell silent, over this.
    void make(Order order, Reply<Bytes> reply);

private:
    class Life;
    struct Waiting {
        Order order;
        Reply<Bytes> reply;
    };
    Task<> work();
    Task<bool> has_work();
    Task<Result<Bytes>> carry_out(const Order& order, std::unique_ptr<Life>& life);

    Executor& home_;
    Spawner& spawner_;
    std::deque<Waiting> orders_;
    Reply<bool> wake_;   // while the work waits for an order
    bool working_ = false;
};

}   // namespace millrace::session
