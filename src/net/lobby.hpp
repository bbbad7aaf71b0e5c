#pragma once

#include "base/peer_address.hpp"
#include "base/random.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

namespace millrace::net {

/// Counts the connections on which nobody was let in yet, by the address they come from (IPv6: by its /64,
/// which one machine has to itself), so that no address can hold more than a few of our descriptors without
/// a right to anything. A fixed table of counters without locks: addresses that share a counter, at worst,
/// share the limit, and which ones do is a secret of this process. Any thread; outlives its passes.
class Lobby {
public:
    static constexpr unsigned strangers_max = 128;   ///< of one address

    /// A place in the lobby, given back at its end. Move it to any thread.
    class Pass {
    public:
        Pass() = default;
        Pass(Pass&& other) noexcept : counter_{std::exchange(other.counter_, nullptr)} {}
        Pass& operator=(Pass&& other) noexcept {
            Pass old{std::exchange(counter_, std::exchange(other.counter_, nullptr))};
            return *this;
        }
        ~Pass() { give_back(); }
        /// Somebody was let in: the place is free again. Idempotent.
        void give_back() {
            if (auto* const counter = std::exchange(counter_, nullptr)) {
                counter->fetch_sub(1, std::memory_order_relaxed);
            }
        }

    private:
        friend class Lobby;
        explicit Pass(std::atomic<std::uint32_t>* counter) : counter_{counter} {}
        std::atomic<std::uint32_t>* counter_ = nullptr;
    };

    /// `random` gives the secret.
    explicit Lobby(Random& random);

    /// Nothing where `strangers_max` of that address wait already.
    std::optional<Pass> enter(const PeerAddress& address);
    /// How many were turned away.
    std::uint64_t turned_away() const { return turned_away_.load(std::memory_order_relaxed); }

private:
    static constexpr std::size_t counters_bits = 16;
    using Counters = std::array<std::atomic<std::uint32_t>, std::size_t{1} << counters_bits>;

    std::atomic<std::uint32_t>& counter_of(const PeerAddress& address);

    std::array<std::uint64_t, 5> secret_{};
    std::unique_ptr<Counters> counters_;
    std::atomic<std::uint64_t> turned_away_ = 0;
};

}   // namespace millrace::net
