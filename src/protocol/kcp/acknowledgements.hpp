#pragma once

#include "base/time.hpp"
#include "protocol/kcp/lateness.hpp"
#include "protocol/kcp/receive_window.hpp"
#include "protocol/kcp/settings.hpp"

#include <optional>
#include <vector>

namespace millrace::kcp {

/// What the peer is still to be told of what arrived. Compact: in order only the newest, since una says the
/// rest; out of order each, and several times, for una does not help there. Owned by a Conversation.
class Acknowledgements {
public:
    /// Unsent ones; a peer that makes us owe more makes the oldest go unsaid.
    static constexpr std::size_t owed_max = 4'096;

    explicit Acknowledgements(const Settings& settings);

    void note(ReceiveWindow::Taken taken, Echo echo, Instant now);
    /// Of a segment that never arrived itself: no round trip and no lateness may be read from it.
    void note_recovered(ReceiveWindow::Taken taken, std::uint32_t sn, Instant now);
    /// When something must be said even if nothing else leaves.
    Instant deadline() const { return std::min(owed_ ? due_ : Instant::never(), repeat_at_); }
    bool owed() const { return owed_; }
    /// What the datagrams that leave now say, newest in order first.
    const std::vector<Echo>& take(std::uint32_t expected, Instant now);

private:
    struct Apart {
        Echo echo;
        unsigned times;   // still to be said
        bool always;      // even if una covers it by now
    };
    void owe(Instant now);
    void look_for_resend(Echo echo);
    unsigned times_apart() const;
    Instant next_repeat(Instant now) const;

    LossShare loss_;                 // of the peer's segments, as their resends tell
    std::optional<Echo> furthest_;   // largest number and latest time stamp so far
    bool compact_;
    Duration delay_;
    Duration repeat_;
    std::optional<Echo> newest_;
    std::vector<Apart> apart_;
    std::vector<Echo> taken_;
    Echo first_said_{};   // for the repetition, which may have nothing else to say
    bool owed_ = false;
    Instant due_ = Instant::never();
    Instant repeat_at_ = Instant::never();
    unsigned repeats_ = 0;   // since something was last owed
};

}   // namespace millrace::kcp
