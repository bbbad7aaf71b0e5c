#pragma once

#include "protocol/kcp/conversation.hpp"
#include "protocol/kcp/parity.hpp"

#include <array>

namespace millrace::kcp {

/// The other end of a ParitySender: makes up datagrams that were lost, by solving the sums that came for
/// those they lack. Owned beside the conversation, one thread. It keeps the last 128 numbers.
class ParityReceiver {
public:
    static constexpr std::size_t kept = 128;
    static constexpr std::size_t sums_max = 64;
    /// So far behind the newest a datagram that did not come is lost, to the report.
    static constexpr std::uint32_t judged_behind = 48;
    static constexpr Duration report_interval = 500ms;

    struct Given {
        ByteSpan bytes;   ///< of the message, or kept here: until the next one is taken
        Conversation::Origin origin = Conversation::Origin::wire;
    };
    struct Counters {
        std::uint64_t recovered = 0;
        std::uint64_t parity = 0;
        std::uint64_t parity_useless = 0;   ///< nothing that it covers was missing
    };

    /// Puts what it gives behind `out`: the datagram itself, and those that it helped to make up.
    void take(const ParityMessage& message, std::vector<Given>& out);
    /// When enough time and datagrams went by, what to tell the sender.
    std::optional<ParityReport> report(Instant now);
    const Counters& counters() const { return counters_; }

private:
    struct Place {
        std::uint32_t number = 0;
        bool known = false;             // its bytes are here
        bool arrived = false;           // by itself
        std::vector<std::byte> bytes;   // length and datagram
    };
    struct Term {
        std::uint32_t number;
        std::uint8_t factor;
    };
    /// A sum of datagrams that are all unknown; the first belongs to it alone.
    struct Sum {
        std::vector<Term> terms;
        std::vector<std::byte> bytes;
    };

    Place& place(std::uint32_t number) { return places_[number % kept]; }
    bool advance_to(std::uint32_t number);
    void judge(std::uint32_t number);
    void take_covered(const CoveredDatagram& covered, std::vector<Given>& out);
    void take_parity(const ParityDatagram& parity);
    void insert(Sum sum);
    static void subtract(Sum& from, const Sum& other, std::uint8_t factor);
    static void normalise(Sum& sum);
    /// What is in the number's place is the datagram of that number.
    void learn(std::uint32_t number);
    void solve(std::vector<Given>& out);
    void forget_old();

    std::array<Place, kept> places_;
    std::vector<Sum> sums_;
    std::optional<std::uint32_t> first_;
    std::uint32_t newest_ = 0;
    ParityReport counted_;
    bool losing_ = false;
    Instant report_due_;
    Counters counters_;
};

}   // namespace millrace::kcp
