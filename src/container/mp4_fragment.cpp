#include "container/mp4_fragment.hpp"

#include "container/mp4_reader.hpp"
#include "media/nal.hpp"
#include "media/time.hpp"

#include <algorithm>
#include <bit>

namespace millrace::mp4 {
namespace {

constexpr std::uint32_t non_sync = 1U << 16U;
constexpr std::uint64_t offset_max = std::uint64_t{1} << 62U;

class FragmentParser {
public:
    FragmentParser(MoofPlace place, Movie& movie, BoxPath& path)
        : place_{place}, movie_{movie}, path_{path}, data_end_{place.begin} {}

    Result<MovieFragment> parse(ByteSpan moof);

private:
    Result<> visit_moof(const Box& box);
    Result<> visit_traf(const Box& box);
    Result<> read_tfhd(const Box& box);
    Result<> read_tfdt(const Box& box);
    Result<> read_trun(const Box& box);
    Result<> place_samples(FullBox& full, std::uint32_t samples, SampleDefaults first);
    Result<> settle();

    MoofPlace place_;
    Movie& movie_;
    BoxPath& path_;
    MovieFragment fragment_;
    std::uint64_t data_end_;   // where the next run begins that does not say
    std::size_t samples_ = 0;

    // The traf being read.
    MovieTrack* track_ = nullptr;
    SampleDefaults defaults_;
    std::uint64_t base_ = 0;
};

Result<MovieFragment> FragmentParser::parse(ByteSpan moof) {
    Result<> read = for_each_box(moof, path_, [this](const Box& box) { return visit_moof(box); });
    if (read) {
        read = settle();
    }
    if (!read) {
        return std::unexpected(read.error());
    }
    return std::move(fragment_);
}

Result<> FragmentParser::visit_moof(const Box& box) {
    if (box.type == four_cc("moof") || box.type == four_cc("moov")) {
        return fail(Errc::malformed, "a box that stands in no other");
    }
    if (box.type != four_cc("traf")) {
        return {};
    }
    track_ = nullptr;
    return for_each_box(box.body, path_, [this](const Box& child) { return visit_traf(child); });
}

Result<> FragmentParser::visit_traf(const Box& box) {
    switch (box.type) {
        case four_cc("tfhd"): return read_tfhd(box);
        case four_cc("tfdt"): return read_tfdt(box);
        case four_cc("trun"): return read_trun(box);
        case four_cc("moof"):
        case four_cc("moov"): return fail(Errc::malformed, "a box that stands in no other");
        default: return {};
    }
}

// §8.8.7: track u32 | by flags: base offset u64 | sample entry u32 | default duration u32 | size u32 | flags
// u32
Result<> FragmentParser::read_tfhd(const Box& box) {
    FullBox full{box};
    const auto has = [&full](std::uint32_t flag) { return (full.flags & flag) != 0; };
    track_ = movie_.find(full.reader.u32());
    if (track_ == nullptr) {
        return fail(Errc::malformed, "a track that the moov does not have");
    }
    defaults_ = track_->defaults;
    // Without either flag the base is the moof for the first traf, then the end of the data before.
    base_ = has(0x020000) ? place_.begin : data_end_;
    if (has(0x01)) {
        base_ = full.reader.u64();
    }
    full.reader.skip(has(0x02) ? 4 : 0);
    defaults_.duration = has(0x08) ? full.reader.u32() : defaults_.duration;
    defaults_.size = has(0x10) ? full.reader.u32() : defaults_.size;
    defaults_.flags = has(0x20) ? full.reader.u32() : defaults_.flags;
    if (!full.reader.ok() || base_ > offset_max) {
        return fail(Errc::malformed, "cut short, or a base beyond any file");
    }
    data_end_ = base_;
    return {};
}

Result<> FragmentParser::read_tfdt(const Box& box) {
    FullBox full{box};
    const std::uint64_t dts = full.version == 1 ? full.reader.u64() : full.reader.u32();
    if (track_ == nullptr) {
        return fail(Errc::malformed, "no tfhd before it");
    }
    if (!full.reader.ok() || dts > INT64_MAX ||
        !believable(static_cast<std::int64_t>(dts), track_->timescale)) {
        return fail(Errc::malformed, "a decode time beyond belief");
    }
    track_->next_dts = static_cast<std::int64_t>(dts);
    return {};
}

// §8.8.8: samples u32 | by flags: data offset s32 | flags of the first u32
//         { by flags: duration u32 | size u32 | flags u32 | composition offset u32, from version 1 on s32 }…
Result<> FragmentParser::read_trun(const Box& box) {
    FullBox full{box};
    if (track_ == nullptr) {
        return fail(Errc::malformed, "no tfhd before it");
    }
    const std::uint32_t samples = full.reader.u32();
    if ((full.flags & 0x01U) != 0) {
        const auto offset = static_cast<std::int32_t>(full.reader.u32());
        const std::int64_t begin = static_cast<std::int64_t>(base_) + offset;
        if (begin < 0) {
            return fail(Errc::malformed, "data before the file");
        }
        data_end_ = static_cast<std::uint64_t>(begin);
    }
    full.reader.skip((full.flags & 0x04U) != 0 ? 4 : 0);
    const auto fields = static_cast<std::size_t>(std::popcount(full.flags & 0xF00U));
    if (!full.reader.ok() || (fields != 0 && samples > full.reader.remaining() / (fields * 4))) {
        return fail(Errc::malformed, "more samples than it has bytes");
    }
    if (samples > Reader::samples_per_fragment_max - samples_) {
        return fail(Errc::exhausted, "too many samples in a fragment");
    }
    samples_ += samples;
    return place_samples(full, samples, defaults_);
}

Result<> FragmentParser::place_samples(FullBox& full, std::uint32_t samples, SampleDefaults defaults) {
    const auto has = [&full](std::uint32_t flag) { return (full.flags & flag) != 0; };
    for (std::uint32_t i = 0; i < samples; ++i) {
        PlacedSample sample;
        sample.track = static_cast<std::size_t>(track_ - movie_.tracks.data());
        sample.offset = data_end_;
        sample.duration = has(0x100) ? full.reader.u32() : defaults.duration;
        sample.size = has(0x200) ? full.reader.u32() : defaults.size;
        sample.key = ((has(0x400) ? full.reader.u32() : defaults.flags) & non_sync) == 0;
        const std::uint32_t offset = has(0x800) ? full.reader.u32() : 0;
        sample.dts = track_->next_dts;
        sample.pts =
            sample.dts + (full.version == 0 ? std::int64_t{offset} : static_cast<std::int32_t>(offset));
        if (sample.size > media::picture_bytes_max) {
            return fail(Errc::exhausted, "a sample too large");
        }
        data_end_ += sample.size;
        track_->next_dts += sample.duration;
        if (!believable(track_->next_dts, track_->timescale)) {
            return fail(Errc::malformed, "a decode time beyond belief");
        }
        if (track_->carried && sample.size != 0) {
            fragment_.samples.push_back(sample);
        }
    }
    return {};
}

Result<> FragmentParser::settle() {
    std::ranges::sort(fragment_.samples, {}, &PlacedSample::offset);
    std::uint64_t free_from = place_.end;
    for (const PlacedSample& sample : fragment_.samples) {
        if (sample.offset < free_from) {
            return fail(Errc::malformed, "samples that overlap, or stand before the fragment");
        }
        free_from = sample.offset + sample.size;
    }
    return {};
}

}   // namespace

Result<MovieFragment> read_fragment(ByteSpan moof, MoofPlace place, Movie& movie, BoxPath& path) {
    return FragmentParser{place, movie, path}.parse(moof);
}

// §8.16.3: reference u32 | timescale u32 | earliest time, first offset u32 u32 or u64 u64 | 0 u16
//          references u16 × { to a sidx u1 size u31 | duration u32 | SAP u32 }
Result<> check_sidx(const Box& box) {
    FullBox full{box};
    full.reader.skip(full.version == 0 ? 16 : 24);
    full.reader.skip(2);
    const unsigned references = full.reader.u16();
    for (unsigned i = 0; i < references; ++i) {
        const std::uint32_t reference = full.reader.u32();
        full.reader.skip(8);
        constexpr std::uint32_t to_a_sidx_of_no_bytes = 0x80000000;
        if (full.reader.ok() && reference == to_a_sidx_of_no_bytes) {
            return fail(Errc::malformed, "a circular index");
        }
    }
    if (!full.reader.ok()) {
        return fail(Errc::malformed, "more references than it has bytes");
    }
    return {};
}

void read_time(const Box& box, Movie& movie) {
    constexpr std::uint32_t seconds_1900_to_1970 = 2'208'988'800;
    constexpr std::uint32_t captured = 24;
    constexpr std::int64_t microseconds = 1'000'000;
    FullBox full{box};
    const MovieTrack* track = movie.find(full.reader.u32());
    const std::uint32_t seconds = full.reader.u32() - seconds_1900_to_1970;   // until 2106
    const std::uint64_t fraction = full.reader.u32();
    const std::uint64_t time = full.version == 0 ? full.reader.u32() : full.reader.u64();
    if (!full.reader.ok() || track == nullptr || time > INT64_MAX ||
        !believable(static_cast<std::int64_t>(time), track->timescale)) {
        return;
    }
    TimeAnchor anchor;
    // Rounded up, so that microseconds come back as they were written.
    const auto rest = static_cast<std::int64_t>((fraction * microseconds + 0xFFFFFFFF) >> 32U);
    anchor.at.utc.microseconds = std::int64_t{seconds} * microseconds + rest;
    anchor.at.label = full.flags == captured ? media::CaptureTime::Label::capture
                      : full.flags <= 1      ? media::CaptureTime::Label::sender
                                             : media::CaptureTime::Label::arrival;
    anchor.media_microseconds = media::rescale_nearest(static_cast<std::int64_t>(time) + track->shift,
                                                       track->timescale, microseconds);
    movie.anchor = anchor;
}

}   // namespace millrace::mp4
