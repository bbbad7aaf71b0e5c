#include "protocol/rtp/latm.hpp"

#include "media/aac.hpp"

namespace millrace::rtp {

namespace {

// AudioSpecificConfig of AAC, copied bit by bit as it has no length here: GASpecificConfig without a
// programme config element, and the explicit signalling of SBR.
class ConfigBits {
public:
    explicit ConfigBits(media::BitReader& reader) : reader_{reader} {}

    std::uint32_t copy(unsigned count) {
        const std::uint32_t value = reader_.bits(count);
        for (unsigned bit = count; bit != 0;) {
            --bit;
            if (used_ == 0) {
                bytes_.push_back(std::byte{0});
            }
            bytes_.back() |= static_cast<std::byte>((value >> bit & 1U) << (7 - used_));
            used_ = (used_ + 1) % 8;
        }
        return value;
    }
    bool copy_rate() {
        const bool written_out = copy(4) == 15;
        if (written_out) {
            copy(24);
        }
        return written_out;
    }
    std::vector<std::byte> take() { return std::move(bytes_); }

private:
    media::BitReader& reader_;
    std::vector<std::byte> bytes_;
    unsigned used_ = 0;
};

constexpr std::uint32_t sbr = 5;
constexpr std::uint32_t ps = 29;
// §1.6.2.1: 11 bits behind an AudioSpecificConfig whose length is known, which it is not here. As lengths of
// frames they would be those of CELP.
constexpr std::uint32_t sync_extension = 0x2B7;

Result<std::vector<std::byte>> read_config(media::BitReader& reader) {
    ConfigBits bits{reader};
    std::uint32_t type = bits.copy(5);
    bits.copy_rate();
    const std::uint32_t channels = bits.copy(4);
    if (type == sbr || type == ps) {
        bits.copy_rate();
        type = bits.copy(5);
    }
    constexpr std::uint32_t plain_types_max = 4;
    if (type == 0 || type > plain_types_max || channels == 0) {
        return fail(Errc::unsupported, "LATM of something else than plain AAC");
    }
    bits.copy(1);              // frameLengthFlag
    if (bits.copy(1) == 1) {   // dependsOnCoreCoder
        bits.copy(14);
    }
    bits.copy(1);   // extensionFlag: nothing follows it for these types
    return bits.take();
}

}   // namespace

Result<LatmConfig> read_latm_config(media::BitReader& reader) {
    if (reader.flag()) {   // audioMuxVersion
        return fail(Errc::unsupported, "LATM of another version than 0");
    }
    const bool same_time_framing = reader.flag();
    LatmConfig config;
    config.frames = static_cast<std::uint8_t>(reader.bits(6) + 1);
    const std::uint32_t programmes = reader.bits(4) + 1;
    const std::uint32_t layers = reader.bits(3) + 1;
    if (!reader.ok() || !same_time_framing || programmes != 1 || layers != 1) {
        return fail(Errc::unsupported, "LATM of more than one layer");
    }
    Result<std::vector<std::byte>> audio = read_config(reader);
    if (!audio) {
        return std::unexpected(audio.error());
    }
    config.audio_specific_config = std::move(*audio);
    if (reader.at_end()) {
        return config;   // GStreamer ends here
    }
    const std::uint32_t length_type = reader.bits(3);
    const std::uint32_t fullness = reader.bits(8);   // latmBufferFullness
    if (reader.ok() && (length_type << 8U | fullness) == sync_extension) {
        return config;   // or behind its signalling of SBR
    }
    if (!reader.ok() || length_type != 0) {
        return fail(Errc::unsupported, "LATM frames that do not say their length");
    }
    if (reader.flag()) {   // otherDataPresent
        return fail(Errc::unsupported, "LATM with other data");
    }
    if (reader.flag()) {   // crcCheckPresent
        reader.bits(8);
    }
    return config;
}

Result<LatmConfig> read_latm_config(ByteSpan bytes) {
    media::BitReader reader{bytes};
    return read_latm_config(reader);
}

}   // namespace millrace::rtp
