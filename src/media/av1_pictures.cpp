#include "media/av1.hpp"
#include "media/nal.hpp"
#include "media/picture_syntax.hpp"

#include <algorithm>

namespace millrace::media {

namespace {

using namespace av1;

class Av1Pictures final : public PictureSyntax {
public:
    Result<> configure(TrackConfig config) override;
    Result<std::optional<Picture>> read(std::span<const ByteSpan> obus, const Bytes& framed) override;

private:
    Result<> take_sequence(ByteSpan obu);
    /// Reads one OBU into the picture.
    Result<> add(ByteSpan bytes, Picture& picture, std::vector<std::byte>& payload);

    std::optional<SequenceHeader> sequence_;
    Bytes sequence_obu_;   // as it came, to tell a repetition
    bool seen_frame_ = false;
};

Result<> Av1Pictures::take_sequence(ByteSpan obu) {
    if (sequence_ && std::ranges::equal(sequence_obu_, obu)) {
        return {};
    }
    Result<TrackConfig> config = config_from(obu);
    if (!config) {
        return std::unexpected(config.error());
    }
    const Result<Obu> parsed = read_obu(obu);
    const Result<SequenceHeader> sequence = read_sequence_header(parsed->payload);
    sequence_ = *sequence;
    sequence_obu_ = Bytes::copy(obu);
    take(std::move(*config));
    return {};
}

Result<> Av1Pictures::configure(TrackConfig config) {
    declare_frame_rate(config.frame_rate);
    return take_sequence(config.extra);
}

Result<> Av1Pictures::add(ByteSpan bytes, Picture& picture, std::vector<std::byte>& payload) {
    const Result<Obu> obu = read_obu(bytes);
    if (!obu) {
        return std::unexpected(obu.error());
    }
    switch (obu->type) {
        case ObuType::sequence_header: {
            const Result<> taken = take_sequence(bytes);
            counters_.parameter_sets_refused += taken ? 0 : 1;
            return {};
        }
        case ObuType::temporal_delimiter:
        case ObuType::padding: return {};
        case ObuType::frame:
        case ObuType::frame_header:
            if (!sequence_) {
                return fail(Errc::refused, "frame without its sequence header");
            }
            if (!std::exchange(seen_frame_, true)) {
                const Result<FrameStart> frame = read_frame_start(obu->payload, *sequence_);
                if (!frame) {
                    return std::unexpected(frame.error());
                }
                picture.key = frame->key;
                picture.picture = frame->type;
            }
            break;
        default: break;
    }
    if (payload.size() + bytes.size() > picture_bytes_max) {
        return fail(Errc::exhausted, "temporal unit too large");
    }
    append_obu(payload, *obu);
    return {};
}

Result<std::optional<Picture>> Av1Pictures::read(std::span<const ByteSpan> obus, const Bytes& /*framed*/) {
    if (obus.size() > nals_per_access_unit_max) {
        return fail(Errc::exhausted, "too many OBUs in a temporal unit");
    }
    Picture picture;
    std::vector<std::byte> payload;
    seen_frame_ = false;
    for (const ByteSpan obu : obus) {
        if (const Result<> added = add(obu, picture, payload); !added) {
            return std::unexpected(added.error());
        }
    }
    if (!seen_frame_) {
        return std::nullopt;
    }
    picture.config = config();
    picture.payload = Bytes{std::move(payload)};
    return std::optional{std::move(picture)};
}

}   // namespace

std::unique_ptr<PictureSyntax> av1_pictures() {
    return std::make_unique<Av1Pictures>();
}

}   // namespace millrace::media
