#include "protocol/rtp/rtcp.hpp"

#include "base/byte_reader.hpp"

namespace millrace::rtp {

namespace {

// RFC 3550 §12.1, RFC 4585 §6.1
enum Type : std::uint8_t {
    sender_report = 200,
    receiver_report = 201,
    source_description = 202,
    goodbye = 203,
    application = 204,
    payload_feedback = 206,
};
constexpr std::uint8_t item_cname = 1;
constexpr std::string_view our_name = "MLRC";
constexpr unsigned our_unpublished = 1;   // a subtype
constexpr std::uint8_t feedback_picture_loss = 1;
constexpr std::uint8_t feedback_full_intra = 4;   // RFC 5104 §4.3.1

ReportBlock read_block(ByteReader& reader) {
    ReportBlock block;
    block.ssrc = reader.u32();
    block.fraction_lost = reader.u8();
    const std::uint32_t lost = reader.u24();
    block.lost = static_cast<std::int32_t>(lost << 8U) >> 8;
    block.highest_sequence = reader.u32();
    block.jitter = reader.u32();
    block.last_report = reader.u32();
    block.since_last_report = reader.u32();
    return block;
}

std::vector<ReportBlock> read_blocks(ByteReader& reader, unsigned count) {
    std::vector<ReportBlock> blocks;
    for (; count != 0 && reader.ok(); --count) {
        blocks.push_back(read_block(reader));
    }
    return blocks;
}

// §6.5: {SSRC u32 | {item u8 | length u8 | text}… | 0, filled to a word}…
void read_descriptions(ByteReader& reader, unsigned count, std::vector<ControlPacket>& out) {
    for (; count != 0 && reader.ok(); --count) {
        SourceDescription description{.ssrc = reader.u32(), .cname = {}};
        const std::size_t begun = reader.remaining();
        while (reader.ok()) {
            const std::uint8_t item = reader.u8();
            if (item == 0) {
                break;
            }
            const std::size_t length = reader.u8();
            const ByteSpan text = reader.take(length);
            if (item == item_cname) {
                description.cname = as_text(text);
            }
        }
        if (reader.ok()) {
            reader.skip((4 - (begun - reader.remaining()) % 4) % 4);
            out.emplace_back(std::move(description));
        }
    }
}

void read_feedback(ByteReader& reader, unsigned kind, std::vector<ControlPacket>& out) {
    reader.u32();   // of the one who says it
    std::uint32_t ssrc = reader.u32();
    if (kind == feedback_full_intra) {
        ssrc = reader.u32();
    }
    if (reader.ok() && (kind == feedback_picture_loss || kind == feedback_full_intra)) {
        out.emplace_back(KeyFrameRequest{ssrc});
    }
}

// §6.7: SSRC u32 | name, four letters | what the name stands for
void read_application(ByteReader& reader, unsigned subtype, std::vector<ControlPacket>& out) {
    const std::uint32_t ssrc = reader.u32();
    const std::string_view name = as_text(reader.take(our_name.size()));
    if (reader.ok() && name == our_name && subtype == our_unpublished) {
        out.emplace_back(Unpublished{ssrc});
    }
}

/// False: it breaks its form.
bool read_one(std::uint8_t type, unsigned count, ByteReader reader, std::vector<ControlPacket>& out) {
    switch (type) {
        case sender_report: {
            SenderReport report;
            report.ssrc = reader.u32();
            report.ntp = reader.u64();
            report.timestamp = reader.u32();
            report.packets = reader.u32();
            report.octets = reader.u32();
            report.blocks = read_blocks(reader, count);
            out.emplace_back(std::move(report));
            break;
        }
        case receiver_report: {
            ReceiverReport report{.ssrc = reader.u32(), .blocks = {}};
            report.blocks = read_blocks(reader, count);
            out.emplace_back(std::move(report));
            break;
        }
        case source_description: read_descriptions(reader, count, out); break;
        case goodbye: {
            Bye bye;
            for (; count != 0; --count) {
                bye.ssrcs.push_back(reader.u32());
            }
            out.emplace_back(std::move(bye));
            break;
        }
        case application: read_application(reader, count, out); break;
        case payload_feedback: read_feedback(reader, count, out); break;
        default: break;
    }
    return reader.ok();
}

void write_head(ByteWriter& writer, unsigned count, Type type, std::size_t body_size) {
    writer.u8(static_cast<std::uint8_t>(0x80U | count));
    writer.u8(type);
    writer.u16(static_cast<std::uint16_t>(body_size / 4));
}

constexpr std::size_t blocks_max = 31;
constexpr std::size_t block_size = 24;

std::size_t block_count(const std::vector<ReportBlock>& blocks) {
    return std::min(blocks.size(), blocks_max);
}

void write_blocks(ByteWriter& writer, const std::vector<ReportBlock>& blocks) {
    for (std::size_t i = 0; i < block_count(blocks); ++i) {
        const ReportBlock& block = blocks[i];
        writer.u32(block.ssrc);
        writer.u8(block.fraction_lost);
        writer.u24(static_cast<std::uint32_t>(block.lost) & 0xFFFFFFU);
        writer.u32(block.highest_sequence);
        writer.u32(block.jitter);
        writer.u32(block.last_report);
        writer.u32(block.since_last_report);
    }
}

}   // namespace

// RFC 3550 §6.4:  V u2 = 2 | padding u1 | count u5 | type u8 | length u16, in words without the first | body
Result<std::vector<ControlPacket>> read_control(ByteSpan compound) {
    std::vector<ControlPacket> packets;
    ByteReader reader{compound};
    for (std::size_t read = 0; !reader.at_end(); ++read) {
        const std::uint8_t first = reader.u8();
        const std::uint8_t type = reader.u8();
        const std::size_t length = reader.u16();
        const ByteSpan body = reader.take(length * 4);
        if (!reader.ok() || first >> 6U != 2) {
            return fail(Errc::malformed, "broken RTCP");
        }
        if (read == compound_packets_max) {
            return fail(Errc::exhausted, "too many RTCP packets in one");
        }
        if (!read_one(type, first & 0x1FU, ByteReader{body}, packets)) {
            return fail(Errc::malformed, "an RTCP packet that is shorter than it says");
        }
    }
    return packets;
}

bool is_control(ByteSpan packet) {
    // RFC 5761 §4: RTP payload types 64 to 95 are not used, so that the second byte tells.
    return packet.size() > 1 && packet[1] >= std::byte{192} && packet[1] <= std::byte{223};
}

void write_sender_report(std::vector<std::byte>& out, const SenderReport& report) {
    ByteWriter writer{out};
    const std::size_t blocks = block_count(report.blocks);
    write_head(writer, static_cast<unsigned>(blocks), sender_report, 24 + blocks * block_size);
    writer.u32(report.ssrc);
    writer.u64(report.ntp);
    writer.u32(report.timestamp);
    writer.u32(report.packets);
    writer.u32(report.octets);
    write_blocks(writer, report.blocks);
}

void write_receiver_report(std::vector<std::byte>& out, const ReceiverReport& report) {
    ByteWriter writer{out};
    const std::size_t blocks = block_count(report.blocks);
    write_head(writer, static_cast<unsigned>(blocks), receiver_report, 4 + blocks * block_size);
    writer.u32(report.ssrc);
    write_blocks(writer, report.blocks);
}

void write_description(std::vector<std::byte>& out, const SourceDescription& description) {
    ByteWriter writer{out};
    const std::string_view cname = std::string_view{description.cname}.substr(0, cname_size_max);
    const std::size_t items = 2 + cname.size() + 1;   // and the zero that ends them
    const std::size_t filled = (items + 3) / 4 * 4;
    write_head(writer, 1, source_description, 4 + filled);
    writer.u32(description.ssrc);
    writer.u8(item_cname);
    writer.u8(static_cast<std::uint8_t>(cname.size()));
    writer.text(cname);
    writer.zeros(1 + filled - items);
}

void write_bye(std::vector<std::byte>& out, std::uint32_t ssrc) {
    ByteWriter writer{out};
    write_head(writer, 1, goodbye, 4);
    writer.u32(ssrc);
}

void write_unpublished(std::vector<std::byte>& out, std::uint32_t ssrc) {
    ByteWriter writer{out};
    write_head(writer, our_unpublished, application, 4 + our_name.size());
    writer.u32(ssrc);
    writer.text(our_name);
}

void write_picture_loss(std::vector<std::byte>& out, std::uint32_t from, std::uint32_t of) {
    ByteWriter writer{out};
    write_head(writer, feedback_picture_loss, payload_feedback, 8);
    writer.u32(from);
    writer.u32(of);
}

// RFC 5104 §4.3.1: SSRC of the sender u32 | 0 u32 | {SSRC of the media u32 | number u8 | 0 u24}
void write_full_intra(std::vector<std::byte>& out, const FullIntraRequest& request) {
    ByteWriter writer{out};
    write_head(writer, feedback_full_intra, payload_feedback, 16);
    writer.u32(request.from);
    writer.u32(0);
    writer.u32(request.of);
    writer.u8(request.number);
    writer.zeros(3);
}

void write_interleaved_head(ByteWriter& writer, std::uint8_t channel, std::size_t length) {
    writer.u8('$');
    writer.u8(channel);
    writer.u16(static_cast<std::uint16_t>(length));
}

}   // namespace millrace::rtp
