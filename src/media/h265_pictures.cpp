#include "media/h265_parameter_sets.hpp"
#include "media/nal_pictures.hpp"
#include "media/sei.hpp"

#include <algorithm>

namespace millrace::media {

namespace {

using namespace h265;

class H265Pictures final : public NalPictures {
public:
    Result<> configure(TrackConfig config) override;

protected:
    NalRole role_of(ByteSpan nal) const override;
    Result<bool> put(ByteSpan nal) override { return sets_.put(nal); }
    ByteSpan behind_header(ByteSpan nal) const override { return nal.subspan(nal_header_size); }
    std::optional<std::uint32_t> recovery_point(ByteSpan nal) const override;
    Result<> describe(std::span<const ByteSpan> nals, Picture& picture) override;
    Result<TrackConfig> current() const override;

private:
    Result<> describe_first(ByteSpan nal, Picture& picture, SliceQpSum& qp);
    void describe_further(ByteSpan nal, Picture& picture, SliceQpSum& qp) const;

    ParameterSets sets_;
    std::optional<std::uint8_t> active_sps_;   // not known until a slice says it
};

Result<> H265Pictures::configure(TrackConfig config) {
    declare_frame_rate(config.frame_rate);
    ParameterSets merged = sets_;
    ParameterSets fresh;
    bool changed = false;
    for (const std::vector<Bytes>* sets : {&config.vps, &config.sps, &config.pps}) {
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

NalRole H265Pictures::role_of(ByteSpan nal) const {
    if (nal.size() < nal_header_size) {
        return NalRole::left_out;
    }
    if (layer_of(nal) != 0) {
        return NalRole::kept;   // of another layer: carried, not looked into
    }
    const NalType type = type_of(nal);
    switch (type) {
        case NalType::vps:
        case NalType::sps:
        case NalType::pps: return NalRole::parameter_set;
        case NalType::access_unit_delimiter:
        case NalType::end_of_sequence:
        case NalType::end_of_bitstream:
        case NalType::filler: return NalRole::left_out;
        case NalType::prefix_sei: return NalRole::sei;
        case NalType::suffix_sei: return NalRole::suffix_sei;
        default: return is_vcl(type) ? NalRole::slice : NalRole::kept;
    }
}

std::optional<std::uint32_t> H265Pictures::recovery_point(ByteSpan nal) const {
    std::optional<BitReader> message = find_sei(behind_header(nal), sei_recovery_point);
    if (!message) {
        return std::nullopt;
    }
    const std::int32_t pictures = message->se();   // recovery_poc_cnt, §D.3.8; negative ones lie behind us
    if (!message->ok()) {
        return std::nullopt;
    }
    return static_cast<std::uint32_t>(pictures < 0 ? 0 : pictures);
}

Result<TrackConfig> H265Pictures::current() const {
    const Sps* active = active_sps_ ? sets_.sps(*active_sps_) : nullptr;
    return sets_.config(active != nullptr && sets_.complete(*active) ? active : nullptr);
}

Result<> H265Pictures::describe_first(ByteSpan nal, Picture& picture, SliceQpSum& qp) {
    const Result<std::uint8_t> pps_id = read_slice_pps_id(nal);
    if (!pps_id) {
        return std::unexpected(pps_id.error());
    }
    const Pps* pps = sets_.pps(*pps_id);
    const Sps* sps = pps == nullptr ? nullptr : sets_.sps(pps->sps_id);
    if (sps == nullptr || !sets_.complete(*sps)) {
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
    const NalType type = type_of(nal);
    picture.picture = slice->type;
    if (slice->qp) {
        qp.add(*slice->qp);
    }
    picture.key = is_irap(type) || (slice->type == PictureType::i && picture.recovery_frames == 0U);
    picture.leading = is_leading(type);
    return {};
}

void H265Pictures::describe_further(ByteSpan nal, Picture& picture, SliceQpSum& qp) const {
    const Result<std::uint8_t> pps_id = read_slice_pps_id(nal);
    const Pps* pps = pps_id ? sets_.pps(*pps_id) : nullptr;
    const Sps* sps = pps == nullptr ? nullptr : sets_.sps(pps->sps_id);
    if (sps == nullptr) {
        return;
    }
    const Result<Slice> slice = read_slice(nal, *sps, *pps);
    if (!slice) {
        return;
    }
    // A picture is of the kind of its most demanding slice.
    picture.picture = std::max(picture.picture, slice->type);
    // A dependent slice segment has none: it goes on with that of its slice.
    if (slice->qp) {
        qp.add(*slice->qp);
    }
}

Result<> H265Pictures::describe(std::span<const ByteSpan> nals, Picture& picture) {
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

std::unique_ptr<PictureSyntax> h265_pictures() {
    return std::make_unique<H265Pictures>();
}

}   // namespace millrace::media
