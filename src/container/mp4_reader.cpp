#include "container/mp4_reader.hpp"

#include "container/mp4_fragment.hpp"
#include "container/mp4_tables.hpp"
#include "media/av1.hpp"
#include "media/mp3.hpp"
#include "media/nal.hpp"
#include "media/time.hpp"

#include <algorithm>

namespace millrace::mp4 {
namespace {

using Items = Result<std::optional<Item>>;

constexpr std::int64_t microseconds_timescale = 1'000'000;

bool is_read_whole(FourCc type) {
    return type == four_cc("moov") || type == four_cc("moof") || type == four_cc("sidx") ||
           type == four_cc("prft") || type == four_cc("styp");
}

// ISO 14496-12 §8.16.2:  brand u32 | version u32 | compatible brand u32…
bool is_last_segment(ByteSpan styp) {
    ByteReader reader{styp};
    reader.skip(8);
    while (reader.remaining() >= 4) {
        if (reader.u32() == four_cc("lmsg")) {
            return true;
        }
    }
    return false;
}

Result<std::vector<ByteSpan>> split(const MovieTrack& track, ByteSpan coded) {
    return track.codec == media::Codec::av1 ? media::av1::split_temporal_unit(coded)
                                            : media::split_length_prefixed(coded, track.length_size);
}

/// Times, in the unit's own timescale.
void set_times(media::AccessUnit& unit, const PlacedSample& sample, const Movie& movie) {
    const MovieTrack& track = movie.tracks[sample.track];
    const std::int64_t to = unit.config->timescale;
    unit.dts = media::rescale_nearest(sample.dts + track.shift, track.timescale, to);
    unit.pts = media::rescale_nearest(sample.pts + track.shift, track.timescale, to);
    unit.duration = media::rescale_nearest(sample.duration, track.timescale, to);
    if (movie.anchor) {
        unit.capture = movie.anchor->at;
        unit.capture.utc.microseconds +=
            media::rescale_nearest(unit.pts, to, microseconds_timescale) - movie.anchor->media_microseconds;
    }
}

/// Fills in what the bytes of a sample say; false where there is no frame in them.
Result<bool> set_coded(media::AccessUnit& unit, MovieTrack& track, std::vector<std::byte> coded) {
    if (track.pictures) {
        const Result<std::vector<ByteSpan>> parts = split(track, coded);
        if (!parts) {
            return std::unexpected(parts.error());
        }
        Result<std::optional<media::Picture>> picture = track.pictures->read(*parts);
        if (!picture) {
            return std::unexpected(picture.error());
        }
        if (!*picture) {
            return false;
        }
        track.track.config = (*picture)->config;
        media::describe(unit, std::move(**picture));
        return true;
    }
    if (track.codec == media::Codec::mp3) {
        Result<media::TrackConfig> config = media::mp3::config_from(coded);
        if (!config) {
            return std::unexpected(config.error());
        }
        if (!config->same_coding(*track.track.config)) {
            track.track.config = std::make_shared<const media::TrackConfig>(std::move(*config));
        }
    }
    unit.config = track.track.config;
    unit.payload = Bytes{std::move(coded)};
    unit.key = true;
    return true;
}

Opened opened(const Movie& movie) {
    Opened result;
    for (const MovieTrack& track : movie.tracks) {
        if (track.carried) {
            result.tracks.push_back(track.track);
        }
    }
    return result;
}

}   // namespace

Reader::Reader() = default;
Reader::Reader(Reader&&) noexcept = default;
Reader& Reader::operator=(Reader&&) noexcept = default;
Reader::~Reader() = default;

Items Reader::next(ByteSpan& input) {
    while (!failed_) {
        const std::size_t before = input.size();
        const Part part = part_;
        Items item = step(input);
        if (!item) {
            failed_ = item.error();
            break;
        }
        if (*item) {
            return item;
        }
        if (input.size() == before && part_ == part) {
            return std::nullopt;
        }
    }
    return std::unexpected(*failed_);
}

Items Reader::step(ByteSpan& input) {
    switch (part_) {
        case Part::header: return begin_box(input);
        case Part::whole:
            if (!gather(input, static_cast<std::size_t>(box_end_ - box_start_) - box_.header_size)) {
                return std::nullopt;
            }
            return read_whole();
        case Part::samples: return read_samples(input);
        case Part::skipped: break;
    }
    skip_to(input, box_end_);
    if (position_ == box_end_) {
        leave_box();
    }
    return std::nullopt;
}

/// Whether `gathered_` has as many bytes as wanted.
bool Reader::gather(ByteSpan& input, std::size_t wanted) {
    const std::size_t missing = wanted - std::min(wanted, gathered_.size());
    const ByteSpan taken = input.first(std::min(missing, input.size()));
    gathered_.insert(gathered_.end(), taken.begin(), taken.end());
    input = input.subspan(taken.size());
    position_ += taken.size();
    return gathered_.size() >= wanted;
}

void Reader::skip_to(ByteSpan& input, std::uint64_t offset) {
    const auto skipped = static_cast<std::size_t>(std::min<std::uint64_t>(offset - position_, input.size()));
    input = input.subspan(skipped);
    position_ += skipped;
}

Items Reader::begin_box(ByteSpan& input) {
    if (gathered_.empty()) {
        box_start_ = position_;
    }
    if (!gather(input, box_header_size)) {
        return std::nullopt;
    }
    Result<std::optional<BoxHeader>> header = read_box_header(gathered_);
    if (header && !*header) {
        if (!gather(input, large_box_header_size)) {
            return std::nullopt;
        }
        header = read_box_header(gathered_);
    }
    ByteReader type{ByteSpan{gathered_}.subspan(4)};
    if (const Result<> entered = path_.enter(type.u32()); !entered) {
        return std::unexpected(entered.error());
    }
    if (!header) {
        return std::unexpected(header.error());
    }
    box_ = **header;
    gathered_.clear();
    return choose_part();
}

Items Reader::choose_part() {
    constexpr std::uint64_t endless = UINT64_MAX;
    if (box_.body_size && *box_.body_size > endless - 1 - position_) {
        return fail(Errc::malformed, "a box larger than any file");
    }
    box_end_ = box_.body_size ? position_ + *box_.body_size : endless;
    if (enclosure_ == Enclosure::announced && box_.type == four_cc("mdat")) {
        enclosure_ = Enclosure::inside;
        enclosure_end_ = box_.body_size ? box_end_ : 0;
        leave_box();
        return std::nullopt;
    }
    if (enclosure_ == Enclosure::announced && box_.type == four_cc("moov")) {
        part_ = Part::skipped;
        return std::nullopt;
    }
    constexpr std::uint64_t uuid_alone = 16;
    if (box_.type == four_cc("uuid") && box_.body_size == uuid_alone) {
        part_ = Part::whole;
        return std::nullopt;
    }
    if (is_read_whole(box_.type)) {
        if (!box_.body_size) {
            return fail(Errc::malformed, "a box of size 0 that is not the last");
        }
        if (*box_.body_size > index_box_bytes_max) {
            return fail(Errc::exhausted, "a box too large to be read whole");
        }
        part_ = Part::whole;
        return std::nullopt;
    }
    part_ = box_.type == four_cc("mdat") && fragment_ != nullptr ? Part::samples : Part::skipped;
    return std::nullopt;
}

void Reader::leave_box() {
    path_.leave();
    gathered_.clear();
    part_ = Part::header;
}

Items Reader::read_whole() {
    const Box box{.type = box_.type, .body = gathered_};
    std::optional<Item> item;
    if (box.type == four_cc("moov") || box.type == four_cc("moof")) {
        if (fragment_ != nullptr && !fragment_->done()) {
            return fail(Errc::malformed, "the samples of the fragment before it did not come");
        }
        Items read = box.type == four_cc("moov") ? read_moov(box) : read_moof(box);
        if (!read) {
            return read;
        }
        item = std::move(*read);
    } else if (box.type == four_cc("sidx")) {
        if (const Result<> checked = check_sidx(box); !checked) {
            return std::unexpected(checked.error());
        }
    } else if (box.type == four_cc("uuid")) {
        const bool announces = movie_ == nullptr && encloses_fragments(box.body);
        enclosure_ = announces && enclosure_ == Enclosure::none ? Enclosure::announced : enclosure_;
    } else if (box.type == four_cc("styp")) {
        item = is_last_segment(box.body) ? std::optional<Item>{Ended{}} : std::nullopt;
    } else if (movie_ != nullptr) {
        read_time(box, *movie_);
    }
    leave_box();
    return item;
}

Items Reader::read_moov(const Box& box) {
    Result<Movie> movie = read_movie(box.body, movie_ == nullptr ? Movie{} : std::move(*movie_), path_);
    if (!movie) {
        return std::unexpected(movie.error());
    }
    movie_ = std::make_unique<Movie>(std::move(*movie));
    fragment_.reset();
    return Item{opened(*movie_)};
}

Items Reader::read_moof(const Box& box) {
    if (movie_ == nullptr) {
        return fail(Errc::malformed, "no moov before it");
    }
    Result<MovieFragment> fragment =
        read_fragment(box.body, {.begin = box_start_, .end = position_}, *movie_, path_);
    if (!fragment) {
        return std::unexpected(fragment.error());
    }
    fragment_ = std::make_unique<MovieFragment>(std::move(*fragment));
    return std::nullopt;
}

Items Reader::read_samples(ByteSpan& input) {
    if (fragment_->done() || fragment_->samples[fragment_->next].offset >= box_end_) {
        part_ = Part::skipped;
        return std::nullopt;
    }
    const PlacedSample& sample = fragment_->samples[fragment_->next];
    if (gathered_.empty()) {
        if (sample.offset < position_ || sample.size > box_end_ - sample.offset) {
            return fail(Errc::malformed, "a sample not wholly inside it");
        }
        skip_to(input, sample.offset);
        if (position_ != sample.offset) {
            return std::nullopt;
        }
    }
    if (!gather(input, sample.size)) {
        return std::nullopt;
    }
    ++fragment_->next;
    return finish_sample(sample);
}

Items Reader::finish_sample(const PlacedSample& sample) {
    MovieTrack& track = movie_->tracks[sample.track];
    media::AccessUnit unit;
    unit.track = track.track.id;
    const Result<bool> coded = set_coded(unit, track, std::exchange(gathered_, {}));
    if (!coded || !*coded) {
        samples_refused_ += coded ? 0 : 1;
        return std::nullopt;
    }
    set_times(unit, sample, *movie_);
    return Item{std::move(unit)};
}

Result<> Reader::finish() {
    if (failed_) {
        return std::unexpected(*failed_);
    }
    const bool endless = part_ != Part::header && box_end_ == UINT64_MAX && gathered_.empty();
    if (!endless && (part_ != Part::header || !gathered_.empty() || position_ < enclosure_end_)) {
        failed_ = Error{Errc::malformed, "the file ends inside a box"};
    } else if (fragment_ != nullptr && !fragment_->done()) {
        failed_ = Error{Errc::malformed, "the file ends before the samples of its last fragment"};
    }
    if (failed_) {
        return std::unexpected(*failed_);
    }
    return {};
}

}   // namespace millrace::mp4
