#include "container/mp4_chunk.hpp"

#include "container/mp4_box.hpp"
#include "container/mp4_init.hpp"
#include "media/nal.hpp"
#include "media/time.hpp"

#include <algorithm>

namespace millrace::mp4 {
namespace {

using media::AccessUnit;
using Out = std::vector<std::byte>;

constexpr std::int64_t u32_max = 0xFFFFFFFF;
/// What a fragment needs beside its samples' bytes, at most.
constexpr std::size_t head_size = 176;
constexpr std::size_t sample_head_size = 16;

/// ISO/IEC 14496-12 §8.16.5: whose time it is.
enum TimeFlags : std::uint32_t {
    encoder_input = 0,   ///< when the picture went into the encoder
    consistent = 8,      ///< by a clock that is not the camera's, but always the same
    captured = 8 | 16,   ///< when what it shows happened
};

std::uint32_t time_flags(media::CaptureTime::Label label) {
    switch (label) {
        case media::CaptureTime::Label::capture: return captured;
        case media::CaptureTime::Label::sender: return encoder_input;
        case media::CaptureTime::Label::arrival: break;
    }
    return consistent;
}

/// Seconds since 1900 in the upper half, the fraction in the lower (RFC 5905 §6).
std::uint64_t ntp_time(WallTime utc) {
    constexpr std::uint64_t seconds_1900_to_1970 = 2'208'988'800;
    constexpr std::uint64_t microseconds = 1'000'000;
    const auto since_1970 = static_cast<std::uint64_t>(std::max<std::int64_t>(utc.microseconds, 0));
    const std::uint64_t seconds = since_1970 / microseconds + seconds_1900_to_1970;
    return seconds << 32U | (since_1970 % microseconds << 32U) / microseconds;
}

/// MP4 has no times before zero.
std::uint64_t media_time(std::int64_t ticks) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(ticks, 0));
}

// prft, §8.16.5, version 1: track u32 | NTP time u64 | media time u64
void write_time(Out& out, const Fragment& fragment) {
    const AccessUnit& unit = *fragment.samples.front().unit;
    const OpenBox prft{out, four_cc("prft"), 1, time_flags(unit.capture.label)};
    ByteWriter writer{out};
    writer.u32(fragment.track_number);
    writer.u64(ntp_time(unit.capture.utc));
    writer.u64(media_time(unit.pts));
}

// Sample flags, §8.8.3.1: 0:4 is_leading:2 depends_on:2 is_depended_on:2 redundancy:2 padding:3 non_sync:1
//                         degradation:16
std::uint32_t sample_flags(const AccessUnit& unit) {
    constexpr std::uint32_t depends_on_others = 1U << 24U;
    constexpr std::uint32_t depends_on_none = 2U << 24U;
    constexpr std::uint32_t non_sync = 1U << 16U;
    if (unit.key || unit.kind() != media::Kind::video) {
        return depends_on_none;
    }
    return non_sync | (unit.picture == media::PictureType::i ? depends_on_none : depends_on_others);
}

// tfhd §8.8.7: track u32 | tfdt §8.8.12, version 1: dts u64
// trun §8.8.8, version 1: samples u32 | data offset s32
//                         { duration u32 | size u32 | flags u32 | [composition offset s32] }…
void write_traf(Out& out, const Fragment& fragment, std::size_t& data_offset_at) {
    constexpr std::uint32_t default_base_is_moof = 0x020000;
    constexpr std::uint32_t has_data_offset = 0x001;
    constexpr std::uint32_t has_duration_size_flags = 0x700;
    constexpr std::uint32_t has_composition_offset = 0x800;
    const bool reordered = std::ranges::any_of(
        fragment.samples, [](const Sample& sample) { return sample.unit->pts != sample.unit->dts; });
    const OpenBox traf{out, four_cc("traf")};
    ByteWriter writer{out};
    {
        const OpenBox tfhd{out, four_cc("tfhd"), 0, default_base_is_moof};
        writer.u32(fragment.track_number);
    }
    {
        const OpenBox tfdt{out, four_cc("tfdt"), 1, 0};
        writer.u64(media_time(fragment.samples.front().unit->dts));
    }
    const OpenBox trun{out, four_cc("trun"), 1,
                       has_data_offset | has_duration_size_flags | (reordered ? has_composition_offset : 0)};
    writer.u32(static_cast<std::uint32_t>(fragment.samples.size()));
    data_offset_at = out.size();
    writer.u32(0);
    for (const Sample& sample : fragment.samples) {
        const AccessUnit& unit = *sample.unit;
        writer.u32(static_cast<std::uint32_t>(std::clamp<std::int64_t>(sample.duration, 0, u32_max)));
        writer.u32(static_cast<std::uint32_t>(sample.size()));
        writer.u32(sample_flags(unit));
        if (reordered) {
            const std::int64_t offset = std::clamp<std::int64_t>(unit.pts - unit.dts, INT32_MIN, INT32_MAX);
            writer.u32(static_cast<std::uint32_t>(offset));
        }
    }
}

/// Gathers the units of one segment's track into chunks at the end of `out`.
class ChunkWriter {
public:
    ChunkWriter(const media::SegmentTrack& track, Out& out)
        : track_{track},
          out_{out},
          ticks_max_{
              media::rescale(chunk_ms_max, media::milliseconds_timescale, track.track.config->timescale)} {}

    void add(const Sample& sample) {
        if (!samples_.empty() && begins_anew(sample)) {
            finish();
        }
        samples_.push_back(sample);
        duration_ += sample.duration;
        bytes_ += sample.size();
    }
    void finish();
    /// The end of each chunk in `out`, beside the chunk.
    std::vector<std::pair<Chunk, std::size_t>> chunks;

private:
    bool begins_anew(const Sample& sample) const {
        const bool key_frame = sample.unit->key && sample.unit->kind() == media::Kind::video;
        return key_frame || duration_ + sample.duration > ticks_max_ ||
               bytes_ + sample.size() > chunk_bytes_max;
    }

    const media::SegmentTrack& track_;
    Out& out_;
    std::int64_t ticks_max_;
    std::vector<Sample> samples_;
    std::int64_t duration_ = 0;
    std::size_t bytes_ = 0;
};

void ChunkWriter::finish() {
    const AccessUnit& first = *samples_.front().unit;
    const std::int64_t dts_ms =
        media::rescale(first.dts, track_.track.config->timescale, media::milliseconds_timescale);
    const std::vector<std::byte> head = fragment_head({.track_number = track_number(track_.track.id),
                                                       .sequence_number = static_cast<std::uint32_t>(dts_ms),
                                                       .samples = samples_,
                                                       .with_time = first.capture.utc != WallTime{}});
    ByteWriter writer{out_};
    writer.bytes(head);
    for (const Sample& sample : samples_) {
        writer.bytes(sample.prefix);
        writer.bytes(sample.unit->payload);
    }
    chunks.emplace_back(Chunk{.dts = first.dts, .duration = duration_, .key = first.key, .bytes = {}},
                        out_.size());
    samples_.clear();
    duration_ = 0;
    bytes_ = 0;
}

}   // namespace

std::vector<std::byte> fragment_head(const Fragment& fragment) {
    Out out;
    out.reserve(head_size + fragment.samples.size() * sample_head_size);
    if (fragment.with_time) {
        write_time(out, fragment);
    }
    const std::size_t moof_at = out.size();
    std::size_t data_offset_at = 0;
    {
        const OpenBox moof{out, four_cc("moof")};
        {
            const OpenBox mfhd{out, four_cc("mfhd"), 0, 0};
            ByteWriter{out}.u32(fragment.sequence_number);
        }
        write_traf(out, fragment, data_offset_at);
    }
    const std::size_t moof_size = out.size() - moof_at;
    overwrite_u32(out, data_offset_at, static_cast<std::uint32_t>(moof_size + box_header_size));
    std::size_t size = box_header_size;
    for (const Sample& sample : fragment.samples) {
        size += sample.size();
    }
    ByteWriter writer{out};
    writer.u32(static_cast<std::uint32_t>(size));
    writer.u32(four_cc("mdat"));
    return out;
}

ByteSpan sequence_header_before(const AccessUnit& unit) {
    return unit.key && unit.config->codec == media::Codec::av1 ? unit.config->extra.span() : ByteSpan{};
}

std::vector<std::byte> sets_in_band(const media::TrackConfig& config) {
    std::vector<std::byte> out;
    for (const std::vector<Bytes>* sets : {&config.vps, &config.sps, &config.pps}) {
        for (const Bytes& set : *sets) {
            media::append_nal(out, set);
        }
    }
    return out;
}

ChunkedTrack chunked(const media::SegmentTrack& track) {
    std::size_t size = head_size;
    for (const media::AccessUnitRef& unit : track.units) {
        size += unit->payload.size() + sample_head_size;
    }
    Out out;
    out.reserve(size + size / 16);
    ChunkWriter writer{track, out};
    for (std::size_t i = 0; i < track.units.size(); ++i) {
        const AccessUnit& unit = *track.units[i];
        writer.add({.unit = &unit,
                    .duration = std::max<std::int64_t>(track.duration_of(i), 0),
                    .prefix = sequence_header_before(unit)});
    }
    if (!track.units.empty()) {
        writer.finish();
    }
    ChunkedTrack result{.bytes = Bytes{std::move(out)}, .chunks = {}};
    std::size_t begin = 0;
    for (auto& [chunk, end] : writer.chunks) {
        chunk.bytes = result.bytes.slice(begin, end - begin);
        result.chunks.push_back(std::move(chunk));
        begin = end;
    }
    return result;
}

}   // namespace millrace::mp4
