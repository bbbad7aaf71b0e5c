#include "session/rtsp_rewind.hpp"

#include "base/date_time.hpp"
#include "base/log.hpp"
#include "media/time.hpp"
#include "protocol/rtp/rtcp.hpp"
#include "protocol/rtsp/muxer.hpp"
#include "session/rtsp_access.hpp"

#include <algorithm>

namespace millrace::session {

namespace {

constexpr std::string_view ending = "/archive";
constexpr std::string_view cname = "millrace";
constexpr Duration list_deadline = 20s;
constexpr Duration report_interval = 1s;
/// Fragments that are listed ahead.
constexpr std::size_t ahead_max = 64;
/// How often it looks for more where a recording grows.
constexpr Duration grow_interval = 300ms;
/// Where the newest fragment of a recording that grows is looked for.
constexpr std::int64_t newest_us = 60'000'000;
constexpr Duration datagram_pause = 5ms;
constexpr std::int64_t microseconds = 1'000'000;
/// From this scale on key pictures alone.
constexpr rtsp::Scale every_picture_max = 2 * rtsp::real_time;

WallTime end_of(const archive::FoundFragment& one) {
    return {one.fragment.utc.microseconds + one.fragment.duration_us};
}

/// "avc1,mp4a" of "avc1.64001f,mp4a.40.2": a change of these is one that no player follows.
std::string coders_of(std::string_view codecs) {
    std::string coders;
    bool profile = false;
    for (const char c : codecs) {
        profile = c == '.' || (profile && c != ',');
        if (!profile) {
            coders += c;
        }
    }
    return coders;
}

/// The units from the key picture at or before a moment on; where there is none, all of them.
void begin_at(std::deque<media::AccessUnit>& units, const RewindLine& line, WallTime moment) {
    const bool pictures =
        std::ranges::find(units, media::Kind::video, &media::AccessUnit::kind) != units.end();
    std::optional<std::ptrdiff_t> begin;
    for (std::size_t i = 0; i < units.size(); ++i) {
        const bool entrance = units[i].key && (units[i].kind() == media::Kind::video || !pictures);
        if (entrance && (!begin || line.shown_at(units[i]) <= moment)) {
            begin = static_cast<std::ptrdiff_t>(i);
        }
    }
    units.erase(units.begin(), units.begin() + begin.value_or(0));
}

}   // namespace

Result<std::optional<RewindAddress>> rewind_address(const rtsp::StreamAddress& address) {
    if (!address.path.ends_with(ending) || address.path.size() == ending.size()) {
        return std::nullopt;
    }
    const Result<AskedSpan> asked = read_span({.query = address.query});
    if (!asked) {
        return std::unexpected(asked.error());
    }
    return RewindAddress{address.path.substr(0, address.path.size() - ending.size()), *asked};
}

RtspRewind::RtspRewind(Desk& desk, Connection& connection, Ask ask)
    : Entry{desk.sessions,
            {.kind = hub::SessionKind::viewer,
             .protocol = rtsp_protocol,
             .stream = ask.address.stream,
             .peer = connection.peer(),
             .since = {},
             .who = std::move(ask.who),
             .recorded = true}},
      desk_{desk},
      connection_{connection},
      keeper_{*desk.keeper},
      span_{ask.address.asked.span},
      open_ended_{ask.address.asked.open_ended()},
      reading_{desk, keeper_, std::move(ask.address.stream)},
      until_{span_.to} {
}

Task<Result<std::unique_ptr<RtspRewind>>> RtspRewind::open(Desk& desk, Connection& connection, Ask ask) {
    auto opened = std::make_unique<RtspRewind>(desk, connection, std::move(ask));
    const Result<> looked = co_await opened->look();
    if (!looked) {
        co_return std::unexpected(looked.error());
    }
    co_return opened;
}

Task<Result<archive::Listing>> RtspRewind::list(archive::Span span, std::size_t count_max) {
    Answer<archive::Listing> answer{desk_.executor};
    keeper_.list(reading_.stream(), span, answer.reply(), {.count_max = count_max});
    co_return co_await answer.within(desk_.executor.now() + list_deadline);
}

/// What there is, and where npt begins and ends: at the latest where something else is coded, which the
/// description does not say.
Task<Result<>> RtspRewind::look() {
    const Result<archive::Listing> found = co_await list(span_, archive::Archive::listed_max);
    if (!found) {
        co_return std::unexpected(found.error());
    }
    if (found->fragments.empty()) {
        co_return fail(Errc::not_found, found->elsewhere.empty()
                                            ? "nothing of this stream was recorded then"
                                            : "what was recorded then is on the disk of another node alone");
    }
    const std::string coders = coders_of(found->fragments.front().codecs);
    const auto change = std::ranges::find_if(
        found->fragments, [&](const auto& one) { return coders_of(one.codecs) != coders; });
    const bool grows = found->more || (open_ended_ && found->recording);
    if (change != found->fragments.end()) {
        last_ = change->fragment.utc;
    } else if (!grows) {
        last_ = std::min(end_of(found->fragments.back()), span_.to);
    }
    if (const Result<> sought = co_await seek(span_.from); !sought) {
        co_return sought;
    }
    origin_ = line_.shown_at(units_.front());
    std::vector<media::Track> tracks = reading_.tracks();
    if (klv_.is_among(units_)) {
        tracks.push_back(klv_.track());
    }
    offer_ = rtsp::offer_of(tracks, reading_.stream());
    if (offer_.formats.empty()) {
        co_return fail(Errc::unsupported, "RTP carries none of the recording's tracks");
    }
    const std::int64_t length = last_ ? last_->microseconds - origin_.microseconds : 0;
    offer_.description.range =
        write(rtsp::Range{.from_us = 0, .to_us = length > 0 ? std::optional{length} : std::nullopt});
    co_return Result<>{};
}

/// What there is from a moment on; of a recording that grows, and has not come so far, its newest fragment.
Task<Result<archive::Listing>> RtspRewind::around(WallTime moment) {
    Result<archive::Listing> found = co_await list({moment, span_.to}, ahead_max);
    if (found && found->fragments.empty() && open_ended_ && found->recording) {
        found = co_await list({{moment.microseconds - newest_us}, span_.to}, ahead_max);
        if (found && found->fragments.size() > 1) {
            found->fragments.erase(found->fragments.begin(), found->fragments.end() - 1);
        }
    }
    co_return found;
}

Task<Result<>> RtspRewind::seek(WallTime moment) {
    Result<archive::Listing> found = co_await around(moment);
    if (!found) {
        co_return std::unexpected(found.error());
    }
    if (found->fragments.empty() || (last_ && moment >= *last_)) {
        co_return fail(Errc::not_found, "nothing was recorded from that moment on");
    }
    listed_to_ = end_of(found->fragments.back());
    ahead_.assign(std::make_move_iterator(found->fragments.begin()),
                  std::make_move_iterator(found->fragments.end()));
    units_.clear();
    datagrams_waiting_.clear();
    line_.leave();
    if (const Result<> filled = co_await fill(); !filled) {
        co_return filled;
    }
    begin_at(units_, line_, moment);
    co_return units_.empty() ? fail(Errc::not_found, "nothing was recorded from that moment on") : Result<>{};
}

/// Reads the next fragment that can be read. Nothing is left of those listed: `ahead_` and `units_` are
/// empty.
Task<Result<>> RtspRewind::fill() {
    while (units_.empty() && !ahead_.empty()) {
        const archive::FoundFragment one = std::move(ahead_.front());
        ahead_.pop_front();
        Result<std::vector<media::AccessUnit>> units = co_await reading_.read(one);
        if (units) {
            line_.enter(one);
            units_.assign(std::make_move_iterator(units->begin()), std::make_move_iterator(units->end()));
            klv_.add(units_, reading_, line_);
        } else if (units.error().code != Errc::malformed && units.error().code != Errc::not_found) {
            co_return std::unexpected(units.error());   // damaged, or taken by retention: a gap
        }
    }
    co_return Result<>{};
}

/// Lists what comes behind what was listed.
Task<Result<>> RtspRewind::refill() {
    if (listed_to_ >= until_ || (last_ && listed_to_ >= *last_)) {
        co_return Result<>{};
    }
    Result<archive::Listing> found = co_await list({listed_to_, span_.to}, ahead_max);
    if (!found) {
        co_return std::unexpected(found.error());
    }
    // The one that the moment lies in was sent.
    std::erase_if(found->fragments, [&](const auto& one) {
        return one.fragment.utc < listed_to_ && end_of(one) <= WallTime{listed_to_.microseconds + 1'000};
    });
    for (archive::FoundFragment& one : found->fragments) {
        listed_to_ = std::max(end_of(one), WallTime{listed_to_.microseconds + 1});   // each is listed once
        ahead_.push_back(std::move(one));
    }
    look_again_ = desk_.executor.now() + grow_interval;
    if (ahead_.empty() && !(open_ended_ && found->recording)) {
        last_ = listed_to_;   // it grows no more
    }
    co_return Result<>{};
}

/// Units to send next, if there are any by now.
Task<Result<>> RtspRewind::fetch() {
    if (ahead_.empty()) {
        if (const Result<> listed = co_await refill(); !listed) {
            co_return listed;
        }
    }
    if (const Result<> filled = co_await fill(); !filled) {
        co_return filled;
    }
    co_return units_.empty() ? Result<>{} : check_formats();
}

/// Parameter sets of H.264 and H.265 travel in band; of anything else the description says how it is coded.
Result<> RtspRewind::check_formats() const {
    for (const Sending& one : sending_) {
        const auto track = std::ranges::find(reading_.tracks(), one.id, &media::Track::id);
        if (track == reading_.tracks().end() || track->config == nullptr) {
            continue;
        }
        const Result<rtp::Format> format = rtp::format_of(*track->config, one.sender->format().payload_type);
        if (!format || !rtsp::same_format(*format, one.sender->format())) {
            return fail(Errc::unsupported, "another codec follows: DESCRIBE anew with from= behind it");
        }
    }
    return {};
}

void RtspRewind::set_up(const std::vector<rtsp::SetupTrack>& tracks, bool by_connection) {
    sending_.clear();
    for (const rtsp::SetupTrack& one : tracks) {
        const rtp::Format& format = offer_.formats[one.track];
        const auto channel = by_connection && one.transport.channels
                                 ? std::optional{one.transport.channels->rtp}
                                 : std::nullopt;
        sending_.push_back(
            {.track = one.track,
             .id = offer_.tracks[one.track],
             .channel = channel,
             .sender = std::make_unique<rtp::Sender>(
                 format, rtp::PacketNumbering{.payload_type = format.payload_type,
                                              .ssrc = desk_.random.next_u32(),
                                              .sequence = static_cast<std::uint16_t>(desk_.random.next_u32()),
                                              .timestamp = desk_.random.next_u32(),
                                              .channel = channel}),
             .reported = {}});
    }
}

/// The moment of the day at which it is to begin; that of the next unit where nothing else is said.
WallTime RtspRewind::wished(const rtsp::Server::PlayStarted& wish) const {
    if (wish.range && wish.range->from_us) {
        const bool npt = wish.range->unit == rtsp::Range::Unit::npt;
        return {*wish.range->from_us + (npt ? origin_.microseconds : 0)};
    }
    return units_.empty() ? listed_to_ : line_.shown_at(units_.front());
}

Task<Result<RtspRewind::Started>> RtspRewind::play(rtsp::Server::PlayStarted wish, RtspDatagrams* datagrams) {
    datagrams_ = datagrams;
    const bool begun = std::exchange(begun_, true) && sending_.size() == wish.tracks.size();
    if (!begun) {
        set_up(wish.tracks, datagrams == nullptr);
    }
    const WallTime moment = std::max(wished(wish), span_.from);
    const bool elsewhere = wish.range && wish.range->from_us;
    const auto past_end = wish.range ? wish.range->to_us : std::nullopt;
    const bool npt = wish.range && wish.range->unit == rtsp::Range::Unit::npt;
    until_ = past_end ? std::min(span_.to, WallTime{*past_end + (npt ? origin_.microseconds : 0)}) : span_.to;
    const bool paused = begun && !elsewhere && !units_.empty();
    if (elsewhere || units_.empty()) {
        playing_ = false;
        if (const Result<> sought = co_await seek(moment); !sought) {
            co_return std::unexpected(sought.error());
        }
    }
    if (const Result<> alike = check_formats(); !alike) {
        co_return std::unexpected(alike.error());
    }
    start_ = line_.shown_at(units_.front());
    const rtsp::Scale scale = wish.scale.value_or(rtsp::real_time);
    if (paused && scale == line_.scale()) {
        line_.go_on(units_.front(), desk_.executor.now());
    } else {
        keys_only_ = scale > every_picture_max;
        line_.play(start_, scale, desk_.executor.now());
        not_before_ = paused ? WallTime{} : start_;
    }
    for (Sending& one : sending_) {
        one.reported.reset();
    }
    playing_ = true;
    log::info(rtsp_protocol, "{} plays the recording of {} from {}", connection_.peer().text(),
              reading_.stream(), date_time_text(start_));
    co_return answer();
}

/// What PLAY is told: the range in npt, and of each track the number of its next packet with the RTP time of
/// the moment at which it begins.
RtspRewind::Started RtspRewind::answer() const {
    Started started;
    const WallTime end = last_ ? std::min(*last_, until_) : until_;
    const bool known = last_ || until_ < AskedSpan::always;
    started.played.range.from_us = std::max<std::int64_t>(0, start_.microseconds - origin_.microseconds);
    started.played.range.to_us =
        known ? std::optional{end.microseconds - origin_.microseconds} : std::nullopt;
    started.played.scale = line_.scale();
    for (const Sending& one : sending_) {
        const std::int64_t ticks =
            media::rescale_nearest(line_.on_line_us(start_), microseconds, one.sender->format().clock_rate);
        started.starts.push_back(
            {.track = one.track,
             .sequence = one.sender->next_sequence(),
             .timestamp = one.sender->numbering().timestamp + static_cast<std::uint32_t>(ticks)});
    }
    return started;
}

Instant RtspRewind::deadline() const {
    if (!playing_) {
        return Instant::never();
    }
    if (!datagrams_waiting_.empty()) {
        return retry_;
    }
    if (units_.empty()) {
        return ahead_.empty() ? look_again_ : Instant{};
    }
    return line_.due(units_.front());
}

Task<> RtspRewind::step() {
    while (playing_ && frames_.size() < frames_max) {
        const Instant now = desk_.executor.now();
        if (!flush_datagrams(now)) {
            break;
        }
        if (units_.empty()) {
            if (look_again_ > now && ahead_.empty()) {
                break;
            }
            const Result<> fetched = co_await fetch();
            const bool over = units_.empty() && last_ && ahead_.empty();
            if (!fetched || over || (units_.empty() && listed_to_ >= until_)) {
                finish(fetched ? "its end" : fetched.error().what);
            }
            break;   // requests are heard between two fragments, however slow the disk is
        }
        if (line_.decoded_at(units_.front()) >= until_) {
            finish("its end");
            break;
        }
        if (line_.due(units_.front()) > now) {
            break;
        }
        media::AccessUnit unit = std::move(units_.front());
        units_.pop_front();
        send_one(std::move(unit), now);
    }
}

void RtspRewind::send_one(media::AccessUnit unit, Instant now) {
    const WallTime shown = line_.shown_at(unit);
    const auto to = std::ranges::find(sending_, unit.track, &Sending::id);
    const bool picture = unit.kind() == media::Kind::video;
    const bool left_out = (line_.scale() != rtsp::real_time && !picture) || (keys_only_ && !unit.key);
    if (to == sending_.end() || left_out || shown < not_before_ || shown >= until_) {
        return;
    }
    if (line_.place(unit, now) && line_.scale() > rtsp::real_time) {
        keys_only_ = true;   // faster than it is taken
    }
    rtp::Packets& packets = to->sender->packets();
    packets.clear();
    const Result<> written = to->sender->write(unit);
    to->sender->set_utc(line_.report_time(unit));
    if (!written || packets.count() == 0) {
        return;
    }
    // The first report of a track stands before its first packets, as of a stream that is live.
    if (!to->reported || now - *to->reported >= report_interval) {
        report(*to, now);
    }
    packets_ += packets.count();
    bytes_ += packets.bytes.size();
    if (datagrams_ == nullptr) {
        frames_.insert(frames_.end(), packets.bytes.begin(), packets.bytes.end());
        return;
    }
    for (std::size_t i = 0; i < packets.count(); ++i) {
        const ByteSpan packet = packets.at(i);
        datagrams_waiting_.push_back({to->track, false, {packet.begin(), packet.end()}});
    }
    flush_datagrams(now);
}

void RtspRewind::report(Sending& to, Instant now) {
    std::vector<std::byte> bytes;
    to.sender->append_report(bytes, cname);
    to.reported = now;
    if (datagrams_ == nullptr) {
        frames_.insert(frames_.end(), bytes.begin(), bytes.end());
    } else {
        datagrams_waiting_.push_back({to.track, true, std::move(bytes)});
    }
}

/// False where the socket has no room now.
bool RtspRewind::flush_datagrams(Instant now) {
    while (!datagrams_waiting_.empty()) {
        const Waiting& next = datagrams_waiting_.front();
        if (!datagrams_->send(next.track, next.control, next.bytes)) {
            retry_ = now + datagram_pause;
            return false;
        }
        datagrams_waiting_.pop_front();
    }
    return true;
}

/// BYE of each track (RFC 3550 §6.6): players end there. PLAY may come again, with SSRCs of its own.
void RtspRewind::finish(std::string_view why) {
    playing_ = false;
    begun_ = false;
    units_.clear();
    log::info(rtsp_protocol, "the recording of {} for {} ends: {}", reading_.stream(),
              connection_.peer().text(), why);
    for (const Sending& one : sending_) {
        const std::uint32_t ssrc = one.sender->numbering().ssrc;
        std::vector<std::byte> compound;
        rtp::write_receiver_report(compound, {.ssrc = ssrc, .blocks = {}});
        rtp::write_bye(compound, ssrc);
        if (datagrams_ != nullptr) {
            static_cast<void>(datagrams_->send(one.track, true, compound));
        } else if (one.channel) {
            ByteWriter writer{frames_};
            rtp::write_interleaved_head(writer, static_cast<std::uint8_t>(*one.channel + 1), compound.size());
            writer.bytes(compound);
        }
    }
}

std::vector<std::byte> RtspRewind::take_frames() {
    return std::exchange(frames_, {});
}

void RtspRewind::end(Error reason) {
    log::info(rtsp_protocol, "{} no longer plays the recording of {}: {}", connection_.peer().text(),
              reading_.stream(), reason.what);
    playing_ = false;
    connection_.close();
}

hub::SessionReport RtspRewind::report() const {
    return {id(), facts(), 0, bytes_, packets_, 0};
}

}   // namespace millrace::session
