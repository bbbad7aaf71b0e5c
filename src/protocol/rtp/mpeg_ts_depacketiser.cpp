#include "container/ts_reader.hpp"
#include "protocol/rtp/depacketisers.hpp"

namespace millrace::rtp {
namespace {

/// RFC 2250 §2: whole packets of a transport stream. Its units have tracks and the stream's own times.
class MpegTs final : public Depacketiser {
public:
    explicit MpegTs(const Format& format) : Depacketiser{format} {}

    void take(const Piece& piece) override {
        ByteSpan bytes = piece.payload;
        while (std::optional<ts::Item> item = reader_.next(bytes)) {
            if (auto* unit = std::get_if<media::AccessUnit>(&*item)) {
                config_ = config_ == nullptr ? unit->config : config_;
                give(std::move(*unit));
            }
        }
        const ts::ReaderCounters counted = reader_.counters();
        counters_.units_broken = counted.units_damaged;
        counters_.units_refused = counted.units_refused;
        counters_.units_skipped = counted.units_skipped;
    }
    void restart() override { reader_ = {}; }
    media::ConfigRef config() const override { return config_; }

private:
    ts::Reader reader_;
    media::ConfigRef config_;   // of the track that came first
};

}   // namespace

DepacketiserMade read_mpeg_ts(const Format& format) {
    return std::make_unique<MpegTs>(format);
}

}   // namespace millrace::rtp
