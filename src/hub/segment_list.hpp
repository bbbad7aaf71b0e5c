#pragma once

#include "hub/flavour.hpp"
#include "hub/sessions.hpp"
#include "media/segment.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace millrace::hub {

class Packaged;
struct SegmentSeat;
using SegmentSeatRef = std::shared_ptr<SegmentSeat>;

/// One segment in one form. Immutable, shared by the lists it stands in.
struct SegmentEntry {
    media::Cut cut;
    std::vector<media::SegmentPart> parts;
    bool unpublished = false;   ///< the publisher said its end behind it; another may follow
    double lasts = 0;           ///< seconds, where it has no parts: this node lacks some of it

    /// How long it is, in seconds: its longest part, else what it would have been.
    double seconds() const;
    /// What it weighs: the parts' bytes (what must be read before them weighs little and is shared).
    std::size_t bytes() const;
};
using SegmentEntryRef = std::shared_ptr<const SegmentEntry>;

/// What a rendition takes of a network, over everything packaged so far.
struct BitRates {
    std::uint64_t peak_bps = 0;   ///< of the segment that needs most
    std::uint64_t average_bps = 0;
};

/// The segments of a stream in one form as a list shows them. Immutable; any thread.
struct SegmentList {
    std::vector<SegmentEntryRef> segments;   ///< in order, numbers without holes; never empty
    std::int64_t target_duration = 0;        ///< whole seconds; the same as long as the stream is there
    bool ended = false;                      ///< nothing will follow: EXT-X-ENDLIST
    bool independent = true;                 ///< every listed segment begins with a key frame
    std::vector<media::Track> tracks;        ///< what it carries, with the newest configurations
    std::map<std::string, BitRates, std::less<>> rates;   ///< by rendition, as in SegmentPart
    double frame_rate = 0;                                ///< of its video, measured; 0 = not known

    /// What stands under that name (`SegmentPart::name`, or `init_name` as a part without duration) in one of
    /// its segments; nothing if it is in none.
    std::optional<media::SegmentPart> find(std::string_view name) const;
};
using SegmentListRef = std::shared_ptr<const SegmentList>;

/// A segmented form, and how to make what packages it. The maker runs on the stream's home worker.
/// `segment_flavour<Packager>(key, arguments…)` of derived_segments.hpp makes one.
struct SegmentFlavour {
    FlavourKey key;
    std::function<std::unique_ptr<Packaged>()> make;
};

/// Who wants segments, and in which form.
struct SegmentAsk {
    SegmentFlavour flavour;
    SessionFacts viewer;      ///< `protocol` and `peer`; its stream is filled in
    std::string viewer_key;   ///< by which their requests are one viewer's: a token, else address and agent
    /// Where the home leaves the viewer's seat before it answers; read it behind the answer. Null: not
    /// wanted.
    SegmentSeatRef seat{};
};

}   // namespace millrace::hub
