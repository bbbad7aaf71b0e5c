#pragma once

#include "base/byte_reader.hpp"
#include "base/random.hpp"
#include "container/flv_samples.hpp"
#include "media/audio_frame.hpp"
#include "protocol/rtp/jpeg_picture.hpp"
#include "protocol/rtp/packetiser.hpp"
#include "protocol/rtp/receiver.hpp"

#include <vector>

/// Streams for the tests and fuzz seeds of RTP: units of each codec, as the hub would give them.
namespace millrace::rtp::samples {

using flv::samples::from_hex;

inline Bytes grown(ByteSpan frame, std::size_t size) {
    std::vector<std::byte> bytes(frame.begin(), frame.end());
    for (std::size_t i = bytes.size(); i < size; ++i) {
        bytes.push_back(static_cast<std::byte>(0x41U + i % 50));
    }
    return Bytes{std::move(bytes)};
}

inline media::AccessUnit jpeg_unit(std::int64_t pts, std::size_t scan_size, std::uint16_t restarts = 0) {
    JpegPicture picture{.width = 320, .height = 240, .restart_interval = restarts};
    set_quality(picture, 60);
    std::vector<std::byte> bytes;
    write_jpeg_head(bytes, picture);
    const Bytes scan = grown({}, scan_size);
    bytes.insert(bytes.end(), scan.begin(), scan.end());
    bytes.push_back(std::byte{0xFF});
    bytes.push_back(std::byte{0xD9});
    media::AccessUnit unit;
    unit.config = std::make_shared<const media::TrackConfig>(config_of(picture));
    unit.payload = Bytes{std::move(bytes)};
    unit.pts = unit.dts = pts;
    unit.key = true;
    return unit;
}

inline media::ConfigRef sound_config(media::Codec codec, std::uint32_t rate, std::uint16_t channels) {
    media::TrackConfig config;
    config.codec = codec;
    config.timescale = config.sample_rate = rate;
    config.channels = channels;
    return std::make_shared<const media::TrackConfig>(config);
}

/// `groups` of a key frame and what follows it (sound: as many frames), each picture about `size` bytes.
inline std::vector<media::AccessUnit> units(media::Codec codec, std::size_t size, std::size_t groups = 1) {
    std::vector<media::AccessUnit> all;
    const auto raw = [&](std::uint32_t rate, std::uint16_t channels, std::size_t bytes) {
        const media::ConfigRef config = sound_config(codec, rate, channels);
        for (std::size_t i = 0; i < 4 * groups; ++i) {
            media::AccessUnit unit;
            unit.config = config;
            unit.payload = grown({}, bytes);
            unit.duration = media::samples_in_frame(*config, unit.payload);
            unit.pts = unit.dts = static_cast<std::int64_t>(i) * unit.duration;
            unit.key = true;
            all.push_back(std::move(unit));
        }
    };
    switch (codec) {
        case media::Codec::pcma:
        case media::Codec::pcmu: raw(8'000, 1, 160); return all;
        case media::Codec::g722: raw(16'000, 1, 160); return all;
        case media::Codec::l16: raw(44'100, 2, 400); return all;
        case media::Codec::mjpeg:
            for (std::size_t i = 0; i < 4 * groups; ++i) {
                all.push_back(jpeg_unit(static_cast<std::int64_t>(i) * 3'600, size));
            }
            return all;
        default: break;
    }
    const media::Track track = flv::samples::track(codec);
    for (std::size_t group = 0; group < groups; ++group) {
        for (media::AccessUnit& unit : flv::samples::units(track, static_cast<std::int64_t>(group) * 160)) {
            if (codec == media::Codec::h264 || codec == media::Codec::h265) {
                const Bytes nal = grown(unit.payload.span().subspan(4), size);
                std::vector<std::byte> payload;
                media::append_nal(payload, nal);
                unit.payload = Bytes{std::move(payload)};
            } else if (codec == media::Codec::aac && size > 512) {
                unit.payload = grown(unit.payload, size);
            }
            unit.track = 0;
            all.push_back(std::move(unit));
        }
    }
    return all;
}

inline Format format(const media::AccessUnit& unit) {
    return *format_of(*unit.config, 96);
}

/// Everything that comes out of a receiver.
inline std::vector<media::AccessUnit> drain(Receiver& receiver) {
    std::vector<media::AccessUnit> got;
    while (std::optional<media::AccessUnit> unit = receiver.next()) {
        got.push_back(std::move(*unit));
    }
    return got;
}

/// Units as packets, each on its own.
inline std::vector<std::vector<std::byte>> packets_of(Sender& sender,
                                                      const std::vector<media::AccessUnit>& units) {
    std::vector<std::vector<std::byte>> packets;
    for (const media::AccessUnit& unit : units) {
        sender.packets().clear();
        static_cast<void>(sender.write(unit));
        for (std::size_t i = 0; i < sender.packets().count(); ++i) {
            const ByteSpan packet = sender.packets().at(i);
            packets.emplace_back(packet.begin(), packet.end());
        }
    }
    return packets;
}

/// One packet of a stream of its own.
inline std::vector<std::byte> packet(const Header& header, ByteSpan payload) {
    std::vector<std::byte> bytes;
    ByteWriter writer{bytes};
    write_header(writer, header);
    writer.bytes(payload);
    return bytes;
}

}   // namespace millrace::rtp::samples
