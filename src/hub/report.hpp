#pragma once

#include "hub/latency.hpp"
#include "hub/sessions.hpp"
#include "hub/source_status.hpp"
#include "hub/verdicts.hpp"
#include "media/access_unit.hpp"
#include "media/track.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace millrace::hub {

/// live: media flows. waiting: published, nothing to show yet. stale: the publisher was lost or is silent.
/// offline: the publisher said it ends.
enum class StreamState : std::uint8_t { live, waiting, stale, offline };
std::string_view name(StreamState state);
std::string_view name(media::CaptureTime::Label label);

/// What one track did and does; rates over the last two seconds.
struct TrackReport {
    media::Track track;
    std::uint64_t units = 0;
    std::uint64_t bytes = 0;
    double units_per_second = 0;
    double bits_per_second = 0;
    double qp_average = 0;   ///< of the first slices, over the last two seconds; 0 = not known
    int qp_min = 0;
    int qp_max = 0;
};

/// One wire form that somebody takes.
struct OutputReport {
    std::string form;
    std::uint64_t units_muxed = 0;   ///< since its first viewer came
    std::uint64_t segments = 0;      ///< likewise, where the form has them
    std::size_t memory = 0;          ///< of its bytes
    /// From capture until a unit was written for its viewers; of segments, from the capture of their first
    /// unit until they were listed.
    LatencyReport latency{};
};

/// A stream as the API shows it. Each counter counts one thing: what came in, what of it was dropped, what
/// was written into each form.
struct StreamReport {
    std::string name;
    StreamState state = StreamState::offline;
    std::string run;   ///< "UTC second-random", the run's identity
    std::optional<SessionFacts> publisher;
    std::vector<TrackReport> tracks;
    std::vector<OutputReport> outputs;
    std::uint64_t units_in = 0;
    std::uint64_t bytes_in = 0;         ///< from the network
    std::uint64_t units_dropped = 0;    ///< before a configuration or key frame, broken
    std::uint64_t units_unusable = 0;   ///< of them, without those before the first key frame
    std::uint64_t jumps = 0;            ///< of the publisher's timestamps
    double gop_seconds = 0;             ///< between the last two key frames; 0 = not known
    std::size_t memory = 0;             ///< feed and logs, bytes
    std::vector<Verdict> verdicts;
    /// Whose word its capture times are, and how long units were on their way here by it; counts nothing
    /// where all we know is when they came.
    media::CaptureTime::Label capture_origin = media::CaptureTime::Label::arrival;
    LatencyReport arrival_latency{};
    bool on_demand = false;                ///< a source makes it when somebody wants it
    std::vector<SourceStatus> sources{};   ///< this node's own, in their order
};

}   // namespace millrace::hub
