#pragma once

#include "base/connection.hpp"
#include "base/time.hpp"
#include "control/recent_table.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace millrace::control {

/// Where somebody asks from, as far as it limits anything: an IPv4 address, or the /64 of an IPv6 one, which
/// a single machine may have whole. What is no address is all one source.
struct Source {
    std::array<std::uint64_t, 2> words{};
    static Source of(const Endpoint& peer);
    std::string text() const;   ///< "192.0.2.1", "2001:db8::/64"
    bool operator==(const Source&) const = default;
};

}   // namespace millrace::control

template <>
struct std::hash<millrace::control::Source> {
    std::size_t operator()(const millrace::control::Source& source) const noexcept {
        constexpr std::uint64_t odd = 0x9E37'79B9'7F4A'7C15U;
        const std::uint64_t mixed = (source.words[0] ^ source.words[0] >> 32U) * odd ^ source.words[1];
        return (mixed ^ mixed >> 29U) * odd;
    }
};

namespace millrace::control {

/// Failed proofs by source: at most `failures_max` in any `window`, those still being checked counted as
/// failed until they are known. One thread.
class Failures {
public:
    static constexpr std::size_t failures_max = 10;
    static constexpr Duration window = 1min;
    static constexpr std::size_t sources_max = 16'384;

    enum class Room { yes, wait, no };
    /// Whether one more proof from there may be looked at: now, when one under way is known, or later.
    Room room(const Source& source, Instant now);
    void begin(const Source& source);
    void end(const Source& source);
    /// True if it was the last that the window allows.
    bool failed(const Source& source, Instant now);

private:
    struct Record {
        std::array<Instant, failures_max> when;   // a ring
        std::size_t next = 0;
        std::size_t count = 0;   // ever, up to failures_max
        std::size_t under_way = 0;

        std::size_t recent(Instant now) const;
    };
    Record& record(const Source& source);

    RecentTable<Source, Record> records_{sources_max};
};

}   // namespace millrace::control
