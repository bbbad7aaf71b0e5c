#include "container/ts_elementary_reader.hpp"
#include "media/nal.hpp"

#include <cstdlib>

namespace millrace::ts {
namespace {

/// PES packets of byte stream NAL units (annex B), one picture each.
class Pictures final : public ElementaryReader {
public:
    Pictures(Elementary stream, ReaderShared& shared)
        : ElementaryReader{std::move(stream), shared}, reader_{codec()} {}

private:
    struct Times {
        std::int64_t pts = 0;
        std::int64_t dts = 0;
    };

    void read(const Pes& pes) override;
    std::optional<Times> times_of(const Pes& pes);
    bool wanted(const media::Picture& picture, std::int64_t dts);

    media::PictureReader reader_;
    bool waiting_ = true;             // for a key frame
    bool after_wait_ = false;         // that one came; leading pictures refer to what is lost
    std::int64_t waiting_from_ = 0;   // dts of the first picture that was skipped
    bool skipped_ = false;            // since waiting began
    std::optional<std::int64_t> last_dts_;
    std::int64_t step_ = 0;   // between the last two
};

std::optional<Pictures::Times> Pictures::times_of(const Pes& pes) {
    if (!pes.pts) {
        // §2.7.5: not every picture needs times.
        return last_dts_ && step_ > 0 ? std::optional{Times{*last_dts_ + step_, *last_dts_ + step_}}
                                      : std::nullopt;
    }
    Times times;
    times.dts = shared().unwrap(*pes.dts);
    std::int64_t after = (*pes.pts - *pes.dts + clock_wrap) % clock_wrap;
    if (after > pts_after_dts_max) {
        ++shared().counters.times_refused;
        after = 0;
    }
    times.pts = times.dts + after;
    return times;
}

bool Pictures::wanted(const media::Picture& picture, std::int64_t dts) {
    if (waiting_) {
        if (!skipped_) {
            skipped_ = true;
            waiting_from_ = dts;
        }
        const bool enough = std::abs(dts - waiting_from_) > key_wait_max;
        if (!picture.key && !picture.recovery_frames && !enough) {
            return false;
        }
        after_wait_ = picture.key;
        waiting_ = false;
        return true;
    }
    if (after_wait_ && !picture.key) {
        after_wait_ = picture.leading;
        return !picture.leading;
    }
    return true;
}

void Pictures::read(const Pes& pes) {
    if (pes.after_loss && !waiting_) {
        waiting_ = true;
        skipped_ = false;
    }
    const std::optional<Times> times = times_of(pes);
    const std::vector<ByteSpan> nals = media::split_annex_b(pes.payload);
    Result<std::optional<media::Picture>> picture = reader_.read(nals);
    if (!times || !picture) {
        ++shared().counters.units_refused;
        return;
    }
    if (!*picture) {
        return;
    }
    step_ = last_dts_ ? times->dts - *last_dts_ : 0;
    last_dts_ = times->dts;
    if (!wanted(**picture, times->dts)) {
        ++shared().counters.units_skipped;
        return;
    }
    media::AccessUnit unit;
    media::describe(unit, std::move(**picture));
    unit.dts = times->dts;
    unit.pts = times->pts;
    give(std::move(unit));
}

}   // namespace

std::unique_ptr<ElementaryReader> read_pictures(Elementary stream, ReaderShared& shared) {
    return std::make_unique<Pictures>(std::move(stream), shared);
}

}   // namespace millrace::ts
