#include "base/byte_reader.hpp"
#include "media/mp3.hpp"
#include "protocol/rtp/depacketisers.hpp"
#include "protocol/rtp/frame_depacketiser.hpp"

namespace millrace::rtp {
namespace {

class MpegAudio final : public FrameDepacketiser {
public:
    explicit MpegAudio(const Format& format) : FrameDepacketiser{format, nullptr} {}

    void take(const Piece& piece) override;

private:
    void read_frames(ByteSpan bytes, const Piece& piece);
    void give_whole(ByteSpan frame, std::int64_t timestamp);
};

void MpegAudio::give_whole(ByteSpan frame, std::int64_t timestamp) {
    if (const Result<media::TrackConfig> config = media::mp3::config_from(frame)) {
        configure(*config);
        give_frame(frame, timestamp, 0);
    } else {
        ++counters_.units_refused;
    }
}

void MpegAudio::read_frames(ByteSpan bytes, const Piece& piece) {
    std::int64_t samples = 0;
    while (!bytes.empty()) {
        const Result<media::mp3::FrameHeader> header = media::mp3::read_header(bytes);
        if (!header || header->frame_size == 0) {
            ++counters_.payloads_refused;
            return;
        }
        if (header->frame_size > bytes.size()) {
            begin_frame(bytes, piece.timestamp);
            return;
        }
        configure(*media::mp3::config_from(bytes));
        samples += give_frame(bytes.first(header->frame_size), piece.timestamp, samples);
        bytes = bytes.subspan(header->frame_size);
    }
}

// RFC 2250 §3.5:  zero u16 | fragment offset u16 | whole frames, or a part of one
void MpegAudio::take(const Piece& piece) {
    ByteReader reader{piece.payload};
    reader.u16();
    const std::size_t offset = reader.u16();
    if (piece.after_loss && under_way()) {
        break_frame();
    }
    if (!reader.ok()) {
        counters_.payloads_refused += piece.payload.empty() ? 0 : 1;
        return;
    }
    if (offset == 0) {
        if (under_way()) {
            break_frame();
        }
        read_frames(reader.rest(), piece);
        return;
    }
    if (!under_way() || begun().size() != offset) {
        break_frame();
        return;
    }
    if (!append_frame(reader.rest(), piece.timestamp)) {
        return;
    }
    const Result<media::mp3::FrameHeader> header = media::mp3::read_header(begun());
    if (header && begun().size() >= header->frame_size) {
        give_whole(ByteSpan{begun()}.first(header->frame_size), piece.timestamp);
        drop_begun();
    }
}

}   // namespace

DepacketiserMade read_mpeg_audio(const Format& format) {
    return std::make_unique<MpegAudio>(format);
}

}   // namespace millrace::rtp
