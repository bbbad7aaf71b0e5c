#pragma once

#include "base/block_log.hpp"
#include "base/check.hpp"
#include "container/flv_tag.hpp"
#include "media/aac.hpp"
#include "media/access_unit.hpp"
#include "media/av1.hpp"
#include "media/h264_config.hpp"
#include "media/h265_config.hpp"
#include "media/mp3.hpp"
#include "media/nal.hpp"
#include "media/opus.hpp"
#include "media/time.hpp"

#include <string_view>
#include <vector>

/// Small real streams for tests and fuzz seeds: 64x64 grey pictures in the order I P B B, and audio frames.
namespace millrace::flv::samples {

inline std::vector<std::byte> from_hex(std::string_view hex) {
    std::vector<std::byte> out;
    unsigned value = 0;
    bool half = false;
    for (const char c : hex) {
        if (c == ' ') {
            continue;
        }
        const int letter = (c | 0x20) - 'a' + 10;
        value = value << 4U | static_cast<unsigned>(c <= '9' ? c - '0' : letter);
        if (half) {
            out.push_back(static_cast<std::byte>(value & 0xFFU));
        }
        half = !half;
    }
    return out;
}

inline constexpr std::string_view h264_sps = "6764000aacd94426c044000003000400000300c83c489658";
inline constexpr std::string_view h264_pps = "68ebe3cb22c0";
inline constexpr std::string_view h265_vps = "40010c01ffff01600000030090000003000003001e959009";
inline constexpr std::string_view h265_sps =
    "42010101600000030090000003000003001ea020810596564924caf0168080000003008000000c84";
inline constexpr std::string_view h265_pps = "4401c172b42240";
inline constexpr std::string_view av1_sequence_header = "0a0a00000002afff9b5f2008";
inline constexpr std::string_view aac_44100_stereo = "1210";

/// The coded pictures (one NAL unit or OBU each) or frames of a codec.
inline std::vector<std::vector<std::byte>> frames(media::Codec codec) {
    switch (codec) {
        case media::Codec::h264:
            return {from_hex("6588840033fffef6ecbe07cd425c44b31699fbf791036454821c1cc711"),
                    from_hex("419a236c42bffe388dc0"), from_hex("419e4178857f0c39"),
                    from_hex("019e626a42bf0c38")};
        case media::Codec::h265:
            return {from_hex("2801af1d80f701b2f5afb33c"), from_hex("0201d0195f84318e40fa84"),
                    from_hex("0201e04497e18490c560"), from_hex("0001e024fffa2c2980c820")};
        case media::Codec::av1:
            return {from_hex("320c10009680000200000000ec84"),
                    from_hex("32113003c080000006c0000002800020009910"),
                    from_hex("32113005c104000006c0000002800020009cf0"),
                    from_hex("321130060204040006c00000028000200094c0")};
        case media::Codec::aac: return {from_hex("21004503"), from_hex("21100456"), from_hex("2110ffff")};
        case media::Codec::opus: return {from_hex("fc01"), from_hex("fc0203"), from_hex("fc")};
        case media::Codec::mp3: {
            std::vector<std::byte> frame = from_hex("fffb10c4");   // 32 kbit/s, 44.1 kHz, mono
            frame.resize(104);
            return {frame, frame, frame};
        }
        case media::Codec::pcma:
        case media::Codec::pcmu:
        case media::Codec::g722:
        case media::Codec::l16:
        case media::Codec::mjpeg: break;
    }
    return {};
}

template <class T>
T sound(Result<T> result) {
    check(result.has_value(), "a sample is sound");
    return std::move(*result);
}

inline media::TrackConfig read_config(media::Codec codec) {
    const auto from_sets = [](auto reader, std::initializer_list<std::string_view> sets) {
        std::vector<std::vector<std::byte>> bytes;
        for (const std::string_view set : sets) {
            bytes.push_back(from_hex(set));
        }
        const std::vector<ByteSpan> spans(bytes.begin(), bytes.end());
        return sound(reader(std::span{spans}));
    };
    switch (codec) {
        case media::Codec::h264: return from_sets(media::h264::config_from, {h264_sps, h264_pps});
        case media::Codec::h265: return from_sets(media::h265::config_from, {h265_vps, h265_sps, h265_pps});
        case media::Codec::av1: return sound(media::av1::config_from(from_hex(av1_sequence_header)));
        case media::Codec::aac: return sound(media::aac::config_from(from_hex(aac_44100_stereo)));
        case media::Codec::opus: return sound(media::opus::config_from(media::opus::write_head({})));
        case media::Codec::pcma:
        case media::Codec::pcmu:
        case media::Codec::g722:
        case media::Codec::l16:
        case media::Codec::mjpeg:
        case media::Codec::mp3: break;
    }
    return sound(media::mp3::config_from(frames(codec).front()));
}

inline media::Track track(media::Codec codec) {
    const media::Kind kind = media::kind_of(codec);
    const media::TrackId id = kind == media::Kind::video ? 0 : 1;
    return {.id = id, .kind = kind, .config = std::make_shared<const media::TrackConfig>(read_config(codec))};
}

/// The units of a track whose first is at `start_ms`: pictures every 40 ms, shown in the order I B B P
/// (AV1: as decoded, its format has nothing else), audio every 20 ms.
inline std::vector<media::AccessUnit> units(const media::Track& track, std::int64_t start_ms) {
    const media::Codec codec = track.config->codec;
    const bool nal_units = codec == media::Codec::h264 || codec == media::Codec::h265;
    constexpr std::int64_t shown_at_ms[] = {0, 120, 40, 80};
    const auto ticks = [&track](std::int64_t ms) {
        return media::rescale(ms, media::milliseconds_timescale, track.config->timescale);
    };
    std::vector<media::AccessUnit> units;
    for (const std::vector<std::byte>& frame : frames(codec)) {
        const auto index = static_cast<std::int64_t>(units.size());
        media::AccessUnit unit;
        unit.track = track.id;
        unit.config = track.config;
        std::vector<std::byte> payload;
        if (nal_units) {
            media::append_nal(payload, frame);
        } else {
            payload = frame;
        }
        unit.payload = Bytes{std::move(payload)};
        unit.dts = ticks(start_ms + index * (track.kind == media::Kind::video ? 40 : 20));
        unit.pts = nal_units ? ticks(start_ms + shown_at_ms[index]) : unit.dts;
        unit.key = index == 0 || track.kind == media::Kind::audio;
        units.push_back(std::move(unit));
    }
    return units;
}

/// All bytes of a log.
inline std::vector<std::byte> bytes_of(BlockLog& log) {
    LogView view;
    view.apply(log.take_change());
    std::vector<std::byte> bytes;
    for (std::uint64_t from = view.tail(); from != view.head();) {
        std::array<ByteSpan, 16> slices;
        const std::size_t count = view.gather(from, view.head(), slices);
        for (const ByteSpan slice : std::span{slices}.first(count)) {
            bytes.insert(bytes.end(), slice.begin(), slice.end());
            from += slice.size();
        }
    }
    return bytes;
}

}   // namespace millrace::flv::samples
