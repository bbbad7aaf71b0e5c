#include "base/byte_reader.hpp"
#include "container/ts_elementary.hpp"
#include "container/ts_elementary_reader.hpp"
#include "media/aac.hpp"
#include "media/audio_frame.hpp"
#include "media/mp3.hpp"
#include "media/time.hpp"

#include <algorithm>

namespace millrace::ts {
namespace {

/// Bytes that a header must be read from.
constexpr std::size_t header_size_max = 7;

/// A frame at the front of some bytes.
struct Frame {
    ByteSpan raw;           ///< as an AccessUnit wants it
    std::size_t size = 0;   ///< with what stands around it; more than there is: it goes on later
    media::ConfigRef config;
};

/// PES packets of audio frames: ADTS and MPEG audio may go on in the next one, Opus may not.
class Frames final : public ElementaryReader {
public:
    Frames(Elementary stream, ReaderShared& shared)
        : ElementaryReader{std::move(stream), shared}, config_{track().config} {}

private:
    void read(const Pes& pes) override;
    void give_frame(const Frame& frame, bool begun_before);
    Result<Frame> next_frame(ByteSpan bytes);
    Result<Frame> next_adts(ByteSpan bytes);
    Result<Frame> next_mp3(ByteSpan bytes);
    Result<Frame> next_opus(ByteSpan bytes);
    void configure(const Result<media::TrackConfig>& config);

    media::ConfigRef config_;
    std::vector<std::byte> rest_;        // the beginning of a frame: less than one whole
    std::optional<std::int64_t> said_;   // PTS of the next frame that begins, 90 kHz
    std::optional<std::int64_t> next_;   // where the last frame ended, in samples
    media::ConfigRef next_config_;       // whose samples those are
};

/// Keeps the same object while the coding is the same.
void Frames::configure(const Result<media::TrackConfig>& config) {
    if (config && (config_ == nullptr || !config_->same_coding(*config))) {
        config_ = std::make_shared<const media::TrackConfig>(*config);
    }
}

Result<Frame> Frames::next_adts(ByteSpan bytes) {
    const Result<media::aac::AdtsHeader> header = media::aac::read_adts_header(bytes);
    if (!header) {
        return std::unexpected(header.error());
    }
    Frame frame{.size = header->frame_size};
    if (frame.size <= bytes.size()) {
        const Result<media::TrackConfig> config =
            media::aac::config_from(media::aac::write_audio_specific_config(*header));
        if (!config) {
            return std::unexpected(config.error());
        }
        configure(config);
        frame.raw = bytes.first(frame.size).subspan(header->header_size);
    }
    return frame;
}

Result<Frame> Frames::next_mp3(ByteSpan bytes) {
    const Result<media::mp3::FrameHeader> header = media::mp3::read_header(bytes);
    if (!header) {
        return std::unexpected(header.error());
    }
    Frame frame{.size = header->frame_size};
    if (frame.size <= bytes.size()) {
        configure(media::mp3::config_from(bytes));
        frame.raw = bytes.first(frame.size);
    }
    return frame;
}

Result<Frame> Frames::next_opus(ByteSpan bytes) {
    ByteReader reader{bytes};
    const Result<std::size_t> size = read_opus_control(reader);
    if (!size) {
        return std::unexpected(size.error());
    }
    Frame frame{.raw = reader.take(*size)};
    if (!reader.ok() || config_ == nullptr) {
        return fail(Errc::malformed, "an Opus packet beyond its PES packet, or of an unknown layout");
    }
    frame.size = bytes.size() - reader.remaining();
    return frame;
}

Result<Frame> Frames::next_frame(ByteSpan bytes) {
    Result<Frame> frame = codec() == media::Codec::aac    ? next_adts(bytes)
                          : codec() == media::Codec::opus ? next_opus(bytes)
                                                          : next_mp3(bytes);
    if (frame) {
        frame->config = config_;
    }
    return frame;
}

void Frames::give_frame(const Frame& frame, bool begun_before) {
    media::AccessUnit unit;
    unit.config = frame.config;
    const std::int64_t rate = unit.config->timescale;
    if (said_ && !begun_before) {
        // §2.4.3.7: the PTS is that of the first frame that begins in the packet.
        next_ = media::rescale_nearest(*said_, clock_rate, rate);
        said_.reset();
    } else if (next_config_ != nullptr && next_) {
        next_ = media::rescale_nearest(*next_, next_config_->timescale, rate);
    }
    if (!next_) {
        ++shared().counters.units_refused;
        return;
    }
    unit.dts = *next_;
    unit.pts = *next_;
    unit.duration = media::samples_in_frame(*unit.config, frame.raw);
    unit.payload = Bytes::copy(frame.raw);
    unit.key = true;
    next_ = unit.dts + unit.duration;
    next_config_ = unit.config;
    give(std::move(unit));
}

void Frames::read(const Pes& pes) {
    if (pes.after_loss) {
        rest_.clear();
        next_.reset();
    }
    const std::size_t begun_before = rest_.size();
    rest_.insert(rest_.end(), pes.payload.begin(), pes.payload.end());
    if (pes.pts) {
        said_ = shared().unwrap(*pes.pts);
    }
    std::size_t given = 0;
    bool refused = false;
    ByteSpan bytes = rest_;
    while (bytes.size() >= (codec() == media::Codec::opus ? 1 : header_size_max) &&
           given < frames_per_pes_max) {
        const Result<Frame> frame = next_frame(bytes);
        if (!frame) {
            refused = true;
            if (codec() == media::Codec::opus) {
                break;   // its frames have nothing to find them by
            }
            const auto sync = std::find(bytes.begin() + 1, bytes.end(), std::byte{0xFF});
            bytes = bytes.subspan(static_cast<std::size_t>(sync - bytes.begin()));
            continue;
        }
        if (frame->size > bytes.size()) {
            break;
        }
        give_frame(*frame, rest_.size() - bytes.size() < begun_before);
        ++given;
        bytes = bytes.subspan(frame->size);
    }
    refused = refused || given == frames_per_pes_max;
    shared().counters.units_refused += refused ? 1 : 0;
    const bool goes_on = codec() != media::Codec::opus && given < frames_per_pes_max;
    const std::vector<std::byte> left(bytes.begin(), goes_on ? bytes.end() : bytes.begin());
    rest_ = left;
}

}   // namespace

std::unique_ptr<ElementaryReader> read_frames(Elementary stream, ReaderShared& shared) {
    return std::make_unique<Frames>(std::move(stream), shared);
}

}   // namespace millrace::ts
