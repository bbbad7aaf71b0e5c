#pragma once

#include "media/access_unit.hpp"
#include "protocol/rtp/format.hpp"
#include "protocol/rtp/packet.hpp"

#include <initializer_list>
#include <memory>
#include <optional>
#include <vector>

namespace millrace::rtp {

/// Packets behind one another, and where each ends.
struct Packets {
    std::vector<std::byte> bytes;
    std::vector<std::size_t> ends;

    void clear() {
        bytes.clear();
        ends.clear();
    }
    std::size_t count() const { return ends.size(); }
    ByteSpan at(std::size_t index) const {
        const std::size_t begin = index == 0 ? 0 : ends[index - 1];
        return ByteSpan{bytes}.subspan(begin, ends[index] - begin);
    }
};

/// How the packets of one RTP stream are numbered and framed.
struct PacketNumbering {
    std::uint8_t payload_type = 96;
    std::uint32_t ssrc = 0;
    std::uint16_t sequence = 0;    ///< of the first packet; RFC 3550 §5.1: by chance
    std::uint32_t timestamp = 0;   ///< of time 0; by chance too
    std::optional<std::uint8_t>
        channel;   ///< each packet then stands in an interleaved frame (RFC 2326 §10.12)
};

/// Writes the packets of one RTP stream. Owned by a Sender.
class PacketWriter {
public:
    PacketWriter(const PacketNumbering& numbering, Packets& out) : numbering_{numbering}, out_{out} {}

    /// The time of the packets that follow, in ticks of the RTP clock.
    void set_time(std::int64_t ticks) {
        timestamp_ = numbering_.timestamp + static_cast<std::uint32_t>(ticks);
    }
    /// The next packet says it; nothing takes it back.
    void set_captured(std::optional<WallTime> utc) { captured_ = utc; }
    /// What a packet's payload can be.
    static constexpr std::size_t room() { return packet_size_max - header_size - capture_time_size; }
    /// One packet; the parts together are no more than room().
    void write(bool marker, std::initializer_list<ByteSpan> parts);

    std::uint16_t next_sequence() const { return numbering_.sequence; }
    std::uint32_t timestamp() const { return timestamp_; }
    std::uint32_t packets() const { return packets_; }
    std::uint32_t octets() const { return octets_; }

private:
    PacketNumbering numbering_;
    Packets& out_;
    std::optional<WallTime> captured_;
    std::uint32_t timestamp_ = 0;
    std::uint32_t packets_ = 0;   // these two wrap, as sender reports have them
    std::uint32_t octets_ = 0;
};

/// Cuts access units into the payloads of one format. It never waits for the next unit.
class Packetiser {
public:
    virtual ~Packetiser() = default;
    /// A unit that the format cannot carry (a JPEG of another kind, a NAL unit beyond a packet in mode 0) is
    /// an error, and nothing of it was written.
    virtual Result<> write(const media::AccessUnit& unit, PacketWriter& out) = 0;
};

/// For a format that format_of() made, or one like it: of H.264 it heeds packetization-mode.
std::unique_ptr<Packetiser> packetiser_of(const Format& format);

/// One RTP stream out: packets and sender reports of one track. One owner, one thread.
class Sender {
public:
    Sender(Format format, const PacketNumbering& numbering);
    Sender(const Sender&) = delete;
    Sender& operator=(const Sender&) = delete;

    /// How often a packet says when its unit was captured, where somebody says so to us.
    static constexpr Duration capture_interval = 1s;

    /// Packets of one unit are added to packets(). An error leaves the unit out.
    Result<> write(const media::AccessUnit& unit);
    Packets& packets() { return packets_; }
    /// The time of day of the last unit, where somebody knows better than the unit itself.
    void set_utc(WallTime utc) { utc_ = utc; }
    /// A compound of SR and SDES, framed as packets are (on the channel after theirs); nothing before the
    /// first unit. Times of the last unit map RTP time to UTC.
    void append_report(std::vector<std::byte>& out, std::string_view cname) const;

    const Format& format() const { return format_; }
    const PacketNumbering& numbering() const { return numbering_; }
    /// Of the packet that comes next: RTP-Info.
    std::uint16_t next_sequence() const { return writer_.next_sequence(); }
    std::uint32_t timestamp_of(const media::AccessUnit& unit) const;

private:
    Format format_;
    PacketNumbering numbering_;
    Packets packets_;
    PacketWriter writer_;
    std::unique_ptr<Packetiser> packetiser_;
    bool capture_due(const media::AccessUnit& unit, std::int64_t ticks);

    std::optional<WallTime> utc_;            // of the last unit
    std::optional<std::int64_t> captured_;   // RTP time of the unit whose capture time was said last
};

}   // namespace millrace::rtp
