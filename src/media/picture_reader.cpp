#include "media/picture_reader.hpp"

#include "media/picture_syntax.hpp"

namespace millrace::media {

namespace {

/// For a codec without pictures.
class NoPictures final : public PictureSyntax {
public:
    Result<> configure(TrackConfig) override { return fail(Errc::unsupported, "not a video codec"); }
    Result<std::optional<Picture>> read(std::span<const ByteSpan>, const Bytes&) override {
        return fail(Errc::unsupported, "not a video codec");
    }
};

std::unique_ptr<PictureSyntax> syntax_of(Codec codec) {
    switch (codec) {
        case Codec::h264: return h264_pictures();
        case Codec::h265: return h265_pictures();
        case Codec::av1: return av1_pictures();
        case Codec::aac:
        case Codec::opus:
        case Codec::mp3:
        case Codec::pcma:
        case Codec::pcmu:
        case Codec::g722:
        case Codec::l16:
        case Codec::mjpeg: break;
    }
    return std::make_unique<NoPictures>();
}

}   // namespace

void PictureSyntax::take(TrackConfig config) {
    if (config.frame_rate == 0) {
        config.frame_rate = declared_frame_rate_;
    }
    const bool same = config_ != nullptr && config_->same_coding(config) && config_->width == config.width &&
                      config_->height == config.height && config_->codec_string == config.codec_string;
    if (!same) {
        config_ = std::make_shared<const TrackConfig>(std::move(config));
    }
}

void describe(AccessUnit& unit, Picture picture) {
    unit.config = std::move(picture.config);
    unit.payload = std::move(picture.payload);
    unit.key = picture.key;
    unit.picture = picture.picture;
    unit.slice_qp = picture.slice_qp;
    if (const std::optional<CaptureNote>& note = picture.note) {
        unit.capture = {note->utc, CaptureTime::Label::capture};
        unit.camera_number = note->frame;
        unit.coded_qp = note->qp ? std::optional{static_cast<float>(*note->qp)} : std::nullopt;
    }
}

PictureReader::PictureReader(Codec codec) : syntax_{syntax_of(codec)} {
}
PictureReader::PictureReader(PictureReader&&) noexcept = default;
PictureReader& PictureReader::operator=(PictureReader&&) noexcept = default;
PictureReader::~PictureReader() = default;

Result<> PictureReader::configure(TrackConfig config) {
    return syntax_->configure(std::move(config));
}

ConfigRef PictureReader::config() const {
    return syntax_->config();
}

Result<std::optional<Picture>> PictureReader::read(std::span<const ByteSpan> nals, const Bytes& framed) {
    return syntax_->read(nals, framed);
}

const PictureReaderCounters& PictureReader::counters() const {
    return syntax_->counters();
}

}   // namespace millrace::media
