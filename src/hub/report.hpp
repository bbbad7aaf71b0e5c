#pragma once

#include "hub/camera_report.hpp"
#include "hub/chunk_checks.hpp"
#include "hub/latency.hpp"
#include "hub/recording.hpp"
#include "hub/sessions.hpp"
#include "hub/source_status.hpp"
#include "hub/verdicts.hpp"
#include "media/access_unit.hpp"
#include "media/track.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace millrace::hub {

/// live: media flows. waiting: published, nothing to show yet. stale: the publisher was lost or is silent.
/// offline: the publisher said it ends.
enum class StreamState : std::uint8_t { live, waiting, stale, offline };
std::string_view name(StreamState state);

/// A number over the last second and over the last ten; docs/guide/measurements.md says what each is.
struct Windowed {
    double second = 0;
    double ten = 0;
};

/// Of the slices' headers, over the last second, or over ten where none came in it.
struct SliceQpReport {
    double average = 0;
    int min = 0;
    int max = 0;
};

/// Pictures by the average QP of their slices, since the start of the stream.
struct SliceQpCounts {
    static constexpr std::array bounds{10, 15, 18, 20, 22, 24, 26, 28, 30, 32, 35, 38, 41, 45, 51};
    std::array<std::uint64_t, bounds.size()> at_most{};   ///< Prometheus' `le`
    std::uint64_t count = 0;
    double sum = 0;
};

/// What one track did and does.
struct TrackReport {
    media::Track track;
    std::uint64_t units = 0;
    std::uint64_t bytes = 0;
    Windowed units_per_second;        ///< as they came here
    Windowed bits_per_second;         ///< of payload
    double encoded_per_second = 0;    ///< by their own timestamps, over the last ten seconds; 0: not known
    double captured_per_second = 0;   ///< by the numbers that the camera gave them, likewise
    std::uint64_t captured = 0;       ///< by these numbers; 0: its pictures have none
    std::uint64_t missing = 0;        ///< of them, those that never came
    double compression_ratio = 0;     ///< over the last ten seconds; 0: not known
    Duration jitter{};                ///< RFC 3550 §6.4.1, of units against their timestamps
    std::optional<SliceQpReport> slice_qp;
    SliceQpCounts slice_qp_counts;
    std::optional<double> coded_qp;   ///< average, over the same seconds as slice_qp
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

/// Messages beside the frames (results).
struct MessageCounts {
    std::uint64_t taken = 0;
    std::uint64_t refused = 0;   ///< too many, or of no picture
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
    std::uint64_t units_in = 0;         ///< that were passed on
    std::uint64_t bytes_in = 0;         ///< from the network
    std::uint64_t units_dropped = 0;    ///< before a configuration or key frame, broken
    std::uint64_t units_unusable = 0;   ///< of them, without those before the first key frame
    std::uint64_t packets_lost = 0;     ///< where the publisher's packets have numbers (RTP)
    std::uint64_t packets_late = 0;     ///< came when they were given up
    ChunkChecks chunks{};               ///< where the publisher says their hashes (kcp://)
    Windowed payload_bits_per_second;   ///< of all tracks
    Windowed wire_bits_per_second;      ///< as the publisher's connection brought them
    double compression_ratio = 0;       ///< of its first track of pictures; 0: not known
    std::uint64_t jumps = 0;            ///< of the publisher's timestamps
    double gop_seconds = 0;             ///< between the last two key frames; 0 = not known
    std::size_t memory = 0;             ///< feed and logs, bytes
    std::vector<Verdict> verdicts;
    /// Whose word its capture times are, and how long units were on their way here by it; counts nothing
    /// where all we know is when they came.
    media::CaptureTime::Label capture_origin = media::CaptureTime::Label::arrival;
    LatencyReport arrival_latency{};
    MessageCounts results{};
    std::optional<CameraReport> camera{};   ///< of our own, if it is one that makes the stream
    RecordingReport recording{};
    bool on_demand = false;                ///< a source makes it when somebody wants it
    std::vector<SourceStatus> sources{};   ///< this node's own, in their order
};

}   // namespace millrace::hub
