#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

#include <concepts>
#include <optional>
#include <vector>

namespace millrace {

/// A protocol endpoint without I/O: bytes and time go in; bytes, events and a deadline come out. It owns no
/// socket, reads no clock, starts no thread and calls nobody back. After an error it is finished: what
/// `next_output` still gives (a refusal in the protocol's own words) may be sent, then the conversation ends.
template <class M>
concept ProtocolMachine = requires(M machine, ByteSpan bytes, Instant now) {
    typename M::Event;                                           // a variant of plain values
    { machine.receive(bytes, now) } -> std::same_as<Result<>>;   // consumes all of it
    { machine.advance(now) } -> std::same_as<Result<>>;          // call when now >= deadline()
    { machine.deadline() } -> std::same_as<Instant>;             // never() when nothing is due
    { machine.next_event() } -> std::same_as<std::optional<typename M::Event>>;
    { machine.next_output() } -> std::same_as<std::vector<std::byte>>;   // all that waits; empty if none
};

/// What is left of a machine once its viewer only listens: it still reads what the viewer says (pings,
/// acknowledgements, "stop") and may answer a little. Owned by the fan-out's viewing.
class BackChannel {
public:
    virtual ~BackChannel() = default;
    /// An error ends the viewing, after what the next output still says; Errc::closed is an orderly end
    /// ("the viewer stopped").
    virtual Result<> receive(ByteSpan bytes, Instant now) = 0;
    /// Bytes for this viewer alone. They leave at the next message end of the shared log.
    virtual std::vector<std::byte> next_output() = 0;
    /// The last words to one who was sent all there is; empty: there are none.
    virtual std::vector<std::byte> farewell() { return {}; }
    /// The viewer wants nothing of the log until it says so: it then goes on with the newest entrance.
    virtual bool paused() const { return false; }
};

}   // namespace millrace
