#pragma once

#include "container/ts_packet.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

/// PES packets (§2.4.3.6, §2.4.3.7), written and read.
namespace millrace::ts {

/// Bytes of all unfinished PES packets of one reader.
constexpr std::size_t pes_bytes_max = std::size_t{8} << 20U;
/// What stands in PES_packet_length; only video may be longer and then says 0.
constexpr std::size_t pes_length_max = 0xFFFF;
constexpr std::uint8_t video_stream_id = 0xE0;
constexpr std::uint8_t audio_stream_id = 0xC0;
constexpr std::uint8_t private_stream_id = 0xBD;

/// The head of a PES packet, written.
struct PesHead {
    std::uint8_t stream_id = video_stream_id;
    std::int64_t pts = 0;   ///< 90 kHz; only 33 bits are said
    std::int64_t dts = 0;   ///< said where it is not the PTS
    std::size_t payload_size = 0;
};
class PesHeader {
public:
    explicit PesHeader(const PesHead& head);
    ByteSpan span() const { return ByteSpan{bytes_}.first(size_); }

private:
    std::array<std::byte, 19> bytes_{};
    std::size_t size_ = 0;
};

/// A PES packet, read. It points into its gatherer, until that takes the next packet.
struct Pes {
    std::optional<std::int64_t> pts;   ///< modulo 2^33
    std::optional<std::int64_t> dts;   ///< the PTS where it is not said
    ByteSpan payload;
    bool after_loss = false;   ///< something of this stream before it is missing
};

/// Gives nothing for what is no PES packet with the usual header.
std::optional<Pes> read_pes(ByteSpan bytes);

/// Gathers the PES packets of one PID. For each packet first `before`, then `take`.
class PesGatherer {
public:
    /// `held` counts the bytes that all gatherers of a reader hold.
    explicit PesGatherer(std::size_t& held) : held_{held} {}
    ~PesGatherer() { clear(); }
    PesGatherer(const PesGatherer&) = delete;
    PesGatherer& operator=(const PesGatherer&) = delete;

    /// Looks at the packet's counter, and where it starts a unit gives the one before that did not say its
    /// length.
    std::optional<Pes> before(const Packet& packet);
    /// Takes the packet's payload; gives the unit if it is whole by its length.
    std::optional<Pes> take(const Packet& packet);
    /// The unit that did not say its length, if there is one.
    std::optional<Pes> flush();

    /// Drops the unit being gathered: something between its packets was not to be read.
    void damage();

    /// How many since the last call: counter jumps, and units dropped.
    unsigned take_jumps() { return std::exchange(jumps_, 0); }
    unsigned take_damaged() { return std::exchange(damaged_, 0); }

private:
    bool repeats(const Packet& packet) const;
    void clear();
    std::size_t said_size() const;
    std::optional<Pes> finish(std::size_t size);

    std::size_t& held_;
    std::vector<std::byte> bytes_;   // of the unit being gathered, from its start code
    bool open_ = false;              // a unit has begun and is not whole
    bool lost_ = false;              // what Pes::after_loss will say
    bool repeated_ = false;          // the packet before `take` is a duplicate
    std::optional<std::uint8_t> counter_;
    std::array<std::byte, packet_payload_max> last_{};   // payload of the last packet
    std::size_t last_size_ = 0;
    unsigned jumps_ = 0;
    unsigned damaged_ = 0;
};

}   // namespace millrace::ts
