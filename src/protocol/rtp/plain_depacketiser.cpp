#include "media/opus.hpp"
#include "protocol/rtp/depacketisers.hpp"
#include "protocol/rtp/frame_depacketiser.hpp"

namespace millrace::rtp {
namespace {

class Plain final : public FrameDepacketiser {
public:
    Plain(const Format& format, media::ConfigRef config)
        : FrameDepacketiser{format, std::move(config)}, encoding_{format.encoding} {}

    void take(const Piece& piece) override;

private:
    bool whole_samples(ByteSpan payload) const;

    Encoding encoding_;
};

bool Plain::whole_samples(ByteSpan payload) const {
    if (encoding_ == Encoding::opus) {
        return media::opus::samples_in_packet(payload).has_value();
    }
    const std::size_t sample = std::size_t{config()->channels} * (encoding_ == Encoding::l16 ? 2 : 1);
    return payload.size() % sample == 0;
}

void Plain::take(const Piece& piece) {
    if (piece.payload.empty()) {
        return;   // silence that is not sent
    }
    if (!whole_samples(piece.payload)) {
        ++counters_.payloads_refused;
        return;
    }
    give_frame(piece.payload, piece.timestamp, 0);
}

}   // namespace

DepacketiserMade read_plain(const Format& format) {
    Result<media::ConfigRef> config = config_from(format);
    if (!config) {
        return std::unexpected(config.error());
    }
    return std::make_unique<Plain>(format, std::move(*config));
}

}   // namespace millrace::rtp
