#include "protocol/rtp/klv.hpp"

#include "media/time.hpp"
#include "protocol/rtp/depacketisers.hpp"
#include "protocol/rtp/packetisers.hpp"

#include <algorithm>

namespace millrace::rtp {
namespace {

/// RFC 6597 §4.2: a unit is cut where packets end; its packets have one time, and the last one the marker.
class KlvOut final : public Packetiser {
public:
    Result<> write(const media::AccessUnit& unit, PacketWriter& out) override {
        for (ByteSpan rest = unit.payload; !rest.empty();) {
            const ByteSpan part = rest.first(std::min(rest.size(), PacketWriter::room()));
            rest = rest.subspan(part.size());
            out.write(rest.empty(), {part});
        }
        return {};
    }
};

/// RFC 6597 §4.3.1: whole units only. Behind a loss a unit begins where a marker, or another time, says so.
class KlvIn final : public Depacketiser {
public:
    explicit KlvIn(const Format& format) : Depacketiser{format}, config_{klv_config(format.clock_rate)} {}

    void take(const Piece& piece) override {
        if (piece.after_loss) {
            tear();
        } else if (at_ != piece.timestamp) {
            counters_.units_broken += bytes_.empty() ? 0 : 1;   // the one before never had its marker
            restart();
        }
        at_ = piece.timestamp;
        if (!torn_ && bytes_.size() + piece.payload.size() > media::TimedMessage::bytes_max) {
            tear();
        }
        if (!torn_) {
            bytes_.insert(bytes_.end(), piece.payload.begin(), piece.payload.end());
        }
        if (piece.marker) {
            if (!bytes_.empty()) {
                give({.config = config_, .payload = Bytes{std::exchange(bytes_, {})}}, at_);
            }
            restart();
        }
    }
    void restart() override {
        bytes_.clear();
        torn_ = false;
    }
    media::ConfigRef config() const override { return config_; }

private:
    void tear() {
        ++counters_.units_broken;
        bytes_.clear();
        torn_ = true;
    }

    media::ConfigRef config_;
    std::vector<std::byte> bytes_;
    std::int64_t at_ = 0;
    bool torn_ = false;   // what comes up to the next marker, or time, is part of a unit that is not whole
};

}   // namespace

Format klv_format(std::uint8_t payload_type) {
    return {.encoding = Encoding::klv,
            .payload_type = payload_type,
            .clock_rate = static_cast<std::uint32_t>(media::TimedMessage::timescale),
            .parameters = {}};
}

media::ConfigRef klv_config(std::uint32_t clock_rate) {
    media::TrackConfig config;
    config.codec = media::Codec::l16;
    config.timescale = clock_rate;
    config.sample_rate = clock_rate;
    config.channels = 1;
    return std::make_shared<const media::TrackConfig>(std::move(config));
}

media::AccessUnit klv_unit(const media::TimedMessage& message, media::ConfigRef config) {
    media::AccessUnit unit{.config = std::move(config), .payload = message.body};
    unit.pts = media::rescale_nearest(message.pts, media::TimedMessage::timescale, unit.config->timescale);
    unit.dts = unit.pts;
    return unit;
}

media::TimedMessage klv_message(const media::AccessUnit& unit) {
    return {.kind = media::TimedMessage::Kind::klv,
            .body = unit.payload,
            .source_pts =
                media::rescale_nearest(unit.pts, unit.config->timescale, media::TimedMessage::timescale)};
}

std::unique_ptr<Packetiser> write_klv() {
    return std::make_unique<KlvOut>();
}

DepacketiserMade read_klv(const Format& format) {
    return std::make_unique<KlvIn>(format);
}

}   // namespace millrace::rtp
