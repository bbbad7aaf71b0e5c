#include "container/ts_multiplexer.hpp"

#include "base/byte_reader.hpp"
#include "container/id3.hpp"
#include "container/ts_elementary.hpp"
#include "container/ts_pes.hpp"
#include "container/ts_sections.hpp"
#include "media/time.hpp"

#include <algorithm>
#include <utility>

namespace millrace::ts {
namespace {

constexpr std::uint16_t programme_number = 1;
constexpr Pid map_pid = 0x1000;
constexpr Pid first_track_pid = 0x0100;
constexpr Pid message_pid = 0x0200;   // behind all tracks
constexpr Pid klv_pid = 0x0201;
constexpr std::uint8_t versions = 32;
/// By how much other tracks' units move the clock later than those that carry it, at first and at most: where
/// audio runs ahead of video, the video still sets the clock.
constexpr std::int64_t patience_min = 200 * clock_rate / 1000;
constexpr std::int64_t patience_max = 2 * clock_rate;

std::int64_t ticks(std::int64_t time, std::int64_t timescale) {
    return media::rescale_nearest(time, timescale, clock_rate) + time_offset;
}

/// Packets that hold one section and nothing else.
void append_section(std::vector<std::byte>& out, Pid pid, ByteSpan section) {
    const std::size_t packets = (section.size() + packet_payload_max) / packet_payload_max;
    std::vector<std::byte> payload;
    payload.reserve(packets * packet_payload_max);
    payload.push_back(std::byte{0});   // pointer_field: the section begins at once
    payload.insert(payload.end(), section.begin(), section.end());
    payload.resize(packets * packet_payload_max, std::byte{0xFF});
    std::uint8_t counter = 0;   // set when they are sent
    PacketWriter{out, counter, {.pid = pid}, payload.size()}.put(payload);
}

}   // namespace

Multiplexer::Multiplexer(std::string_view service_name)
    : service_name_{service_name}, patience_{patience_min} {
}

void Multiplexer::configure(std::span<const media::Track> tracks) {
    std::vector<Stream> streams;
    for (const media::Track& track : tracks) {
        if (track.config == nullptr || !carries(track) || streams.size() == tracks_max) {
            continue;
        }
        Stream stream{track.id, track.kind, track.config, nullptr, 0};
        stream.pid = static_cast<Pid>(first_track_pid + track.id);
        const auto before = std::ranges::find(streams_, track.id, &Stream::id);
        stream.said = before == streams_.end() ? nullptr : before->said;
        streams.push_back(std::move(stream));
    }
    const auto video = std::ranges::find(streams, media::Kind::video, &Stream::kind);
    if (video != streams.end()) {
        std::rotate(streams.begin(), video, video + 1);
    }
    const auto same = [](const Stream& a, const Stream& b) { return a.id == b.id && a.config == b.config; };
    const bool changed = !std::ranges::equal(streams_, streams, same);
    streams_ = std::move(streams);
    if (changed) {
        change_tables();
    }
}

void Multiplexer::change_tables() {
    version_ = static_cast<std::uint8_t>((version_ + 1U) % versions);
    rebuild_tables();
    tables_due_ = true;
}

void Multiplexer::expect_messages(media::TimedMessage::Kind kind) {
    bool& with = kind == media::TimedMessage::Kind::klv ? with_klv_ : with_messages_;
    if (!std::exchange(with, true)) {
        change_tables();
    }
}

void Multiplexer::expect(std::span<const media::TimedMessage> messages) {
    for (const media::TimedMessage& message : messages) {
        expect_messages(message.kind);
    }
}

std::optional<media::TrackId> Multiplexer::clock_track() const {
    return streams_.empty() ? std::nullopt : std::optional{streams_.front().id};
}

void Multiplexer::rebuild_tables() {
    ProgrammeMap map{.programme = programme_number, .version = version_, .streams = {}};
    for (const Stream& stream : streams_) {
        map.streams.push_back({static_cast<std::uint8_t>(stream_type(*stream.config)), stream.pid,
                               descriptors(*stream.config)});
    }
    if (with_messages_) {
        map.descriptors = id3_pointer(programme_number);
        map.streams.push_back(
            {static_cast<std::uint8_t>(StreamType::metadata), message_pid, id3_descriptors()});
    }
    if (with_klv_) {
        map.streams.push_back(
            {static_cast<std::uint8_t>(StreamType::private_pes), klv_pid, klv_descriptors()});
    }
    map.clock_pid = streams_.empty() ? null_pid : streams_.front().pid;
    tables_.clear();
    append_section(tables_, pat_pid, write_pat({programme_number, map_pid}));
    append_section(tables_, map_pid, write_pmt(map));
    append_section(tables_, sdt_pid, service_table(true));
}

std::vector<std::byte> Multiplexer::service_table(bool running) const {
    // What may change in it has a bit of its version.
    const auto version = static_cast<std::uint8_t>((has_video() ? 1U : 0U) | (running ? 0U : 2U));
    return write_sdt({.number = programme_number,
                      .version = version,
                      .video = has_video(),
                      .running = running,
                      .provider = provider_name,
                      .name = service_name_});
}

void Multiplexer::count_packets(std::span<std::byte> packets) {
    for (; !packets.empty(); packets = packets.subspan(packet_size)) {
        const auto high = static_cast<unsigned>(packets[1] & std::byte{0x1F});
        const unsigned pid = high << 8U | static_cast<unsigned>(packets[2]);
        std::uint8_t& counter = table_counters_.at(pid == pat_pid ? 0 : pid == map_pid ? 1 : 2);
        packets[3] = (packets[3] & std::byte{0xF0}) | std::byte{counter};
        counter = (counter + 1U) & 0x0FU;
    }
}

void Multiplexer::stop(std::vector<std::byte>& out) {
    if (!clock_ || std::exchange(stopped_, true)) {
        return;
    }
    std::vector<std::byte> packets;
    append_section(packets, sdt_pid, service_table(false));
    count_packets(packets);
    out.insert(out.end(), packets.begin(), packets.end());
    tables_due_ = true;
}

void Multiplexer::write_tables(std::vector<std::byte>& out) {
    last_tables_ = tables_;
    count_packets(last_tables_);
    out.insert(out.end(), last_tables_.begin(), last_tables_.end());
    tables_due_ = false;
    tables_at_ = clock_.value_or(0);
}

void Multiplexer::write_tables_if_old(std::vector<std::byte>& out) {
    if (*clock_ - tables_at_ >= tables_interval) {
        write_tables(out);
    }
}

void Multiplexer::write_clock(std::vector<std::byte>& out, std::int64_t value, bool jump) {
    const Stream& stream = streams_.front();
    append_clock_packet(out, {.pid = stream.pid, .discontinuity = jump, .pcr = value},
                        track_counters_[stream.id]);
    clock_ = value;
}

/// Clock values at even steps until `to` itself is one step away: that one is said by the packet that
/// follows.
void Multiplexer::fill(std::vector<std::byte>& out, std::int64_t to) {
    const std::int64_t from = *clock_;
    const std::int64_t steps = (to - from + clock_interval_max - 1) / clock_interval_max;
    for (std::int64_t step = 1; step < steps; ++step) {
        write_clock(out, from + (to - from) * step / steps, false);
        write_tables_if_old(out);
    }
}

/// Tables and clock values that are due before a unit; gives the head of the unit's first packet.
UnitHead Multiplexer::approach(std::vector<std::byte>& out, const Stream& stream,
                               const media::AccessUnit& unit) {
    const bool leads = &stream == &streams_.front();
    const bool video = stream.kind == media::Kind::video;
    const std::int64_t target =
        ticks(unit.dts, unit.config->timescale) - clock_lead - (leads ? 0 : patience_);
    UnitHead head{.pid = stream.pid,
                  .random_access = video && unit.key,
                  .discontinuity = unit.discontinuity,
                  .pcr = {}};
    if (tables_due_ || (video && unit.key)) {
        write_tables(out);
        head.random_access = head.random_access || leads;
    }
    const std::int64_t gap = clock_ ? target - *clock_ : 0;
    const bool jump = gap > (unit.discontinuity ? clock_interval_max : clock_fill_max);
    if (gap > clock_interval_max && !jump) {
        fill(out, target);
    }
    if (!clock_) {
        tables_at_ = target;
    }
    if (leads) {
        // Never back: other tracks were ahead. They will not get so far ahead again.
        const std::int64_t value = clock_ ? std::max(target, *clock_ + 1) : target;
        patience_ = std::min(patience_ + (value - target), patience_max);
        head.pcr = value;
        head.discontinuity = head.discontinuity || jump;
        clock_ = value;
    } else if (!clock_ || gap > clock_interval_max) {
        write_clock(out, target, jump);
    }
    write_tables_if_old(out);
    return head;
}

void Multiplexer::write(std::vector<std::byte>& out, const media::AccessUnit& unit) {
    const auto stream = std::ranges::find(streams_, unit.track, &Stream::id);
    if (stream == streams_.end() || stream->kind != unit.kind()) {
        return;
    }
    const bool video = stream->kind == media::Kind::video;
    prefix_.clear();
    if (!append_prefix(prefix_, unit, unit.key || stream->said != unit.config)) {
        return;
    }
    const PesHeader header{{.stream_id = stream_id(*unit.config),
                            .pts = ticks(unit.pts, unit.config->timescale),
                            .dts = ticks(unit.dts, unit.config->timescale),
                            .payload_size = prefix_.size() + unit.payload.size()}};
    const std::size_t size = header.span().size() + prefix_.size() + unit.payload.size();
    if (!video && size > pes_length_max) {
        return;   // audio has to say its length
    }
    stream->said = unit.config;
    stopped_ = false;
    const UnitHead head = approach(out, *stream, unit);
    PacketWriter writer{out, track_counters_[stream->id], head, size};
    writer.put(header.span());
    writer.put(prefix_);
    if (!video) {
        writer.put(unit.payload);
        return;
    }
    constexpr std::array start_code{std::byte{0}, std::byte{0}, std::byte{0}, std::byte{1}};
    ByteReader nals{unit.payload};   // a start code is as long as the length it takes the place of
    while (!nals.at_end()) {
        const ByteSpan nal = nals.take(nals.u32());
        writer.put(start_code);
        writer.put(nal);
    }
}

void Multiplexer::write(std::vector<std::byte>& out, const media::TimedMessage& message) {
    if (!clock_) {
        return;
    }
    expect_messages(message.kind);
    if (tables_due_) {
        write_tables(out);
    }
    const bool klv = message.kind == media::TimedMessage::Kind::klv;
    const std::vector<std::byte> tag =
        klv ? std::vector<std::byte>{} : id3::text_tag(id3::result_name, as_text(message.body));
    const ByteSpan payload = klv ? message.body.span() : ByteSpan{tag};
    const std::int64_t pts = message.pts + time_offset;
    const PesHeader header{
        {.stream_id = private_stream_id, .pts = pts, .dts = pts, .payload_size = payload.size()}};
    PacketWriter writer{out,
                        klv ? klv_counter_ : message_counter_,
                        {.pid = klv ? klv_pid : message_pid},
                        header.span().size() + payload.size()};
    writer.put(header.span());
    writer.put(payload);
}

void Multiplexer::run_on(std::vector<std::byte>& out, std::int64_t dts, std::int64_t timescale) {
    if (!clock_ || streams_.empty()) {
        return;
    }
    const std::int64_t target = ticks(dts, timescale) - clock_lead;
    if (target - *clock_ <= clock_fill_max) {
        fill(out, target);
    }
}

}   // namespace millrace::ts
