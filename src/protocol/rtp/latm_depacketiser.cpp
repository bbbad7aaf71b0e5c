#include "media/aac.hpp"
#include "protocol/rtp/depacketisers.hpp"
#include "protocol/rtp/frame_depacketiser.hpp"
#include "protocol/rtp/latm.hpp"

namespace millrace::rtp {
namespace {

/// AudioMuxElements over one or more packets, the last with the marker (RFC 6416 §6.3).
class Latm final : public FrameDepacketiser {
public:
    Latm(const Format& format, media::ConfigRef config, std::optional<LatmConfig> said)
        : FrameDepacketiser{format, std::move(config)}, config_{std::move(said)}, in_band_{!config_} {}

    void take(const Piece& piece) override;

private:
    bool read_element(ByteSpan element, std::int64_t timestamp);
    bool read_config(media::BitReader& bits);

    std::optional<LatmConfig> config_;
    bool in_band_;       // each element says whether the configuration goes on
    bool lost_ = true;   // the beginning of what comes
};

// ISO/IEC 14496-3 §1.7.3.1, AudioMuxElement(muxConfigPresent): useSameStreamMux u1, where it is 0 a
// StreamMuxConfig
bool Latm::read_config(media::BitReader& bits) {
    if (bits.flag()) {
        return config_.has_value();
    }
    Result<LatmConfig> said = read_latm_config(bits);
    const Result<media::TrackConfig> config = said ? media::aac::config_from(said->audio_specific_config)
                                                   : fail(said.error().code, said.error().what);
    if (!config) {
        return false;
    }
    configure(*config);
    config_ = std::move(*said);
    return true;
}

// {length of the frame: FF… and the rest u8 | frame}…; without a configuration in band bytes are aligned
bool Latm::read_element(ByteSpan element, std::int64_t timestamp) {
    media::BitReader bits{element};
    if (in_band_ && !read_config(bits)) {
        return false;
    }
    std::int64_t samples = 0;
    for (unsigned frame = 0; frame < config_->frames; ++frame) {
        std::size_t length = 0;
        std::uint8_t part = 0xFF;
        while (part == 0xFF && bits.ok()) {
            part = bits.u8();
            length += part;
        }
        if (!bits.ok() || length > element.size()) {
            return false;
        }
        std::vector<std::byte> raw(length);
        for (std::byte& byte : raw) {
            byte = static_cast<std::byte>(bits.u8());
        }
        if (!bits.ok()) {
            return false;
        }
        samples += give_frame(raw, timestamp, samples);
    }
    return true;
}

void Latm::take(const Piece& piece) {
    if (piece.after_loss) {
        lost_ = true;
        if (under_way()) {
            break_frame();
        }
    }
    if (piece.payload.empty()) {
        return;
    }
    const bool begins = !under_way() && (!lost_ || piece.marker);
    if (begins) {
        begin_frame(piece.payload, piece.timestamp);
    } else if (under_way()) {
        append_frame(piece.payload, piece.timestamp);
    }
    if (!piece.marker) {
        return;
    }
    if (under_way() && !read_element(begun(), piece.timestamp)) {
        ++counters_.payloads_refused;
    }
    lost_ = false;
    drop_begun();
}

}   // namespace

DepacketiserMade read_latm(const Format& format) {
    Result<media::ConfigRef> config = config_from(format);
    if (!config) {
        return std::unexpected(config.error());
    }
    if (*config == nullptr) {
        return std::make_unique<Latm>(format, nullptr, std::nullopt);
    }
    const auto bytes = read_hex(parameter(format.parameters, "config").value_or(std::string_view{}));
    const Result<LatmConfig> said = read_latm_config(bytes.value_or(std::vector<std::byte>{}));
    if (!said) {
        return std::unexpected(said.error());
    }
    return std::make_unique<Latm>(format, std::move(*config), *said);
}

}   // namespace millrace::rtp
