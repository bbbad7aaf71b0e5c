#include "apps/loadgen/rtp_programme.hpp"

#include "apps/loadgen/socket.hpp"

#include <time.h>

#include <algorithm>

namespace millrace::loadgen {

namespace {

constexpr Duration report_interval = 1s;

WallTime time_of_day() {
    timespec time{};
    clock_gettime(CLOCK_REALTIME, &time);
    return {time.tv_sec * 1'000'000 + time.tv_nsec / 1'000};
}

}   // namespace

RtpProgramme::RtpProgramme(const Rate& rate, bool sound) : camera_{rate, sound} {
    std::vector<media::Track> tracks;
    for (rtmp::Media& media : camera_.opening()) {
        const std::optional<flv::Item> item = read(std::move(media));
        const auto* const configured = item ? std::get_if<flv::Configured>(&*item) : nullptr;
        if (configured != nullptr) {
            tracks.push_back({.id = configured->track,
                              .kind = media::kind_of(configured->config->codec),
                              .language = {},
                              .config = configured->config});
        }
    }
    offer_ = rtsp::offer_of(tracks, "loadgen");
    for (std::size_t i = 0; i < offer_.tracks.size(); ++i) {
        const rtp::PacketNumbering numbering{.payload_type = offer_.formats[i].payload_type,
                                             .ssrc = random_.next_u32(),
                                             .sequence = static_cast<std::uint16_t>(random_.next_u32()),
                                             .timestamp = random_.next_u32(),
                                             .channel = static_cast<std::uint8_t>(2 * i)};
        tracks_.push_back({offer_.tracks[i], std::make_unique<rtp::Sender>(offer_.formats[i], numbering)});
    }
}

std::optional<flv::Item> RtpProgramme::read(rtmp::Media media) {
    const flv::Tag tag = rtmp::tag_of(std::move(media));
    Result<std::optional<flv::Item>> item = reader_.read(tag.type, tag.timestamp_ms, tag.body);
    if (!item) {
        throw Hindrance{std::string{item.error().what}};
    }
    return std::move(*item);
}

const RtpProgramme::Message& RtpProgramme::at(std::uint64_t number) {
    while (first_ + messages_.size() <= number) {
        make();
    }
    return messages_[number - first_];
}

void RtpProgramme::forget_before(std::uint64_t number) {
    for (; first_ < number && !messages_.empty(); ++first_) {
        messages_.pop_front();
    }
}

void RtpProgramme::make() {
    const bool sound = camera_.sound_due() < camera_.picture_due();
    const Duration due = std::min(camera_.sound_due(), camera_.picture_due());
    const std::optional<flv::Item> item = read(sound ? camera_.sound() : camera_.picture(now()));
    const media::AccessUnit& unit = std::get<media::AccessUnit>(item.value());
    Track& track = *std::ranges::find(tracks_, unit.track, &Track::id);
    rtp::Packets& packets = track.sender->packets();
    packets.clear();
    if (const Result<> written = track.sender->write(unit); !written) {
        throw Hindrance{std::string{written.error().what}};
    }
    track.sender->set_utc(time_of_day());
    std::vector<std::byte> bytes = packets.bytes;
    if (due == Duration{} || due - track.reported >= report_interval) {
        track.sender->append_report(bytes, "loadgen");
        track.reported = due;
    }
    messages_.push_back({due, Bytes{std::move(bytes)}, !sound});
}

}   // namespace millrace::loadgen
