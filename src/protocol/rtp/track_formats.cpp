#include "base/base64.hpp"
#include "media/aac.hpp"
#include "media/av1.hpp"
#include "media/h264_config.hpp"
#include "media/h265_config.hpp"
#include "media/nal.hpp"
#include "media/opus.hpp"
#include "protocol/rtp/format.hpp"
#include "protocol/rtp/klv.hpp"
#include "protocol/rtp/latm.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace millrace::rtp {

namespace {

/// Parameter sets of one SDP parameter, in base64, by commas; at most so many.
constexpr std::size_t sets_max = 64;

struct Sets {
    std::vector<std::vector<std::byte>> bytes;
    std::vector<ByteSpan> spans;

    bool add(std::string_view list) {
        while (!list.empty()) {
            const std::size_t end = std::min(list.find(','), list.size());
            const auto set = decode_base64_loosely(list.substr(0, end));
            list.remove_prefix(std::min(end + 1, list.size()));
            if (!set || bytes.size() == sets_max) {
                return false;
            }
            // Some cameras write start codes here too, or several sets as one.
            const bool byte_stream =
                set->size() > 3 && (*set)[0] == std::byte{0} && (*set)[1] == std::byte{0};
            if (byte_stream) {
                for (const ByteSpan nal : media::split_annex_b(*set)) {
                    bytes.emplace_back(nal.begin(), nal.end());
                }
            } else if (!set->empty()) {
                bytes.push_back(*set);
            }
        }
        return true;
    }
    std::span<const ByteSpan> all() {
        spans.assign(bytes.begin(), bytes.end());
        return spans;
    }
};

Result<media::ConfigRef> shared(Result<media::TrackConfig> config) {
    if (!config) {
        return std::unexpected(config.error());
    }
    return std::make_shared<const media::TrackConfig>(std::move(*config));
}

Result<media::ConfigRef> from_sets(const Format& format) {
    Sets sets;
    bool sound = true;
    constexpr std::string_view h264[] = {"sprop-parameter-sets"};
    constexpr std::string_view h265[] = {"sprop-vps", "sprop-sps", "sprop-pps"};
    const bool is_h264 = format.encoding == Encoding::h264;
    for (const std::string_view name : is_h264 ? std::span{h264} : std::span<const std::string_view>{h265}) {
        sound = sets.add(parameter(format.parameters, name).value_or(std::string_view{})) && sound;
    }
    if (!sound) {
        return fail(Errc::malformed, "parameter sets that are no base64");
    }
    if (sets.bytes.empty()) {
        return nullptr;
    }
    return shared(is_h264 ? media::h264::config_from(sets.all()) : media::h265::config_from(sets.all()));
}

Result<media::ConfigRef> from_aac(const Format& format) {
    const auto bytes = read_hex(parameter(format.parameters, "config").value_or(std::string_view{}));
    if (!bytes || bytes->empty()) {
        return fail(Errc::malformed, "AAC without a config in its a=fmtp");
    }
    return shared(media::aac::config_from(*bytes));
}

Result<media::ConfigRef> from_latm(const Format& format) {
    if (number(format.parameters, "cpresent", 1) == 1 && !parameter(format.parameters, "config")) {
        return nullptr;   // RFC 6416 §7.3: it comes in band
    }
    const auto bytes = read_hex(parameter(format.parameters, "config").value_or(std::string_view{}));
    if (!bytes) {
        return fail(Errc::malformed, "LATM with a config that is not hexadecimal");
    }
    const Result<LatmConfig> config = read_latm_config(*bytes);
    return config ? shared(media::aac::config_from(config->audio_specific_config))
                  : Result<media::ConfigRef>{std::unexpected(config.error())};
}

Result<media::ConfigRef> from_samples(const Format& format, media::Codec codec) {
    constexpr std::uint16_t channels_max = 8;
    media::TrackConfig config;
    config.codec = codec;
    // RFC 3551 §4.5.2: the clock of G.722 runs at half its sample rate, by an old mistake.
    config.sample_rate = codec == media::Codec::g722 ? 16'000 : format.clock_rate;
    config.timescale = config.sample_rate;
    config.channels = format.channels;
    config.codec_string = media::name(codec);
    if (config.channels == 0 || config.channels > channels_max ||
        config.sample_rate > media::aac::sample_rate_max) {
        return fail(Errc::malformed, "channels or a sample rate that nobody has");
    }
    return shared(std::move(config));
}

std::string base64_list(std::span<const Bytes> sets) {
    std::string list;
    for (const Bytes& set : sets) {
        list += list.empty() ? "" : ",";
        list += encode_base64(set);
    }
    return list;
}

std::string h264_parameters(const media::TrackConfig& config) {
    std::string text = "packetization-mode=1";
    if (!config.sps.empty() && config.sps.front().size() > 3) {
        const Bytes& sps = config.sps.front();
        text += fmt::format("; profile-level-id={:02X}{:02X}{:02X}", static_cast<unsigned>(sps.data()[1]),
                            static_cast<unsigned>(sps.data()[2]), static_cast<unsigned>(sps.data()[3]));
        text += "; sprop-parameter-sets=" + base64_list(config.sps);
        text += config.pps.empty() ? "" : "," + base64_list(config.pps);
    }
    return text;
}

std::string aac_parameters(const media::TrackConfig& config) {
    std::string text =
        "streamtype=5; profile-level-id=1; mode=AAC-hbr; sizelength=13; indexlength=3; "
        "indexdeltalength=3; config=";
    for (const std::byte byte : config.extra) {
        text += fmt::format("{:02x}", static_cast<unsigned>(byte));
    }
    return text;
}

}   // namespace

Result<media::ConfigRef> config_from(const Format& format) {
    switch (format.encoding) {
        case Encoding::h264:
        case Encoding::h265: return from_sets(format);
        case Encoding::aac: return from_aac(format);
        case Encoding::latm: return from_latm(format);
        case Encoding::opus: {
            media::opus::Head
                head;   // RFC 7587 §4.1: packets of mono and stereo alike decode to two channels
            return shared(media::opus::config_from(media::opus::write_head(head)));
        }
        case Encoding::pcma: return from_samples(format, media::Codec::pcma);
        case Encoding::pcmu: return from_samples(format, media::Codec::pcmu);
        case Encoding::g722: return from_samples(format, media::Codec::g722);
        case Encoding::l16: return from_samples(format, media::Codec::l16);
        case Encoding::klv: return klv_config(format.clock_rate);
        case Encoding::av1:
        case Encoding::jpeg:
        case Encoding::mpeg_audio:
        case Encoding::mpeg_ts: break;
    }
    return nullptr;
}

Result<Format> format_of(const media::TrackConfig& config, std::uint8_t payload_type) {
    Format format{.payload_type = payload_type};
    if (media::kind_of(config.codec) == media::Kind::audio) {
        format.clock_rate = static_cast<std::uint32_t>(config.timescale);
        format.channels = config.channels;
    }
    switch (config.codec) {
        case media::Codec::h264:
            format.encoding = Encoding::h264;
            format.parameters = h264_parameters(config);
            return format;
        case media::Codec::h265:
            format.encoding = Encoding::h265;
            format.parameters = "sprop-vps=" + base64_list(config.vps) +
                                "; sprop-sps=" + base64_list(config.sps) +
                                "; sprop-pps=" + base64_list(config.pps);
            return format;
        case media::Codec::av1: format.encoding = Encoding::av1; return format;
        case media::Codec::mjpeg: {
            format.encoding = Encoding::jpeg;
            format.payload_type = 26;
            format.width = config.width;
            format.height = config.height;
            return format;
        }
        case media::Codec::aac:
            format.encoding = Encoding::aac;
            format.parameters = aac_parameters(config);
            return format;
        case media::Codec::opus:
            format.encoding = Encoding::opus;
            format.parameters = config.channels == 2 ? "sprop-stereo=1" : "";
            format.channels = 2;   // RFC 7587 §7: whatever the packets hold
            return config.channels <= 2 ? Result<Format>{format}
                                        : fail(Errc::unsupported, "Opus of more than two channels");
        case media::Codec::mp3:
            format.encoding = Encoding::mpeg_audio;
            format.payload_type = 14;
            format.clock_rate = 90'000;
            format.channels = 1;
            return format;
        case media::Codec::pcma: format.encoding = Encoding::pcma; return format;
        case media::Codec::pcmu: format.encoding = Encoding::pcmu; return format;
        case media::Codec::g722:
            format.encoding = Encoding::g722;
            format.clock_rate = 8'000;
            return format;
        case media::Codec::l16: format.encoding = Encoding::l16; return format;
    }
    return fail(Errc::unsupported, "a codec without a payload format");
}

}   // namespace millrace::rtp
