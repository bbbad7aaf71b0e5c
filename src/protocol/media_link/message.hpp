#pragma once

#include "base/result.hpp"
#include "media/access_unit.hpp"
#include "media/timed_message.hpp"
#include "protocol/media_link/picture.hpp"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace millrace::media_link {

inline constexpr std::uint16_t version = 1;

/// An access unit's payload.
inline constexpr std::size_t unit_bytes_max = std::size_t{8} << 20U;
/// What follows a message's length: a unit with its head.
inline constexpr std::size_t message_bytes_max = unit_bytes_max + 256;
inline constexpr std::size_t source_bytes_max = 4096;
inline constexpr std::size_t fault_bytes_max = 512;

/// The first message of both ends.
struct Hello {
    std::uint16_t version = media_link::version;
};

/// What the child is to do, once: "test:?size=640x360".
struct Start {
    std::string source;
};

struct Command {
    enum class What : std::uint8_t { key_frame, bitrate, stop, picture_width, skip, volume };
    What what = What::key_frame;
    /// bitrate: bits a second; picture_width: of pictures from now on, 0: the source's; skip: leave out
    /// pictures up to the so manieth next key frame; volume: of the sound that is played, 0 to 100.
    std::uint64_t value = 0;
};

/// What the child did so far. It comes each second, also when there is nothing to say: a sign of life.
struct Statistics {
    std::uint64_t frames = 0;    ///< pictures sent
    std::uint64_t late = 0;      ///< of them, those begun later than half a frame after their moment
    std::uint64_t skipped = 0;   ///< moments that had no picture
    std::uint64_t bytes = 0;     ///< of all payloads
    // captured = encoded + dropped_slow + dropped_asked + broken + what is on its way
    std::uint64_t captured = 0;           ///< pictures that the device gave
    std::uint64_t encoded = 0;            ///< of them, those that came out coded
    std::uint64_t dropped_slow = 0;       ///< of them, those for which the encoder was not ready
    std::uint64_t dropped_asked = 0;      ///< of them, those left out by Command::What::skip
    std::uint64_t broken = 0;             ///< of them, those that could not be decoded
    std::uint32_t pictures_waiting = 0;   ///< for the encoder, now
    std::uint32_t units_waiting = 0;      ///< coded, for the link, now
};

/// Why the source does not go on, in words for the log.
struct Fault {
    bool lasting = false;   ///< trying again would not help: the source's text is wrong
    std::string words;
};

/// The source is finished; nothing of it follows.
struct End {};

using Message = std::variant<Hello, Start, media::Track, media::AccessUnit, Command, Statistics, Fault, End,
                             Picture, Release, Played, media::TimedMessage>;

/// Appends the message with its length. A unit's configuration does not travel with it but in the Track
/// before it; units beyond unit_bytes_max are Errc::exhausted and nothing is appended.
Result<> write(std::vector<std::byte>& out, const Message& message);

/// Reads what stands behind a message's length. A unit comes without configuration: `Link` knows it.
Result<Message> read(ByteSpan message);

}   // namespace millrace::media_link
