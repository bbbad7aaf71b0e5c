#pragma once

#include "hub/segment_list.hpp"

#include <deque>
#include <map>
#include <string>

namespace millrace::hub {

/// Measures what the segments of one form take of a network, and their pictures a second. Owned by what
/// packages them.
class SegmentMeter {
public:
    /// Segments that one peak is looked for in.
    static constexpr std::size_t recent_max = 64;

    void count(const media::SegmentUnits& units, const std::vector<media::SegmentPart>& parts,
               std::int64_t target_duration);

    std::map<std::string, BitRates, std::less<>> rates() const;
    double frame_rate() const;

private:
    struct Part {
        double bits;
        double seconds;
    };
    struct Rendition {
        double bits = 0;
        double seconds = 0;
        double peak = 0;
        std::deque<Part> recent;
    };
    static void count(Rendition& rendition, Part part, double target_duration);
    void count_pictures(const media::SegmentUnits& units);

    std::map<std::string, Rendition, std::less<>> renditions_;
    media::ConfigRef video_;   // that the pictures are counted of
    double pictures_ = 0;
    double seconds_ = 0;
};

}   // namespace millrace::hub
