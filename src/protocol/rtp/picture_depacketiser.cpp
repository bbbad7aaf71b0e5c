#include "protocol/rtp/picture_depacketiser.hpp"

#include "media/nal.hpp"
#include "media/time.hpp"

#include <algorithm>

namespace millrace::rtp {

namespace {

/// Where start codes are looked for inside a NAL unit: some cameras send parameter sets and picture as one.
constexpr std::size_t start_code_within = 256;
constexpr std::int64_t picture_duration_guess = 3'600;   // 25 a second

/// Where the first start code begins; the whole size where there is none.
std::size_t before_start_code(ByteSpan nal) {
    const ByteSpan front = nal.first(std::min(nal.size(), start_code_within));
    constexpr std::byte code[] = {std::byte{0}, std::byte{0}, std::byte{1}};
    const auto found = std::ranges::search(front, code);
    return found.empty() ? nal.size() : static_cast<std::size_t>(found.begin() - front.begin());
}

std::int64_t step_of(const media::TrackConfig& config) {
    return config.frame_rate > 0 ? static_cast<std::int64_t>(90'000 / config.frame_rate)
                                 : picture_duration_guess;
}

}   // namespace

PictureDepacketiser::PictureDepacketiser(const Format& format, media::Codec codec)
    : Depacketiser{format}, reader_{codec} {
}

Result<> PictureDepacketiser::configure(const Format& format) {
    const Result<media::ConfigRef> config = config_from(format);
    if (!config) {
        return std::unexpected(config.error());
    }
    return *config == nullptr ? Result<>{} : reader_.configure(**config);
}

void PictureDepacketiser::restart() {
    drop_begun();
    decode_times_.restart();
    waiting_ = true;
    ended_by_marker_.reset();
}

void PictureDepacketiser::drop_begun() {
    bytes_.clear();
    nals_.clear();
    open_ = begun_ = broken_ = after_gap_ = has_slice_ = false;
    other_.reset();
}

void PictureDepacketiser::take(const Piece& piece) {
    if (piece.after_loss) {
        if (begun_) {
            break_picture();
        }
        waiting_ = true;
    }
    if (begun_ && piece.timestamp != timestamp_) {
        finish();
    }
    if (piece.payload.empty()) {
        return;
    }
    if (!begun_) {
        begun_ = true;
        after_gap_ = piece.after_loss;
        timestamp_ = piece.timestamp;
    }
    if (!broken_ && !read(piece.payload)) {
        ++counters_.payloads_refused;
        break_picture();
    }
    if (piece.marker && !marker_lies_) {
        ended_by_marker_ = timestamp_;
        finish();
    }
}

void PictureDepacketiser::break_picture() {
    broken_ = true;
    open_ = false;
    bytes_.clear();
    nals_.clear();
    other_ = other_ ? std::optional<std::size_t>{0} : std::nullopt;
}

void PictureDepacketiser::look_at(ByteSpan nal) {
    const bool first = nals_.empty() && !broken_;
    if (first && after_gap_ && !opens_picture(nal)) {
        break_picture();   // its beginning may be what was lost
    }
    if (!is_slice(nal)) {
        return;
    }
    if (!has_slice_ && is_later_slice(nal)) {
        // Its beginning was sent before we heard, or it is the rest of a picture that a marker ended: that
        // one was handed on without it.
        marker_lies_ = marker_lies_ || ended_by_marker_ == timestamp_;
        waiting_ = true;
        break_picture();
    }
    has_slice_ = true;
}

void PictureDepacketiser::add(ByteSpan nal) {
    const std::size_t alone = is_byte_stream() ? before_start_code(nal) : nal.size();
    const ByteSpan first = nal.first(alone);
    if (alone == nal.size()) {
        add_one(nal);
        return;
    }
    if (const ByteSpan trimmed = media::without_trailing_zeros(first); !trimmed.empty()) {
        add_one(trimmed);
    }
    for (const ByteSpan one : media::split_annex_b(nal.subspan(alone))) {
        add_one(one);
    }
}

void PictureDepacketiser::add_one(ByteSpan nal) {
    if (begin(nal)) {
        end();
    }
}

/// The sender may give two pictures one time and no marker; or it says the parameter sets before every slice
/// of one (GStreamer does). Which, the next slice tells.
void PictureDepacketiser::look_for_another(ByteSpan nal) {
    if (has_slice_ && !other_ && opens_picture(nal)) {
        other_ = nals_.size();
    }
    if (!other_ || !is_slice(nal)) {
        return;
    }
    const std::size_t first = *std::exchange(other_, std::nullopt);
    if (is_later_slice(nal)) {
        return;
    }
    const std::size_t offset = first < nals_.size() ? nals_[first].offset : bytes_.size();
    const std::vector<std::byte> bytes{bytes_.begin() + static_cast<std::ptrdiff_t>(offset), bytes_.end()};
    std::vector<Range> nals{nals_.begin() + static_cast<std::ptrdiff_t>(first), nals_.end()};
    bytes_.resize(offset);
    nals_.resize(first);
    finish();
    for (Range& range : nals) {
        range.offset -= offset;
    }
    bytes_ = bytes;
    nals_ = std::move(nals);
    begun_ = true;
}

bool PictureDepacketiser::begin(ByteSpan head) {
    if (open_ || head.empty()) {
        break_picture();
        return false;
    }
    look_for_another(head);
    look_at(head);
    if (broken_) {
        return true;   // parts may follow; all are passed over
    }
    if (nals_.size() == media::nals_per_access_unit_max || bytes_.size() + head.size() > unit_size_max) {
        break_picture();
        return true;
    }
    nals_.push_back({bytes_.size(), head.size()});
    bytes_.insert(bytes_.end(), head.begin(), head.end());
    open_ = true;
    return true;
}

bool PictureDepacketiser::append(ByteSpan part) {
    if (!open_ || bytes_.size() + part.size() > unit_size_max) {
        break_picture();
        return false;
    }
    bytes_.insert(bytes_.end(), part.begin(), part.end());
    nals_.back().size += part.size();
    return true;
}

bool PictureDepacketiser::end() {
    if (!open_ && !broken_) {
        break_picture();
        return false;
    }
    open_ = false;
    return true;
}

bool PictureDepacketiser::add_fragment(std::uint8_t header, ByteSpan head, ByteSpan part) {
    const bool starts = (header & 0x80U) != 0;
    if (starts) {
        if (!begin(head)) {
            return false;
        }
        part = part.subspan(1);
    }
    const bool has_more = !starts || (!part.empty() && open_);
    if (has_more && !append(part)) {
        return false;
    }
    return (header & 0x40U) == 0 || end();
}

bool PictureDepacketiser::wanted(const media::Picture& picture) {
    if (waiting_) {
        if (!picture.key && !picture.recovery_frames) {
            return false;
        }
        waiting_ = false;
        after_wait_ = picture.key;
        return true;
    }
    if (after_wait_ && !picture.key) {
        after_wait_ = picture.leading;
        return !picture.leading;
    }
    return true;
}

void PictureDepacketiser::finish() {
    const std::int64_t timestamp = timestamp_;
    if (broken_ || open_) {
        ++counters_.units_broken;
        waiting_ = true;
        drop_begun();
        return;
    }
    std::vector<ByteSpan> nals;
    for (const Range& nal : nals_) {
        nals.push_back(ByteSpan{bytes_}.subspan(nal.offset, nal.size));
    }
    Result<std::optional<media::Picture>> picture = reader_.read(nals);
    drop_begun();
    if (!picture) {
        ++counters_.units_refused;
        waiting_ = true;
        return;
    }
    if (*picture && (*picture)->config != nullptr) {
        hand_on(std::move(**picture), timestamp);
    }
}

void PictureDepacketiser::hand_on(media::Picture picture, std::int64_t timestamp) {
    const media::TrackConfig& config = *picture.config;
    const std::int64_t pts = media::rescale_nearest(timestamp, clock_rate(), config.timescale);
    // Before a key frame nothing is shown, so nothing is reordered across it but what leads it.
    const std::int64_t dts = decode_times_.next(pts, config.reorder_frames_max, step_of(config));
    if (!wanted(picture)) {
        ++counters_.units_skipped;
        return;
    }
    media::AccessUnit unit;
    media::describe(unit, std::move(picture));
    unit.pts = pts;
    unit.dts = dts;
    give(std::move(unit));
}

}   // namespace millrace::rtp
