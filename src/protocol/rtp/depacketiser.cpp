#include "protocol/rtp/depacketiser.hpp"

#include "media/time.hpp"
#include "protocol/rtp/depacketisers.hpp"

namespace millrace::rtp {

std::optional<media::AccessUnit> Depacketiser::next() {
    if (units_.empty()) {
        return std::nullopt;
    }
    return units_.pop();
}

void Depacketiser::give(media::AccessUnit unit, std::int64_t timestamp) {
    unit.dts = media::rescale_nearest(timestamp, clock_rate_, unit.config->timescale);
    unit.pts = unit.dts;
    give(std::move(unit));
}

void Depacketiser::give(media::AccessUnit unit) {
    if (units_.size() == units_waiting_max) {
        ++counters_.units_refused;
        return;
    }
    units_.push_back(std::move(unit));
}

Result<std::unique_ptr<Depacketiser>> depacketiser_of(const Format& format) {
    if (format.clock_rate == 0) {
        return fail(Errc::malformed, "a payload format with a clock of 0 Hz");
    }
    switch (format.encoding) {
        case Encoding::h264: return read_h264(format);
        case Encoding::h265: return read_h265(format);
        case Encoding::av1: return read_av1(format);
        case Encoding::jpeg: return read_jpeg(format);
        case Encoding::aac: return read_aac(format);
        case Encoding::latm: return read_latm(format);
        case Encoding::mpeg_audio: return read_mpeg_audio(format);
        case Encoding::mpeg_ts: return read_mpeg_ts(format);
        case Encoding::klv: return read_klv(format);
        case Encoding::opus:
        case Encoding::pcma:
        case Encoding::pcmu:
        case Encoding::g722:
        case Encoding::l16: break;
    }
    return read_plain(format);
}

}   // namespace millrace::rtp
