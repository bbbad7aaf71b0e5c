#pragma once

#include "base/byte_writer.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

#include <cstdint>
#include <optional>

/// RTP (RFC 3550) and its payload formats. Everything here is pure and has one owner.
namespace millrace::rtp {

inline constexpr std::size_t header_size = 12;
/// A packet that we send, with its header: fits Ethernet behind IPv6, UDP and a tunnel or two.
inline constexpr std::size_t packet_size_max = 1'400;
/// A packet that we read: what an interleaved frame or a datagram can hold.
inline constexpr std::size_t packet_size_read_max = 65'535;

/// The fields of the fixed header that are not the same in every packet.
struct Header {
    bool marker = false;
    std::uint8_t payload_type = 0;
    std::uint16_t sequence = 0;
    std::uint32_t timestamp = 0;
    std::uint32_t ssrc = 0;
    std::optional<WallTime> captured{};   ///< written as the header extension abs-capture-time
};
/// The header extension with the capture time alone, and the id that it has in packets of ours.
inline constexpr std::size_t capture_time_size = 16;
inline constexpr std::uint8_t own_capture_time_id = 1;

/// A packet, pointing into the bytes it was read from.
struct Packet {
    Header header;
    std::uint16_t extension_profile = 0;
    ByteSpan extension;   ///< without its own header; empty = none
    ByteSpan payload;     ///< without padding; may be empty
};

/// Another version, or contributing sources, an extension or padding beyond the packet: malformed.
Result<Packet> read_packet(ByteSpan bytes);
void write_header(ByteWriter& writer, const Header& header);

/// The element of that id in a header extension of RFC 8285, of either form; nothing where there is none.
std::optional<ByteSpan> find_element(const Packet& packet, std::uint8_t id);

/// NTP's 64-bit time: seconds since 1900 and their fraction.
using NtpTime = std::uint64_t;
NtpTime ntp_of(WallTime utc);
/// Seconds of the era that began in 2036 are read as such (RFC 5905 §6: the top bit tells them apart).
WallTime utc_of(NtpTime ntp);
/// Nothing for a time that no clock of our days shows (before 2000, after 2100): the sender has none.
std::optional<WallTime> believable_utc(NtpTime ntp);

/// Numbers that wrap, seen as those that do not: of the ways around the one nearest to the last.
template <class Wrapping, class Step>
class Unwrapper {
public:
    std::int64_t extend(Wrapping value) const {
        return last_
                   ? *last_ + static_cast<Step>(static_cast<Wrapping>(value - static_cast<Wrapping>(*last_)))
                   : std::int64_t{value};
    }
    void see(std::int64_t extended) { last_ = extended; }
    std::int64_t follow(Wrapping value) {
        last_ = extend(value);
        return *last_;
    }
    std::optional<std::int64_t> last() const { return last_; }
    void reset() { last_.reset(); }

private:
    std::optional<std::int64_t> last_;
};
using SequenceUnwrapper = Unwrapper<std::uint16_t, std::int16_t>;
using TimestampUnwrapper = Unwrapper<std::uint32_t, std::int32_t>;

}   // namespace millrace::rtp
