#pragma once

#include "container/ts_packet.hpp"

#include <optional>
#include <span>
#include <string_view>
#include <vector>

/// Program specific information (§2.4.4): PAT and PMT read and written, the SDT of DVB written, and of it
/// read whether a service runs.
namespace millrace::ts {

/// A PAT, PMT or SDT section with its header; more is not read.
constexpr std::size_t section_size_max = 1024;

/// CRC_32 of annex A; zero over a whole section that is sound.
std::uint32_t crc32(ByteSpan bytes);

/// An elementary stream as a PMT lists it.
struct MapEntry {
    std::uint8_t stream_type = 0;
    Pid pid = null_pid;
    std::vector<std::byte> descriptors;
};
struct ProgrammeMap {
    std::uint16_t programme = 1;
    std::uint8_t version = 0;
    Pid clock_pid = null_pid;
    std::vector<std::byte> descriptors{};   ///< of the programme; not read
    std::vector<MapEntry> streams;
};
struct Programme {
    std::uint16_t number = 0;
    Pid map_pid = null_pid;
    bool operator==(const Programme&) const = default;
};

/// Whole sections with their CRC.
std::vector<std::byte> write_pat(const Programme& programme);
std::vector<std::byte> write_pmt(const ProgrammeMap& map);
/// EN 300 468 §5.2.3, §6.2.33: one service with its provider and name, which are cut to what fits.
struct Service {
    std::uint16_t number = 1;
    std::uint8_t version = 0;
    bool video = true;
    bool running = true;   ///< running_status (table 6): whether there is a publisher
    std::string_view provider;
    std::string_view name;
};
std::vector<std::byte> write_sdt(const Service& service);
/// running_status (EN 300 468 table 6) as senders say it; other values say nothing to us.
enum class Running : std::uint8_t { undefined = 0, no = 1, yes = 4 };
/// Whether the service of that number runs, by a section whose CRC is sound. Errc::not_found: it is not
/// there.
Result<Running> read_running(ByteSpan section, std::uint16_t service);

/// From a section whose CRC is sound. A table of another kind, or one that is not in force yet, is refused.
/// The PAT's programmes, without the network information.
Result<std::vector<Programme>> read_pat(ByteSpan section);
/// Descriptors beyond the section, PIDs of tables: malformed.
Result<ProgrammeMap> read_pmt(ByteSpan section);

/// The payload of the first descriptor with that tag; nothing when there is none that is whole.
std::optional<ByteSpan> find_descriptor(ByteSpan descriptors, std::uint8_t tag);

/// The sections of one PID. It holds one unfinished section.
class SectionGatherer {
public:
    /// The sections that end in a packet, their CRC sound.
    std::vector<Bytes> take(const Packet& packet);
    /// Sections left out: too long, with another CRC, cut short.
    std::uint64_t refused() const { return refused_; }

private:
    void take_bytes(ByteSpan bytes, std::vector<Bytes>& whole);
    void drop();

    std::vector<std::byte> section_;   // empty: none has begun
    std::optional<std::uint8_t> counter_;
    std::uint64_t refused_ = 0;
};

}   // namespace millrace::ts
