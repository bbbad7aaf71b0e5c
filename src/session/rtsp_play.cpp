#include "session/rtsp_play.hpp"

#include "base/byte_reader.hpp"
#include "hub/derived_feed.hpp"
#include "media/time.hpp"
#include "protocol/rtp/packet.hpp"
#include "protocol/rtp/rtcp.hpp"
#include "protocol/rtsp/player_back_channel.hpp"
#include "session/rtsp_access.hpp"

#include <algorithm>
#include <array>
#include <map>

namespace millrace::session {

namespace {

constexpr Duration join_deadline = 10s;
/// '$' | channel | length u16 | RTP: bits u16 | sequence u16 | timestamp u32
constexpr std::size_t front_size = 12;

/// The bytes of a log from there, as far as there are any.
std::span<const std::byte> front_of(const LogView& log, std::uint64_t from,
                                    std::array<std::byte, front_size>& into) {
    std::array<ByteSpan, 4> slices;
    const std::size_t count = log.gather(from, std::min(from + front_size, log.head()), slices);
    std::size_t size = 0;
    for (const ByteSpan slice : std::span{slices}.first(count)) {
        std::ranges::copy(slice, into.begin() + static_cast<std::ptrdiff_t>(size));
        size += slice.size();
    }
    return std::span{into}.first(size);
}

/// The sender reports that a newcomer hears first, by the channel of the packets that they speak of.
std::map<std::uint8_t, rtp::SenderReport> reports_of(ByteSpan frames) {
    std::map<std::uint8_t, rtp::SenderReport> reports;
    ByteReader reader{frames};
    while (reader.remaining() >= rtp::interleaved_head_size) {
        reader.u8();
        const std::uint8_t channel = reader.u8();
        const auto packets = rtp::read_control(reader.take(reader.u16()));
        const auto* const report =
            packets && !packets->empty() ? std::get_if<rtp::SenderReport>(&packets->front()) : nullptr;
        if (report != nullptr && channel > 0) {
            reports.emplace(static_cast<std::uint8_t>(channel - 1), *report);
        }
    }
    return reports;
}

/// RFC 2326 §12.33: all RTP times of RTP-Info are of one moment. It is that of the packet which comes first.
void set_to_one_moment(std::vector<rtsp::Server::TrackStart>& starts, std::span<const RtspChannel> channels,
                       const std::map<std::uint8_t, rtp::SenderReport>& reports) {
    std::optional<std::int64_t> moment;
    for (rtsp::Server::TrackStart& start : starts) {
        const auto channel = std::ranges::find(channels, start.track, &RtspChannel::track);
        const auto report = reports.find(channel->channel);
        if (report == reports.end()) {
            continue;
        }
        const std::int64_t reported = rtp::utc_of(report->second.ntp).microseconds;
        if (!moment) {
            const std::uint32_t since = start.timestamp - report->second.timestamp;
            moment = reported +
                     media::rescale_nearest(static_cast<std::int32_t>(since), channel->clock_rate, 1'000'000);
            continue;
        }
        const std::int64_t ticks = media::rescale_nearest(*moment - reported, 1'000'000, channel->clock_rate);
        start.timestamp = report->second.timestamp + static_cast<std::uint32_t>(ticks);
    }
}

/// Those that were set up: over TCP on the channels that the player chose, over UDP on those of most players,
/// whose log it then shares.
std::vector<RtspChannel> channels_of(const rtsp::Offer& offer, std::span<const rtsp::SetupTrack> tracks) {
    std::vector<RtspChannel> channels;
    for (const rtsp::SetupTrack& one : tracks) {
        const auto usual = static_cast<std::uint8_t>(one.track * 2);
        const auto& chosen = one.transport.channels;
        channels.push_back({one.track, chosen ? chosen->rtp : usual, offer.formats[one.track].clock_rate});
    }
    return channels;
}

/// The player's seat.
Task<Result<hub::Joined>> join(Desk& desk, const RtspPlayer& player, std::span<const RtspChannel> channels) {
    Result<hub::Joined> joined = co_await rtsp_join(desk, player.offer, player.connection->peer(), channels);
    if (joined) {
        player.connection->let_in();
        joined->seat->bind(*player.connection);
    }
    co_return joined;
}

}   // namespace

Task<Result<hub::Joined>> rtsp_join(Desk& desk, const RtspOffer& offer, Endpoint peer,
                                    std::span<const RtspChannel> channels) {
    rtsp::ChannelPlan plan;
    for (const RtspChannel& one : channels) {
        plan.set(offer.offer.tracks[one.track], one.channel);
    }
    const std::uint64_t seed = std::uint64_t{desk.random.next_u32()} << 32U | desk.random.next_u32();
    Answer<hub::Joined> answer{desk.executor};
    desk.mirrors.join(
        hub::flavour_of({.form = rtsp_protocol, .only = {}, .plan = plan.packed()},
                        [plan, seed] { return rtsp::Muxer{plan, seed}; }),
        {.protocol = rtsp_protocol, .stream = offer.stream, .peer = std::move(peer), .who = offer.who},
        answer.reply());
    co_return co_await answer.within(desk.executor.now() + join_deadline);
}

std::vector<rtsp::Server::TrackStart> starts_of(const LogView& log, std::span<const RtspChannel> channels) {
    std::vector<rtsp::Server::TrackStart> starts;
    const Entrance* const entrance = log.newest_entrance();
    std::uint64_t at = entrance == nullptr ? log.head() : entrance->offset;
    std::array<std::byte, front_size> buffer;
    while (starts.size() < channels.size()) {
        ByteReader reader{front_of(log, at, buffer)};
        reader.u8();
        const std::uint8_t channel = reader.u8();
        const std::size_t length = reader.u16();
        reader.u16();
        const std::uint16_t sequence = reader.u16();
        const std::uint32_t timestamp = reader.u32();
        if (!reader.ok()) {
            break;
        }
        at += rtp::interleaved_head_size + length;
        const auto wanted = std::ranges::find(channels, channel, &RtspChannel::channel);
        if (wanted != channels.end() &&
            std::ranges::find(starts, wanted->track, &rtsp::Server::TrackStart::track) == starts.end()) {
            starts.push_back({wanted->track, sequence, timestamp});
        }
    }
    if (entrance != nullptr) {
        set_to_one_moment(starts, channels, reports_of(entrance->resume));
    }
    return starts;
}

Task<Result<>> rtsp_play(Desk& desk, RtspPlayer& player, std::span<const rtsp::SetupTrack> tracks) {
    const std::vector<RtspChannel> channels = channels_of(player.offer.offer, tracks);
    Result<hub::Joined> joined = co_await join(desk, player, channels);
    if (!joined) {
        co_return std::unexpected(joined.error());
    }
    // Nothing is waited for from here on, so that it begins at the packets that RTP-Info names.
    player.machine->start_play(starts_of(*joined->log, channels));
    Bytes lead{player.machine->next_output()};
    rtsp::PlayerWishes wishes{
        .key_frame = [&directory = desk.directory,
                      stream = player.offer.stream] { directory.ask(stream, hub::AskKeyFrame{}); },
        .starts = [&log = *joined->log, channels] { return starts_of(log, channels); },   // the seat keeps it
    };
    desk.fan_out.join(*joined->log,
                      {.connection = std::move(player.connection),
                       .lead = std::move(lead),
                       .back_channel = rtsp::into_back_channel(std::move(player.machine), std::move(wishes)),
                       .seat = std::move(joined->seat)});
    co_return Result<>{};
}

Task<Result<>> rtsp_play_datagrams(Desk& desk, RtspPlayer& player, std::span<const rtsp::SetupTrack> tracks,
                                   RtspByDatagrams by) {
    const std::vector<RtspChannel> channels = channels_of(player.offer.offer, tracks);
    net::DatagramViewer viewer{
        .host = by.datagrams.host(), .tracks = {}, .seat = nullptr, .ended = std::move(by.ended)};
    for (std::size_t i = 0; i < tracks.size(); ++i) {
        const rtsp::Ports ports = tracks[i].transport.client_ports.value_or(rtsp::Ports{});
        viewer.tracks.push_back({channels[i].channel, ports.rtp, ports.rtcp});
    }
    Result<hub::Joined> joined = co_await join(desk, player, channels);
    if (!joined) {
        co_return std::unexpected(joined.error());
    }
    player.machine->start_play(starts_of(*joined->log, channels));
    viewer.seat = std::move(joined->seat);
    by.datagrams.join(*joined->log, std::move(viewer),
                      [&log = *joined->log, channels] { return starts_of(log, channels); });
    player.offer.place.reset();
    co_return Result<>{};
}

}   // namespace millrace::session
