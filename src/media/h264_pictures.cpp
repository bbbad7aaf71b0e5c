#include "media/h264_parameter_sets.hpp"
#include "media/nal_pictures.hpp"
#include "media/sei.hpp"

#include <algorithm>

namespace millrace::media {

namespace {

using namespace h264;

constexpr unsigned nal_header_size = 1;

/// Pictures shown before the I picture that opened a GOP: B pictures with a lower picture order count that
/// come before the first other picture. Only IDR pictures restart the count, so it tells them.
class OpenGop {
public:
    void begin(const Slice& key, const Sps& sps) {
        open_ = sps.poc_type == 0;
        key_poc_lsb_ = key.poc_lsb;
    }
    void close() { open_ = false; }
    bool leads(const Slice& slice, const Sps& sps) {
        if (!open_) {
            return false;
        }
        const std::uint32_t range = 1U << sps.poc_lsb_bits;
        const bool before = ((slice.poc_lsb - key_poc_lsb_) & (range - 1)) >= range / 2;
        open_ = before || slice.type == PictureType::b;
        return before;
    }

private:
    bool open_ = false;
    std::uint32_t key_poc_lsb_ = 0;
};

class H264Pictures final : public NalPictures {
public:
    Result<> configure(TrackConfig config) override;

protected:
    NalRole role_of(ByteSpan nal) const override;
    Result<bool> put(ByteSpan nal) override { return sets_.put(nal); }
    ByteSpan behind_header(ByteSpan nal) const override { return nal.subspan(nal_header_size); }
    std::optional<std::uint32_t> recovery_point(ByteSpan nal) const override;
    Result<> describe(std::span<const ByteSpan> nals, Picture& picture) override;
    Result<TrackConfig> current() const override {
        return sets_.config(active_sps_ ? sets_.sps(*active_sps_) : nullptr);
    }

private:
    Result<> describe_first(ByteSpan nal, Picture& picture, SliceQpSum& qp);
    void describe_further(ByteSpan nal, Picture& picture, SliceQpSum& qp) const;

    ParameterSets sets_;
    std::optional<std::uint8_t> active_sps_;   // not known until a slice says it
    OpenGop open_gop_;
};

Result<> H264Pictures::configure(TrackConfig config) {
    declare_frame_rate(config.frame_rate);
    ParameterSets merged = sets_;
    ParameterSets fresh;
    bool changed = false;
    for (const std::vector<Bytes>* sets : {&config.sps, &config.pps}) {
        for (const Bytes& nal : *sets) {
            const Result<bool> put = fresh.put(nal);
            if (!put) {
                return std::unexpected(put.error());
            }
            changed = changed || merged.put(nal).value_or(true);
        }
    }
    Result<TrackConfig> made = fresh.config();
    if (!made) {
        return std::unexpected(made.error());
    }
    // Repeating a part of what is known says nothing new.
    if (!changed && this->config() != nullptr) {
        return {};
    }
    sets_ = std::move(fresh);
    active_sps_.reset();
    take(std::move(*made));
    return {};
}

NalRole H264Pictures::role_of(ByteSpan nal) const {
    if (nal.empty()) {
        return NalRole::left_out;
    }
    switch (type_of(nal)) {
        case NalType::slice:
        case NalType::partition_a:
        case NalType::partition_b:
        case NalType::partition_c:
        case NalType::idr_slice: return NalRole::slice;
        case NalType::sei: return NalRole::sei;
        case NalType::sps:
        case NalType::pps: return NalRole::parameter_set;
        case NalType::access_unit_delimiter:
        case NalType::end_of_sequence:
        case NalType::end_of_stream:
        case NalType::filler:
        case NalType::sps_extension: return NalRole::left_out;
    }
    return NalRole::kept;
}

std::optional<std::uint32_t> H264Pictures::recovery_point(ByteSpan nal) const {
    std::optional<BitReader> message = find_sei(behind_header(nal), sei_recovery_point);
    if (!message) {
        return std::nullopt;
    }
    const std::uint32_t frames = message->ue();   // recovery_frame_cnt, §D.2.8
    return message->ok() ? std::optional{frames} : std::nullopt;
}

Result<> H264Pictures::describe_first(ByteSpan nal, Picture& picture, SliceQpSum& qp) {
    const Result<SliceStart> start = read_slice_start(nal);
    if (!start) {
        return std::unexpected(start.error());
    }
    const Pps* pps = sets_.pps(start->pps_id);
    const Sps* sps = pps == nullptr ? nullptr : sets_.sps(pps->sps_id);
    if (sps == nullptr) {
        return fail(Errc::refused, "slice without its parameter sets");
    }
    const Result<Slice> slice = read_slice(nal, *sps, *pps);
    if (!slice) {
        return std::unexpected(slice.error());
    }
    if (active_sps_ != sps->id) {
        active_sps_ = sps->id;
        renew_config();
    }
    picture.picture = slice->type;
    if (slice->qp) {
        qp.add(*slice->qp);
    }
    const bool idr = type_of(nal) == NalType::idr_slice;
    picture.key = idr || (slice->type == PictureType::i && picture.recovery_frames == 0U);
    if (idr) {
        open_gop_.close();
    } else if (picture.key) {
        open_gop_.begin(*slice, *sps);
    } else {
        picture.leading = open_gop_.leads(*slice, *sps);
    }
    return {};
}

void H264Pictures::describe_further(ByteSpan nal, Picture& picture, SliceQpSum& qp) const {
    const Result<SliceStart> start = read_slice_start(nal);
    if (!start) {
        return;
    }
    // A picture is of the kind of its most demanding slice.
    picture.picture = std::max(picture.picture, start->type);
    const Pps* pps = sets_.pps(start->pps_id);
    const Sps* sps = pps == nullptr ? nullptr : sets_.sps(pps->sps_id);
    if (sps == nullptr) {
        return;
    }
    // Partitions B and C have no header of a slice: they are refused.
    const Result<Slice> slice = read_slice(nal, *sps, *pps);
    if (slice && slice->qp) {
        qp.add(*slice->qp);
    }
}

Result<> H264Pictures::describe(std::span<const ByteSpan> nals, Picture& picture) {
    SliceQpSum qp;
    bool first = true;
    for (const ByteSpan nal : nals) {
        if (role_of(nal) != NalRole::slice) {
            continue;
        }
        if (std::exchange(first, false)) {
            if (const Result<> described = describe_first(nal, picture, qp); !described) {
                return described;
            }
        } else {
            describe_further(nal, picture, qp);
        }
    }
    picture.slice_qp = qp.result();
    if (picture.recovery_frames == 0U && picture.picture != PictureType::i) {
        picture.key = false;   // an intra refresh that says it needs no time
    }
    return {};
}

}   // namespace

std::unique_ptr<PictureSyntax> h264_pictures() {
    return std::make_unique<H264Pictures>();
}

}   // namespace millrace::media
