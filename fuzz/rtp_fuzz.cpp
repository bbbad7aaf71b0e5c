#include "base/check.hpp"
#include "protocol/rtp/packetiser.hpp"
#include "protocol/rtp/receiver.hpp"

#include <cstdint>

// The first byte chooses the payload format, the second whether it reorders and what the description said.
// Then packets, each behind a length in one byte and a byte of flags: 1 = as it stands (with its RTP header),
// 2 = RTCP, else a payload whose header we write: 4 = marker, 8 = later time, 16 = a gap in the numbers.

namespace {

using namespace millrace;

struct Said {
    rtp::Encoding encoding;
    const char* parameters;
};
constexpr Said formats[] = {
    {rtp::Encoding::h264, ""},
    {rtp::Encoding::h265, ""},
    {rtp::Encoding::h265, "sprop-max-don-diff=2"},
    {rtp::Encoding::av1, ""},
    {rtp::Encoding::jpeg, ""},
    {rtp::Encoding::aac, "mode=AAC-hbr; sizelength=13; indexlength=3; indexdeltalength=3; config=1210"},
    {rtp::Encoding::aac,
     "config=1210; sizelength=5; indexlength=1; indexdeltalength=2; CTSDeltaLength=3; "
     "DTSDeltaLength=4; randomAccessIndication=1; auxiliaryDataSizeLength=7"},
    {rtp::Encoding::latm, "cpresent=0; config=400026103fc0"},
    {rtp::Encoding::latm, ""},
    {rtp::Encoding::opus, ""},
    {rtp::Encoding::mpeg_audio, ""},
    {rtp::Encoding::l16, ""},
    {rtp::Encoding::g722, ""},
    {rtp::Encoding::mpeg_ts, ""},
    {rtp::Encoding::klv, ""},
};

/// What came out must go in again wherever its format can be written.
void send_on(const media::AccessUnit& unit) {
    check(unit.config != nullptr && !unit.payload.empty(), "a unit has a config and a payload");
    const Result<rtp::Format> format = rtp::format_of(*unit.config, 96);
    if (!format) {
        return;
    }
    rtp::Sender sender{*format, {.channel = 2}};
    static_cast<void>(sender.write(unit));
    for (std::size_t i = 0; i < sender.packets().count(); ++i) {
        check(sender.packets().at(i).size() <= rtp::packet_size_max + 4,
              "packets of the size that we promise");
    }
}

struct Session {
    rtp::Receiver receiver;
    Instant now;
    rtp::Header header{.payload_type = 96, .ssrc = 7};

    void take(std::uint8_t flags, ByteSpan bytes) {
        now = now + 10ms;
        if ((flags & 1U) != 0) {
            receiver.receive(bytes, now);
        } else if ((flags & 2U) != 0) {
            receiver.receive_control(bytes, now);
        } else {
            header.marker = (flags & 4U) != 0;
            header.timestamp += (flags & 8U) != 0 ? 3'600 : 0;
            header.sequence = static_cast<std::uint16_t>(header.sequence + ((flags & 16U) != 0 ? 2 : 1));
            std::vector<std::byte> packet;
            ByteWriter writer{packet};
            rtp::write_header(writer, header);
            writer.bytes(bytes);
            receiver.receive(packet, now);
        }
        drain();
    }
    void drain() {
        while (const std::optional<media::AccessUnit> unit = receiver.next()) {
            send_on(*unit);
        }
    }
};

}   // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) {
        return 0;
    }
    const Said& said = formats[data[0] % std::size(formats)];
    const rtp::Format format{
        .encoding = said.encoding,
        .clock_rate = rtp::kind_of(said.encoding) == media::Kind::video ? 90'000U : 48'000U,
        .channels = 2,
        .parameters = said.parameters};
    Result<rtp::Receiver> receiver = rtp::Receiver::make(
        format,
        {.reorder_wait = (data[1] & 1U) != 0 ? rtp::Receiver::reorder_wait_udp : 0ns, .capture_time_id = 1});
    check(receiver.has_value(), "formats that can be read");
    Session session{.receiver = std::move(*receiver), .now = {}};
    ByteSpan input = std::as_bytes(std::span{data, size}).subspan(2);
    while (input.size() > 2) {
        const std::size_t length =
            std::min<std::size_t>(static_cast<std::size_t>(input[0]), input.size() - 2);
        session.take(static_cast<std::uint8_t>(input[1]), input.subspan(2, length));
        input = input.subspan(2 + length);
    }
    session.receiver.advance(session.now + 1s);
    session.drain();
    std::vector<std::byte> report;
    session.receiver.append_report(report, "fuzz", session.now + 10s);
    check(report.empty() || rtp::read_control(report).has_value(), "reports that can be read");
    return 0;
}
