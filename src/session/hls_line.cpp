#include "session/hls_line.hpp"

#include "container/m3u8_reader.hpp"
#include "container/ts_packet.hpp"
#include "media/time.hpp"
#include "session/hls_pull.hpp"

#include <algorithm>

namespace millrace::session {

namespace {

constexpr Duration reload_min = 500ms;
constexpr Duration target_min = 1s;
constexpr std::int64_t microseconds_timescale = 1'000'000;

bool is_web(const Url& url) {
    return url.scheme == "http" || url.scheme == "https";
}

std::unique_ptr<MediaReader> reader_for(ByteSpan body) {
    return !body.empty() && body.front() == ts::sync_byte ? read_ts() : read_mp4();
}

/// Units that have no time of capture get the list's.
void set_capture(std::vector<media::AccessUnit>& units, WallTime first) {
    std::optional<std::int64_t> begin;   // microseconds of the sender's clock
    for (media::AccessUnit& unit : units) {
        const std::int64_t at = media::rescale(unit.pts, unit.config->timescale, microseconds_timescale);
        begin = begin.value_or(at);
        if (unit.capture.label == media::CaptureTime::Label::arrival && first.microseconds > 0) {
            unit.capture = {{first.microseconds + at - *begin}, media::CaptureTime::Label::sender};
        }
    }
}

}   // namespace

std::optional<std::pair<media::TrackId, bool>> TrackIds::of(const Place& place) {
    if (const auto known = ids_.find(place); known != ids_.end()) {
        return std::pair{known->second, false};
    }
    if (ids_.size() == tracks_max) {
        return std::nullopt;
    }
    const auto id = static_cast<media::TrackId>(ids_.size());
    ids_.emplace(place, id);
    return std::pair{id, true};
}

Task<Result<>> HlsLine::load(Url url) {
    asked_at_ = desk_.executor.now();
    const Result<http::ResponseHead> head = co_await fetch_.get(std::move(url));
    if (!head) {
        co_return std::unexpected(head.error());
    }
    if (head->status != 200) {
        words_ = unwelcome_answer(*head);
        co_return fail(Errc::refused, "the server does not give the list");
    }
    const auto body =
        co_await fetch_.whole(hls::PlaylistLimits::text_size_max, asked_at_ + hls_list_deadline);
    if (!body) {
        co_return std::unexpected(body.error());
    }
    const Result<hls::Playlist> list = hls::read_playlist(as_text(*body));
    if (!list) {
        co_return std::unexpected(list.error());
    }
    const auto* media = std::get_if<hls::MediaPlaylist>(&*list);
    co_return media == nullptr ? fail(Errc::refused, "a list of lists leads to another one")
                               : take(*media, fetch_.url());
}

Result<> HlsLine::take(const hls::MediaPlaylist& list, const Url& url) {
    const bool first = !std::exchange(loaded_, true);
    const Instant now = desk_.executor.now();
    list_ = url;
    ended_ = list.ended;
    recording_ = is_recording(list);
    unpublished_ = !recording_ && !list.segments.empty() && list.segments.back().unpublished;
    target_ = std::max<Duration>(std::chrono::seconds{list.target_duration}, target_min);
    if (first && ended_ && !recording_) {
        return fail(Errc::closed, "the stream of this list is over");
    }
    if (!list.segments.empty()) {
        newest_ = fmt::format("{} {}", list.media_sequence + list.segments.size(), list.segments.back().uri);
    }
    std::deque<DueSegment> fresh = place_.take(list);
    // RFC 8216 §6.3.4: a list that has not changed is asked for again after half of the time.
    asked_at_ = first ? now : asked_at_;
    reload_at_ = std::max(asked_at_ + (fresh.empty() ? target_ / 2 : target_), now + reload_min);
    if (due_.size() > HlsPlace::behind_max && !recording_) {
        due_.clear();
        tried_ = false;
    }
    std::ranges::move(fresh, std::back_inserter(due_));
    return {};
}

void HlsLine::postpone_reload() {
    reload_at_ = desk_.executor.now() + std::max(target_ / 2, reload_min);
}

Task<Result<Bytes>> HlsLine::fetch(std::string_view uri, std::optional<hls::ByteRange> range,
                                   std::size_t size_max) {
    Result<Url> url = resolve_url(list_, uri);
    if (!url || !is_web(*url)) {
        co_return fail(Errc::refused, "the list sends us elsewhere, where we do not go");
    }
    std::vector<web::Header> headers;
    if (range && range->length > 0) {
        headers.push_back(
            {"Range", fmt::format("bytes={}-{}", range->offset, range->offset + range->length - 1)});
    }
    const Instant deadline = desk_.executor.now() + hls_segment_deadline;
    const Result<http::ResponseHead> head = co_await fetch_.get(std::move(*url), std::move(headers));
    if (!head) {
        co_return std::unexpected(head.error());
    }
    if (head->status != 200 && (head->status != 206 || !range)) {
        words_ = "of a segment, " + unwelcome_answer(*head);
        co_return fail(Errc::not_found, "the server does not give a segment of its list");
    }
    auto body = co_await fetch_.whole(size_max, deadline);
    if (!body) {
        co_return std::unexpected(body.error());
    }
    Bytes bytes{std::move(*body)};
    if (!range || head->status == 206) {
        co_return std::move(bytes);
    }
    // A server without ranges gives the whole (RFC 9110 §14.2).
    co_return range->offset + range->length > bytes.size()
        ? Result<Bytes>{fail(Errc::malformed, "a byte range lies beyond its resource")}
        : bytes.slice(range->offset, range->length);
}

/// A reader for the segment, where the one before cannot go on.
Task<Result<>> HlsLine::prepare_reader(const DueSegment& due) {
    const bool same_init = init_ == due.segment.init ||
                           (init_ != nullptr && due.segment.init != nullptr && *init_ == *due.segment.init);
    if (reader_ != nullptr && same_init && clock_ == due.clock) {
        co_return Result<>{};
    }
    reader_.reset();
    clock_ = due.clock;
    tracks_.clear();
    ranks_ = {};
    if (due.segment.init == nullptr) {
        init_.reset();
        co_return Result<>{};   // its first byte will say what it is
    }
    if (!same_init || init_bytes_.empty()) {
        init_.reset();
        Result<Bytes> bytes =
            co_await fetch(due.segment.init->uri, due.segment.init->range, hls_init_bytes_max);
        if (!bytes) {
            co_return std::unexpected(bytes.error());
        }
        init_bytes_ = std::move(*bytes);
        init_ = due.segment.init;
    }
    reader_ = read_mp4();
    co_return Result<>{};
}

void HlsLine::adopt(hub::PublishedItem item, ReadSegment& into) {
    if (auto* unit = std::get_if<media::AccessUnit>(&item)) {
        const auto known = tracks_.find(unit->track);
        if (known == tracks_.end()) {
            ++into.dropped;
            return;
        }
        unit->track = known->second;
        into.units.push_back(std::move(*unit));
        return;
    }
    auto& track = std::get<media::Track>(item);
    if (tracks_.contains(track.id)) {
        return;   // its units say the rest
    }
    const std::size_t rank = ranks_.at(static_cast<std::size_t>(track.kind))++;
    if (const auto id = ids_.of({number_, track.kind, rank})) {
        tracks_.emplace(track.id, id->first);
        if (id->second) {
            track.id = id->first;
            into.tracks.push_back(std::move(track));
        }
    }
}

Task<Result<ReadSegment>> HlsLine::read(const DueSegment& due) {
    const bool jumps = clock_ != due.clock && !tracks_.empty();
    const Result<> prepared = co_await prepare_reader(due);
    if (!prepared) {
        co_return std::unexpected(prepared.error());
    }
    const Result<Bytes> body = co_await fetch(due.segment.uri, due.segment.range, hls_segment_bytes_max);
    if (!body) {
        co_return std::unexpected(body.error());
    }
    ReadMedia media;
    Result<> read;
    if (reader_ == nullptr) {
        reader_ = reader_for(*body);
    } else if (tracks_.empty() && init_ != nullptr) {
        read = reader_->read(init_bytes_, media);
    }
    read = read ? reader_->read(*body, media) : read;
    if (!read) {
        reader_.reset();   // the next segment may be better
        co_return std::unexpected(read.error());
    }
    reader_->end(media);
    ReadSegment segment{.tracks = {},
                        .units = {},
                        .dropped = media.dropped,
                        .bytes = body->size(),
                        .clock = due.clock,
                        .line = number_};
    for (hub::PublishedItem& item : media.items) {
        adopt(std::move(item), segment);
    }
    set_capture(segment.units, due.segment.utc.value_or(WallTime{}));
    if (jumps && !segment.units.empty()) {
        segment.units.front().discontinuity = true;
    }
    co_return std::move(segment);
}

Task<Result<ReadSegment>> HlsLine::read() {
    const DueSegment due = due_.front();
    Result<ReadSegment> segment = co_await read(due);
    if (segment || std::exchange(tried_, true)) {
        due_.pop_front();
        tried_ = false;
    }
    co_return std::move(segment);
}

}   // namespace millrace::session
