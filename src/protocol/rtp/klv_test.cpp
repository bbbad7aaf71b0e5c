#include "protocol/rtp/klv.hpp"

#include "protocol/rtp/samples_for_tests.hpp"

#include <gtest/gtest.h>

namespace millrace::rtp {
namespace {

media::TimedMessage said(std::size_t size, std::int64_t pts) {
    return {.kind = media::TimedMessage::Kind::klv,
            .body = samples::grown(as_bytes("\x06\x0e\x2b\x34"), size),
            .pts = pts};
}

/// The packets of messages, and which of them has the marker.
struct Sent {
    std::vector<std::vector<std::byte>> packets;
    Format format;

    explicit Sent(std::span<const media::TimedMessage> messages) {
        const media::ConfigRef config = klv_config(90'000);
        format = klv_format(103);
        Sender sender{format, {.payload_type = 103, .ssrc = 9, .sequence = 65'534}};
        std::vector<media::AccessUnit> units;
        for (const media::TimedMessage& one : messages) {
            units.push_back(klv_unit(one, config));
        }
        packets = samples::packets_of(sender, units);
    }
    bool marked(std::size_t index) const { return read_packet(packets[index])->header.marker; }
    /// What comes of them without these.
    std::vector<media::TimedMessage> heard(const std::vector<std::size_t>& lost = {}) const {
        Receiver receiver = *Receiver::make(format, {});
        std::vector<media::TimedMessage> got;
        for (std::size_t i = 0; i < packets.size(); ++i) {
            if (std::ranges::find(lost, i) == lost.end()) {
                receiver.receive(packets[i], {});
            }
            while (const std::optional<media::AccessUnit> unit = receiver.next()) {
                got.push_back(klv_message(*unit));
            }
        }
        return got;
    }
};

TEST(RtpKlv, a_unit_takes_as_many_packets_as_it_needs_and_the_last_has_the_marker) {
    const std::vector<media::TimedMessage> messages{said(1, 0), said(PacketWriter::room(), 3'600),
                                                    said(PacketWriter::room() + 1, 7'200),
                                                    said(media::TimedMessage::bytes_max, 10'800)};
    const Sent sent{messages};
    EXPECT_EQ(name(sent.format.encoding), "smpte336m");
    std::size_t marked = 0;
    for (std::size_t i = 0; i < sent.packets.size(); ++i) {
        EXPECT_LE(sent.packets[i].size(), packet_size_max);
        marked += sent.marked(i) ? 1 : 0;
    }
    EXPECT_TRUE(sent.marked(0) && sent.marked(1) && !sent.marked(2) && sent.marked(3));
    EXPECT_EQ(marked, messages.size());
    const std::vector<media::TimedMessage> heard = sent.heard();
    ASSERT_EQ(heard.size(), messages.size());
    for (std::size_t i = 0; i < heard.size(); ++i) {
        EXPECT_EQ(heard[i].kind, media::TimedMessage::Kind::klv);
        EXPECT_EQ(heard[i].body, messages[i].body);
        EXPECT_EQ(*heard[i].source_pts - *heard[0].source_pts, messages[i].pts);
    }
}

TEST(RtpKlv, a_unit_of_which_a_packet_is_lost_is_left_out_and_never_glued_to_another) {
    // Packets 0 to 2, 3 to 5, 6, 7.
    const std::vector<media::TimedMessage> messages{said(3'000, 0), said(3'001, 3'600), said(10, 7'200),
                                                    said(11, 10'800)};
    const Sent sent{messages};
    ASSERT_EQ(sent.packets.size(), 8U);
    struct Row {
        std::vector<std::size_t> lost;
        std::vector<std::size_t> kept;   // of the messages
    };
    // What follows a loss cannot be known to be whole before a marker was seen.
    const Row rows[] = {
        {{1}, {1, 2, 3}}, {{2}, {2, 3}},    {{0}, {0, 1, 2, 3}}, {{3}, {0, 2, 3}},
        {{5}, {0, 3}},    {{2, 3}, {2, 3}}, {{6}, {0, 1}},
    };
    for (const Row& row : rows) {
        const bool begins_late = row.lost.front() == 0;   // nobody knows of a packet before the first
        const std::vector<media::TimedMessage> heard = sent.heard(row.lost);
        if (begins_late) {
            EXPECT_GE(heard.size(), 3U);
            continue;
        }
        ASSERT_EQ(heard.size(), row.kept.size()) << row.lost.front();
        for (std::size_t i = 0; i < heard.size(); ++i) {
            EXPECT_EQ(heard[i].body, messages[row.kept[i]].body);
        }
    }
}

TEST(RtpKlv, what_grows_beyond_a_message_or_never_ends_is_dropped) {
    const Format format{.encoding = Encoding::klv, .payload_type = 103};
    const auto depacketiser = depacketiser_of(format);
    ASSERT_TRUE(depacketiser);
    const Bytes part = samples::grown({}, 1'000);
    const auto take = [&](std::int64_t timestamp, bool marker) {
        (*depacketiser)->take({.timestamp = timestamp, .marker = marker, .payload = part});
    };
    for (int i = 0; i < 17; ++i) {
        take(0, i == 16);
    }
    EXPECT_FALSE((*depacketiser)->next());
    take(1, false);   // its marker never comes
    take(2, true);
    const std::optional<media::AccessUnit> whole = (*depacketiser)->next();
    ASSERT_TRUE(whole);
    EXPECT_EQ(whole->payload.size(), part.size());
    EXPECT_EQ(whole->pts, 2);
    EXPECT_EQ((*depacketiser)->counters().units_broken, 2U);
}

}   // namespace
}   // namespace millrace::rtp
