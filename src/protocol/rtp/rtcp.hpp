#pragma once

#include "base/byte_writer.hpp"
#include "base/result.hpp"
#include "protocol/rtp/packet.hpp"

#include <string>
#include <variant>
#include <vector>

/// RTCP, RFC 3550 §6.
namespace millrace::rtp {

/// Packets of one compound, and sources of one packet, that we read.
inline constexpr std::size_t compound_packets_max = 64;
inline constexpr std::size_t cname_size_max = 255;

/// What a receiver says about one source.
struct ReportBlock {
    std::uint32_t ssrc = 0;
    std::uint8_t fraction_lost = 0;        ///< of 256, since the last report
    std::int32_t lost = 0;                 ///< 24 bits
    std::uint32_t highest_sequence = 0;    ///< with the number of wraps in its upper half
    std::uint32_t jitter = 0;              ///< in ticks of the RTP clock
    std::uint32_t last_report = 0;         ///< the middle of the NTP time of the last SR
    std::uint32_t since_last_report = 0;   ///< in 1/65536 s
};

struct SenderReport {
    std::uint32_t ssrc = 0;
    NtpTime ntp = 0;
    std::uint32_t timestamp = 0;
    std::uint32_t packets = 0;
    std::uint32_t octets = 0;
    std::vector<ReportBlock> blocks;
};
struct ReceiverReport {
    std::uint32_t ssrc = 0;
    std::vector<ReportBlock> blocks;
};
struct SourceDescription {
    std::uint32_t ssrc = 0;
    std::string cname;
};
struct Bye {
    std::vector<std::uint32_t> ssrcs;
};
/// RFC 4585 and 5104: the receiver needs a key frame (PLI or FIR).
struct KeyFrameRequest {
    std::uint32_t ssrc = 0;   ///< of the stream that it wants it of
};
/// Ours, an APP packet (§6.7) of the name "MLRC", which others pass over: whoever publishes this has said its
/// end, and another may follow. A BYE would end players that may go on with that one.
struct Unpublished {
    std::uint32_t ssrc = 0;
};
using ControlPacket =
    std::variant<SenderReport, ReceiverReport, SourceDescription, Bye, KeyFrameRequest, Unpublished>;

/// A compound, or a reduced one (RFC 5506). A length beyond it, or another version, is malformed, and nothing
/// of it counts. Packets of types not named above are passed over.
Result<std::vector<ControlPacket>> read_control(ByteSpan compound);
/// Whether a packet on a port (or channel) of both kinds is RTCP: RFC 5761 §4.
bool is_control(ByteSpan packet);

void write_sender_report(std::vector<std::byte>& out, const SenderReport& report);
void write_receiver_report(std::vector<std::byte>& out, const ReceiverReport& report);
void write_description(std::vector<std::byte>& out, const SourceDescription& description);
void write_bye(std::vector<std::byte>& out, std::uint32_t ssrc);
void write_unpublished(std::vector<std::byte>& out, std::uint32_t ssrc);
void write_picture_loss(std::vector<std::byte>& out, std::uint32_t from, std::uint32_t of);
/// FIR: `number` counts the requests of one `from`, so that one that comes twice is heeded once.
struct FullIntraRequest {
    std::uint32_t from = 0;
    std::uint32_t of = 0;
    std::uint8_t number = 0;
};
void write_full_intra(std::vector<std::byte>& out, const FullIntraRequest& request);

/// RFC 2326 §10.12:  '$' | channel u8 | length u16
inline constexpr std::size_t interleaved_head_size = 4;
void write_interleaved_head(ByteWriter& writer, std::uint8_t channel, std::size_t length);

}   // namespace millrace::rtp
