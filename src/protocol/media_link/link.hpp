#pragma once

#include "base/time.hpp"
#include "protocol/machine.hpp"
#include "protocol/media_link/known_tracks.hpp"
#include "protocol/media_link/message.hpp"

#include <array>
#include <bitset>
#include <deque>
#include <optional>

namespace millrace::media_link {

/// A child that says nothing for so long is taken for dead.
constexpr Duration silence_max = 5s;
/// How often a child sends its statistics, whatever else it says.
constexpr Duration statistics_period = 1s;
/// And one that decodes, what it played.
constexpr Duration played_period = 200ms;

/// One end of the link between the server and its child. Both say hello; the server says once what to start;
/// then tracks and units go either way, commands and released slots go to the child, and statistics, decoded
/// pictures, a fault and the end come from it. Its first output is there at once. An error ends the
/// conversation.
class Link {
public:
    enum class Side : std::uint8_t { server, child };
    using Event = Message;   ///< Hello once the other end is known; units come with their configuration

    Link(Side side, Instant now);

    Result<> receive(ByteSpan bytes, Instant now);
    Result<> advance(Instant now);
    Instant deadline() const;
    std::optional<Event> next_event();
    std::vector<std::byte> next_output() { return std::exchange(output_, {}); }
    std::size_t output_size() const { return output_.size(); }

    /// Says something. A unit is preceded by its track wherever its configuration is another than before, so
    /// tracks need no saying of their own. What cannot be carried is an error and not said.
    Result<> send(const Message& message);
    /// Starts the clock of silence anew: we did not listen.
    void pardon(Instant now) { heard_at_ = now; }

private:
    Result<> take_message(ByteSpan message);
    Result<> accept(Message message);
    bool allowed(const Message& message) const;
    /// A slot goes to the server with a picture, and back to the child; an end that mixes that up is broken.
    Result<> hand_over(std::size_t slot, bool to_server);

    Side side_;
    Instant heard_at_;
    bool greeted_ = false;
    bool started_ = false;
    bool over_ = false;
    std::vector<std::byte> input_;   // the beginning of a message
    std::vector<std::byte> output_;
    std::deque<Event> events_;
    KnownTracks theirs_;
    std::array<media::ConfigRef, tracks_max> ours_;   // configurations by track
    std::bitset<picture_ring::slots> at_server_;      // slots with a picture
};

static_assert(ProtocolMachine<Link>);

}   // namespace millrace::media_link
