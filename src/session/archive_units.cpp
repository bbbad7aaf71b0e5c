#include "session/archive_units.hpp"

#include "container/mp4_event.hpp"
#include "media/time.hpp"

#include <algorithm>

namespace millrace::session {

namespace {

constexpr std::int64_t microseconds = 1'000'000;

/// When it is decoded, in microseconds; of two tracks at the same time one is always first.
std::pair<std::int64_t, media::TrackId> decoded_at(const media::AccessUnit& unit) {
    return {media::rescale(unit.dts, unit.config->timescale, microseconds), unit.track};
}

}   // namespace

Result<> ArchiveUnits::begin_file(const Bytes& init) {
    ByteSpan rest = init;
    while (!rest.empty()) {
        Result<std::optional<mp4::Item>> item = reader_.next(rest);
        if (!item) {
            return std::unexpected(item.error());
        }
        if (*item && std::holds_alternative<mp4::Opened>(**item)) {
            tracks_ = std::get<mp4::Opened>(std::move(**item)).tracks;
        }
    }
    return {};
}

Result<std::vector<media::AccessUnit>> ArchiveUnits::read(const Bytes& chunks) {
    std::vector<media::AccessUnit> units;
    ByteSpan rest = chunks;
    for (;;) {
        Result<std::optional<mp4::Item>> item = reader_.next(rest);
        if (!item) {
            return std::unexpected(item.error());
        }
        if (!*item) {
            break;
        }
        if (auto* const unit = std::get_if<media::AccessUnit>(&**item)) {
            units.push_back(std::move(*unit));
        }
    }
    results_.clear();
    for (media::TimedMessage& one : mp4::read_events(chunks).value_or(std::vector<media::TimedMessage>{})) {
        const auto place = std::ranges::upper_bound(results_, one.pts, {}, &media::TimedMessage::pts);
        results_.insert(place, std::move(one));
    }
    // The chunks of sound and picture stand one behind the other.
    std::ranges::sort(units, {}, decoded_at);
    return units;
}

Result<media::AccessUnitRef> key_picture(const Bytes& init, const Bytes& chunks) {
    ArchiveUnits fragment;
    if (const Result<> begun = fragment.begin_file(init); !begun) {
        return std::unexpected(begun.error());
    }
    Result<std::vector<media::AccessUnit>> units = fragment.read(chunks);
    if (!units) {
        return std::unexpected(units.error());
    }
    const auto picture = std::ranges::find(*units, media::Kind::video, &media::AccessUnit::kind);
    if (picture == units->end() || !picture->key) {
        return fail(Errc::not_found, "there is no picture that stands alone at this moment");
    }
    return std::make_shared<const media::AccessUnit>(std::move(*picture));
}

}   // namespace millrace::session
