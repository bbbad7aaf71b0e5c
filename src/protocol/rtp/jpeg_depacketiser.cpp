#include "base/byte_reader.hpp"
#include "protocol/rtp/depacketisers.hpp"
#include "protocol/rtp/jpeg_picture.hpp"

#include <algorithm>
#include <unordered_map>

namespace millrace::rtp {
namespace {

/// RFC 2435 §3.1 and what follows it.
struct JpegPayload {
    std::size_t offset = 0;
    std::uint8_t type = 0;
    std::uint8_t q = 0;
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    std::uint16_t restart_interval = 0;
    ByteSpan tables;
    ByteSpan part;
};

constexpr std::uint8_t tables_in_band = 128;   // Q from here on
constexpr std::uint8_t tables_change = 255;    // with this Q they are told in every picture

class Jpeg final : public Depacketiser {
public:
    explicit Jpeg(const Format& format)
        : Depacketiser{format}, width_{format.width}, height_{format.height} {}

    void take(const Piece& piece) override;
    void restart() override {
        bytes_.clear();
        begun_ = false;
    }
    media::ConfigRef config() const override { return config_; }

private:
    static Result<JpegPayload> read(ByteSpan payload);
    void break_picture();
    bool begin(const JpegPayload& payload);
    bool set_tables(JpegPicture& picture, const JpegPayload& payload);
    void finish(std::int64_t timestamp);

    std::uint32_t width_;   // as SDP says
    std::uint32_t height_;
    media::ConfigRef config_;
    std::unordered_map<std::uint8_t, std::vector<std::byte>> tables_;   // by Q, at most 127
    JpegPicture picture_;
    std::vector<std::byte> bytes_;
    std::size_t head_size_ = 0;
    std::int64_t timestamp_ = 0;
    bool begun_ = false;
};

// RFC 2435 §3.1:
//
//   type-specific u8 | fragment offset u24 | type u8 | Q u8 | width / 8 u8 | height / 8 u8
//   type 64 to 127:      restart interval u16 | F u1 | L u1 | count u14
//   Q ≥ 128, offset 0:   zero u8 | precision u8 | length u16 | tables
//   a part of the scan
Result<JpegPayload> Jpeg::read(ByteSpan payload) {
    ByteReader reader{payload};
    JpegPayload read;
    reader.u8();
    read.offset = reader.u24();
    read.type = reader.u8();
    read.q = reader.u8();
    read.width = std::uint32_t{reader.u8()} * 8;
    read.height = std::uint32_t{reader.u8()} * 8;
    if (read.type >= 64 && read.type <= 127) {
        read.restart_interval = reader.u16();
        reader.u16();
    }
    if (read.q >= tables_in_band && read.offset == 0) {
        reader.u8();
        const std::uint8_t precision = reader.u8();
        const std::size_t length = reader.u16();
        read.tables = reader.take(length);
        if (precision != 0 && length != 0) {
            return fail(Errc::unsupported, "16-bit quantisation tables");
        }
    }
    read.part = reader.rest();
    if (!reader.ok() || (read.type & ~0x40U) > 1 || read.q == 0) {
        return fail(Errc::malformed, "broken JPEG payload");
    }
    return read;
}

void Jpeg::break_picture() {
    ++counters_.units_broken;
    restart();
}

bool Jpeg::set_tables(JpegPicture& picture, const JpegPayload& payload) {
    if (payload.q < tables_in_band) {
        set_quality(picture, payload.q);
        return true;
    }
    std::vector<std::byte>& known = tables_[payload.q];
    if (!payload.tables.empty()) {
        known.assign(payload.tables.begin(), payload.tables.end());
    }
    // §4.2: one table serves both where there is only one.
    if ((known.size() != 64 && known.size() != 128) ||
        (payload.q == tables_change && payload.tables.empty())) {
        return false;
    }
    const auto value = [&known](std::size_t at) { return static_cast<std::uint8_t>(known[at]); };
    for (std::size_t i = 0; i < 64; ++i) {
        picture.luma[i] = value(i);
        picture.chroma[i] = value(known.size() == 128 ? 64 + i : i);
    }
    return true;
}

bool Jpeg::begin(const JpegPayload& payload) {
    picture_ = {};
    picture_.type = payload.type & 0x3FU;
    picture_.width = payload.width != 0 ? payload.width : width_;
    picture_.height = payload.height != 0 ? payload.height : height_;
    picture_.restart_interval = payload.restart_interval;
    if (picture_.width == 0 || picture_.height == 0 || picture_.width > 0xFFFF || picture_.height > 0xFFFF ||
        !set_tables(picture_, payload)) {
        return false;
    }
    begun_ = true;
    bytes_.clear();
    write_jpeg_head(bytes_, picture_);
    head_size_ = bytes_.size();
    return true;
}

void Jpeg::finish(std::int64_t timestamp) {
    constexpr std::byte end[] = {std::byte{0xFF}, std::byte{0xD9}};
    if (bytes_.size() < 2 || bytes_[bytes_.size() - 2] != end[0] || bytes_.back() != end[1]) {
        bytes_.insert(bytes_.end(), std::begin(end), std::end(end));
    }
    const bool same =
        config_ != nullptr && config_->width == picture_.width && config_->height == picture_.height;
    if (!same) {
        config_ = std::make_shared<const media::TrackConfig>(config_of(picture_));
    }
    media::AccessUnit unit;
    unit.config = config_;
    unit.payload = Bytes::copy(bytes_);
    unit.key = true;
    unit.picture = media::PictureType::i;
    give(std::move(unit), timestamp);
    restart();
}

void Jpeg::take(const Piece& piece) {
    if (begun_ && (piece.after_loss || piece.timestamp != timestamp_)) {
        break_picture();
    }
    if (piece.payload.empty()) {
        return;
    }
    const Result<JpegPayload> payload = read(piece.payload);
    if (!payload) {
        ++counters_.payloads_refused;
        if (begun_) {
            break_picture();
        }
        return;
    }
    if (payload->offset == 0) {
        if (begun_) {
            break_picture();
        }
        timestamp_ = piece.timestamp;
        if (!begin(*payload)) {
            ++counters_.units_refused;
            return;
        }
    }
    if (!begun_) {
        counters_.units_broken += piece.marker ? 1 : 0;   // its beginning is missing
        return;
    }
    if (payload->offset != bytes_.size() - head_size_ ||
        bytes_.size() + payload->part.size() > unit_size_max) {
        break_picture();
        return;
    }
    bytes_.insert(bytes_.end(), payload->part.begin(), payload->part.end());
    if (piece.marker) {
        finish(piece.timestamp);
    }
}

}   // namespace

DepacketiserMade read_jpeg(const Format& format) {
    return std::make_unique<Jpeg>(format);
}

}   // namespace millrace::rtp
