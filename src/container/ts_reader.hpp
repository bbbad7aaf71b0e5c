#pragma once

#include "container/ts_elementary_reader.hpp"
#include "container/ts_sections.hpp"
#include "container/ts_sync.hpp"

#include <memory>
#include <optional>
#include <vector>

namespace millrace::ts {

/// Elementary streams of a programme that are read; those beyond are left out.
constexpr std::size_t streams_max = 8;

using Streams = std::vector<std::unique_ptr<ElementaryReader>>;

/// Reads a transport stream in any cut: finds packets, the first programme of the PAT, its tracks, and their
/// access units: H.264, H.265, AAC (ADTS), MP3 and Opus, one picture a PES packet. Video times are ticks of
/// 90 kHz, audio times of the sample rate, unwrapped beyond 33 bits and else as the sender said them: repairs
/// are the hub's. A unit is marked where the sender marked a discontinuity of its clock. Where the SDT says
/// that the programme stopped, what was begun is given first. The KLV of the programme's first such stream
/// comes as messages.
///
/// It never fails: what is damaged is dropped and counted. After a damaged picture the next one given is a
/// key frame (or a recovery point; or any, after key_wait_max). Owned by one publication; one thread.
class Reader {
public:
    Reader() : shared_{std::make_unique<ReaderShared>()} {}

    /// Takes bytes off the front of `input` up to the next item; nothing when all are used up. Call until it
    /// gives nothing.
    std::optional<Item> next(ByteSpan& input);
    /// The input ended: what lacks only a sign of its end comes from `next` with an empty input.
    void end();

    ReaderCounters counters() const;

private:
    void take(ByteSpan bytes);
    void take_programmes(const Packet& packet);
    void take_map(ByteSpan section);
    void take_services(const Packet& packet);
    void take_streams(const ProgrammeMap& map);
    void take_klv(const ProgrammeMap& map);
    bool flush();

    PacketFinder finder_;
    SectionGatherer programmes_;
    SectionGatherer map_;
    SectionGatherer services_;
    Running running_ = Running::undefined;
    std::optional<Programme> programme_;
    Pid clock_pid_ = null_pid;
    Bytes map_section_;                      // the one in force
    std::unique_ptr<ReaderShared> shared_;   // before the streams, which know where it is
    Streams streams_;
    std::unique_ptr<KlvReader> klv_;   // of the first such stream in the map
    std::uint64_t tables_refused_ = 0;
    bool ended_ = false;
};

}   // namespace millrace::ts
