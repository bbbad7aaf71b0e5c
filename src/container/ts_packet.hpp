#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

#include <cstdint>
#include <optional>
#include <vector>

/// MPEG-2 transport streams (ISO/IEC 13818-1): access units to packets and back. Clauses named in comments
/// are of that standard.
namespace millrace::ts {

constexpr std::size_t packet_size = 188;
constexpr std::size_t packet_payload_max = 184;
constexpr std::byte sync_byte{0x47};

/// Ticks a second of PTS, DTS and the base of the PCR, which are 33 bits wide.
constexpr std::int64_t clock_rate = 90'000;
constexpr std::int64_t clock_wrap = std::int64_t{1} << 33U;

using Pid = std::uint16_t;
constexpr Pid pat_pid = 0x0000;
constexpr Pid sdt_pid = 0x0011;
constexpr Pid first_free_pid = 0x0020;   ///< below are tables of ISO and DVB
constexpr Pid null_pid = 0x1FFF;

/// One packet, its payload pointing into the bytes it was read from.
struct Packet {
    Pid pid = null_pid;
    bool damaged = false;         ///< transport_error_indicator
    bool starts = false;          ///< payload_unit_start_indicator
    bool scrambled = false;       ///< its payload is not for us
    bool has_payload = false;     ///< the counter advances only with one
    bool discontinuity = false;   ///< the counter, and on the PCR's PID the clock, may jump here
    bool random_access = false;
    std::uint8_t counter = 0;
    std::optional<std::int64_t> pcr;   ///< its base: ticks of 90 kHz, modulo 2^33
    ByteSpan payload;
};

/// Reads exactly packet_size bytes. An adaptation field longer than the packet is malformed.
Result<Packet> read_packet(ByteSpan bytes);

/// What the first packet of a payload unit says besides its payload.
struct UnitHead {
    Pid pid = null_pid;
    bool random_access = false;
    bool discontinuity = false;
    std::optional<std::int64_t> pcr;
};

/// Cuts one payload unit (a PES packet, or sections that fill their packets) into packets at the end of
/// `out`. The size is said first, so that the last packet is stuffed and `out` grows once.
class PacketWriter {
public:
    /// `counter` is the PID's continuity counter: of the next packet with a payload.
    PacketWriter(std::vector<std::byte>& out, std::uint8_t& counter, const UnitHead& head, std::size_t size);
    /// The next bytes of the unit; all together exactly `size`.
    void put(ByteSpan bytes);

private:
    void open_packet();

    std::vector<std::byte>& out_;
    std::uint8_t& counter_;
    UnitHead head_;
    std::size_t left_;       // bytes of the unit not yet put
    std::size_t at_;         // where in out_ the next byte goes
    std::size_t room_ = 0;   // bytes until the open packet is full
    bool first_ = true;
};

/// A packet that carries the clock alone. `counter` is the one of the PID's next packet with a payload.
void append_clock_packet(std::vector<std::byte>& out, const UnitHead& head, std::uint8_t counter);

}   // namespace millrace::ts
