#pragma once

#include "base/bytes.hpp"

#include <array>
#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>
#include <vector>

namespace millrace::ws {

/// RFC 6455 §11.8. From `close` on they are control frames.
enum class Opcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

constexpr bool is_control(Opcode opcode) {
    return opcode >= Opcode::close;
}

/// RFC 6455 §7.4.1, as far as we say them.
enum class CloseCode : std::uint16_t {
    normal = 1000,
    protocol_error = 1002,
    no_status = 1005,   ///< never on the wire: a close frame without a code
    bad_text = 1007,
    policy = 1008,
    too_big = 1009,
    service_restart = 1012,   ///< "come again": the form could not follow a change
    try_again_later = 1013,
};

/// What a peer did wrong: the code that tells it so and a literal for the log.
struct Fault {
    CloseCode code;
    std::string_view what;
};
template <class T = void>
using Heard = std::expected<T, Fault>;
inline std::unexpected<Fault> fault(CloseCode code, std::string_view what) {
    return std::unexpected(Fault{code, what});
}

using Mask = std::array<std::byte, 4>;

/// What stands before a frame's payload.
struct FrameHead {
    Opcode opcode = Opcode::continuation;
    bool last = true;           ///< of its message
    std::optional<Mask> mask;   ///< from clients always, from servers never
    std::uint64_t size = 0;     ///< of the payload
};

constexpr std::size_t head_size_max = 14;
constexpr std::size_t control_size_max = 125;   // RFC 6455 §5.5

/// Reads the heads of frames, cut anywhere. Between two heads the payload is the caller's.
class HeadReader {
public:
    /// The next head, or nothing while bytes are missing. Takes only what belongs to it.
    Heard<std::optional<FrameHead>> next(ByteSpan& bytes);

private:
    std::array<std::byte, head_size_max> held_{};
    std::uint8_t size_ = 0;
};

/// The head as it stands on the wire; returns its size.
std::size_t write_head(const FrameHead& head, std::span<std::byte, 16> out);
/// The head of a whole, unmasked binary message: a log's MessageFraming.
std::size_t binary_head(std::size_t size, std::span<std::byte, 16> out);

/// A whole frame; with a mask the payload is masked on its way.
void append_frame(std::vector<std::byte>& out, FrameHead head, ByteSpan payload);
/// A close frame, unmasked unless a mask is given; `no_status` makes it empty.
void append_close(std::vector<std::byte>& out, CloseCode code, std::optional<Mask> mask = {});

/// Masks or unmasks, which is the same; `offset` is the place of the first byte in the frame's payload.
void apply_mask(std::span<std::byte> bytes, const Mask& mask, std::uint64_t offset);

}   // namespace millrace::ws
