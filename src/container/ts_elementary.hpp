#pragma once

#include "base/byte_reader.hpp"
#include "base/result.hpp"
#include "media/access_unit.hpp"

#include <optional>
#include <vector>

/// How a transport stream names and wraps what it carries.
namespace millrace::ts {

/// stream_type (table 2-34).
enum class StreamType : std::uint8_t {
    mpeg1_audio = 0x03,
    mpeg2_audio = 0x04,   ///< the half sample rates
    private_pes = 0x06,
    adts = 0x0F,
    metadata = 0x15,   ///< in PES packets
    h264 = 0x1B,
    h265 = 0x24,
};

constexpr std::uint8_t registration_tag = 0x05;
constexpr std::uint8_t extension_tag = 0x7F;

/// Whether there are words for this track: H.264, H.265, AAC that ADTS can carry, MP3, Opus in a usual layout
/// of channels.
bool carries(const media::Track& track);

StreamType stream_type(const media::TrackConfig& config);
/// What stands behind it in the PMT.
std::vector<std::byte> descriptors(const media::TrackConfig& config);
/// Of ID3 tags in PES packets, as HLS has them: what stands behind their stream, and behind the programme
/// (metadata_descriptor and metadata_pointer_descriptor, §2.6.60, §2.6.58).
std::vector<std::byte> id3_descriptors();
std::vector<std::byte> id3_pointer(std::uint16_t programme);

/// Of KLV in PES packets without cells (MISB ST 1402): its registration.
std::vector<std::byte> klv_descriptors();
/// Whether a stream in a PMT is KLV.
bool is_klv(std::uint8_t stream_type, ByteSpan descriptors);

/// stream_id of the PES packets.
std::uint8_t stream_id(const media::TrackConfig& config);

/// The codec of a stream in a PMT; nothing where it is not carried.
std::optional<media::Codec> codec_of(std::uint8_t stream_type, ByteSpan descriptors);
/// The configuration that the PMT itself says: only Opus's.
media::ConfigRef config_of(media::Codec codec, ByteSpan descriptors);

/// Appends what stands between the PES header and the unit's payload: the access unit delimiter, before key
/// frames and where `with_sets` the parameter sets; the ADTS header; the Opus control header. Whether that
/// was possible.
bool append_prefix(std::vector<std::byte>& out, const media::AccessUnit& unit, bool with_sets);

/// Reads an Opus control header and gives how many bytes its packet has.
Result<std::size_t> read_opus_control(ByteReader& reader);

}   // namespace millrace::ts
