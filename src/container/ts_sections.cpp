#include "container/ts_sections.hpp"

#include "base/byte_reader.hpp"
#include "base/byte_writer.hpp"

#include <algorithm>
#include <array>

namespace millrace::ts {
namespace {

enum TableId : std::uint8_t { programmes_id = 0x00, map_id = 0x02, services_id = 0x42, stuffing_id = 0xFF };

constexpr std::size_t section_head_size = 3;   // up to section_length
constexpr std::size_t crc_size = 4;
constexpr unsigned pid_mask = 0x1FFF;
constexpr unsigned length_mask = 0x0FFF;
constexpr unsigned running_shift = 13;
constexpr std::uint16_t transport_stream = 1;
/// A network of nobody's (ETSI TS 101 162, temporary private use).
constexpr std::uint16_t original_network = 0xFF01;
constexpr std::uint8_t service_tag = 0x48;

constexpr std::array<std::uint32_t, 256> crc_table = [] {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < table.size(); ++i) {
        std::uint32_t crc = i << 24U;
        for (unsigned bit = 0; bit < 8; ++bit) {
            crc = crc << 1U ^ ((crc & 0x80000000U) != 0 ? 0x04C11DB7U : 0U);
        }
        table[i] = crc;
    }
    return table;
}();

/// What sections of the long form have in common.
struct SectionHead {
    std::uint8_t table = 0;
    std::uint16_t extension = 0;   ///< transport stream or programme
    std::uint8_t version = 0;
    bool ours = true;   ///< private_indicator is 0: a table of ISO, not of DVB
};

// A section of the long form, §2.4.4.11:
//
//   table_id u8 | section_syntax u1 = 1 | private u1 | reserved u2 | section_length u12, of what follows
//   table_id_extension u16 | reserved u2 | version u5 | current_next u1 | section u8 | last_section u8
//   … | CRC_32
std::vector<std::byte> write_section(const SectionHead& head, ByteSpan body) {
    constexpr std::size_t around = 5 + crc_size;
    std::vector<std::byte> section;
    ByteWriter writer{section};
    const unsigned flags = head.ours ? 0xB000U : 0xF000U;
    writer.u8(head.table);
    writer.u16(static_cast<std::uint16_t>(flags | (body.size() + around)));
    writer.u16(head.extension);
    writer.u8(static_cast<std::uint8_t>(0xC1U | unsigned{head.version} << 1U));
    writer.u16(0);
    writer.bytes(body);
    writer.u32(crc32(section));
    return section;
}

struct SectionBody {
    std::uint16_t extension = 0;
    std::uint8_t version = 0;
    ByteSpan body;
};

Result<SectionBody> open_section(ByteSpan section, TableId wanted) {
    ByteReader reader{section};
    const std::uint8_t table = reader.u8();
    const std::uint16_t length = reader.u16();
    SectionBody body;
    body.extension = reader.u16();
    const std::uint8_t version = reader.u8();
    reader.u16();
    body.version = version >> 1U & 0x1FU;
    if (!reader.ok() || reader.remaining() < crc_size) {
        return fail(Errc::malformed, "section shorter than its head");
    }
    if (table != wanted || (length & 0x8000U) == 0) {
        return fail(Errc::unsupported, "section of another table");
    }
    if ((version & 1U) == 0) {
        return fail(Errc::unsupported, "table not yet in force");
    }
    body.body = reader.take(reader.remaining() - crc_size);
    return body;
}

std::string_view cut_to(std::string_view text, std::size_t size) {
    return text.substr(0, std::min(text.size(), size));
}

}   // namespace

std::uint32_t crc32(ByteSpan bytes) {
    std::uint32_t crc = 0xFFFFFFFFU;
    for (const std::byte byte : bytes) {
        crc = crc << 8U ^ crc_table[crc >> 24U ^ static_cast<std::uint8_t>(byte)];
    }
    return crc;
}

// program_association_section, §2.4.4.3:  {program_number u16 | reserved u3 | PID u13} …
std::vector<std::byte> write_pat(const Programme& programme) {
    std::vector<std::byte> body;
    ByteWriter writer{body};
    writer.u16(programme.number);
    writer.u16(static_cast<std::uint16_t>(0xE000U | programme.map_pid));
    return write_section({.table = programmes_id, .extension = transport_stream}, body);
}

Result<std::vector<Programme>> read_pat(ByteSpan section) {
    const Result<SectionBody> opened = open_section(section, programmes_id);
    if (!opened) {
        return std::unexpected(opened.error());
    }
    std::vector<Programme> programmes;
    ByteReader reader{opened->body};
    while (reader.remaining() >= 4) {
        Programme programme;
        programme.number = reader.u16();
        programme.map_pid = reader.u16() & pid_mask;
        const bool sound = programme.map_pid >= first_free_pid && programme.map_pid != null_pid;
        if (programme.number != 0 && sound) {
            programmes.push_back(programme);
        }
    }
    return programmes;
}

// TS_program_map_section, §2.4.4.8:
//
//   reserved u3 | PCR_PID u13 | reserved u4 | program_info_length u12 | descriptors
//   {stream_type u8 | reserved u3 | elementary_PID u13 | reserved u4 | ES_info_length u12 | descriptors} …
std::vector<std::byte> write_pmt(const ProgrammeMap& map) {
    std::vector<std::byte> body;
    ByteWriter writer{body};
    writer.u16(static_cast<std::uint16_t>(0xE000U | map.clock_pid));
    writer.u16(static_cast<std::uint16_t>(0xF000U | map.descriptors.size()));
    writer.bytes(map.descriptors);
    for (const MapEntry& stream : map.streams) {
        writer.u8(stream.stream_type);
        writer.u16(static_cast<std::uint16_t>(0xE000U | stream.pid));
        writer.u16(static_cast<std::uint16_t>(0xF000U | stream.descriptors.size()));
        writer.bytes(stream.descriptors);
    }
    return write_section({.table = map_id, .extension = map.programme, .version = map.version}, body);
}

Result<ProgrammeMap> read_pmt(ByteSpan section) {
    const Result<SectionBody> opened = open_section(section, map_id);
    if (!opened) {
        return std::unexpected(opened.error());
    }
    ProgrammeMap map;
    map.programme = opened->extension;
    map.version = opened->version;
    ByteReader reader{opened->body};
    map.clock_pid = reader.u16() & pid_mask;
    reader.skip(reader.u16() & length_mask);
    while (reader.ok() && !reader.at_end()) {
        MapEntry stream;
        stream.stream_type = reader.u8();
        stream.pid = reader.u16() & pid_mask;
        const ByteSpan descriptors = reader.take(reader.u16() & length_mask);
        stream.descriptors.assign(descriptors.begin(), descriptors.end());
        if (stream.pid < first_free_pid || stream.pid == null_pid) {
            return fail(Errc::malformed, "elementary stream on a PID of tables");
        }
        map.streams.push_back(std::move(stream));
    }
    if (!reader.ok()) {
        return fail(Errc::malformed, "descriptors beyond their section");
    }
    return map;
}

// service_description_section, EN 300 468 §5.2.3, with one service and its service_descriptor (§6.2.33):
//
//   original_network_id u16 | reserved u8 | service_id u16 | reserved u6 | EIT u2 = 0
//   running u3 | free_CA u1 | descriptors_length u12
//   48 | length u8 | service_type u8 | length u8 | provider | length u8 | name
std::vector<std::byte> write_sdt(const Service& service) {
    constexpr std::size_t provider_max = 60;
    constexpr std::size_t name_max = 190;
    const Running status = service.running ? Running::yes : Running::no;
    const unsigned running = static_cast<unsigned>(status) << running_shift;
    constexpr std::uint8_t television = 0x01;
    constexpr std::uint8_t radio = 0x02;
    const std::string_view provider = cut_to(service.provider, provider_max);
    const std::string_view name = cut_to(service.name, name_max);
    const std::size_t descriptor_size = 3 + provider.size() + name.size();
    std::vector<std::byte> body;
    ByteWriter writer{body};
    writer.u16(original_network);
    writer.u8(0xFF);
    writer.u16(service.number);
    writer.u8(0xFC);
    writer.u16(static_cast<std::uint16_t>(running | (descriptor_size + 2)));
    writer.u8(service_tag);
    writer.u8(static_cast<std::uint8_t>(descriptor_size));
    writer.u8(service.video ? television : radio);
    writer.u8(static_cast<std::uint8_t>(provider.size()));
    writer.text(provider);
    writer.u8(static_cast<std::uint8_t>(name.size()));
    writer.text(name);
    const SectionHead head{
        .table = services_id, .extension = transport_stream, .version = service.version, .ours = false};
    return write_section(head, body);
}

Result<Running> read_running(ByteSpan section, std::uint16_t service) {
    const Result<SectionBody> opened = open_section(section, services_id);
    if (!opened) {
        return std::unexpected(opened.error());
    }
    ByteReader reader{opened->body};
    reader.skip(3);
    while (reader.ok() && !reader.at_end()) {
        const std::uint16_t number = reader.u16();
        reader.skip(1);
        const std::uint16_t status = reader.u16();
        reader.skip(status & length_mask);
        if (reader.ok() && number == service) {
            return static_cast<Running>(status >> running_shift);
        }
    }
    return fail(reader.ok() ? Errc::not_found : Errc::malformed, "the service is not described");
}

std::optional<ByteSpan> find_descriptor(ByteSpan descriptors, std::uint8_t tag) {
    ByteReader reader{descriptors};
    while (!reader.at_end()) {
        const std::uint8_t found = reader.u8();
        const ByteSpan payload = reader.take(reader.u8());
        if (!reader.ok()) {
            break;
        }
        if (found == tag) {
            return payload;
        }
    }
    return std::nullopt;
}

void SectionGatherer::drop() {
    refused_ += section_.empty() ? 0 : 1;
    section_.clear();
}

std::vector<Bytes> SectionGatherer::take(const Packet& packet) {
    std::vector<Bytes> whole;
    if (!packet.has_payload || packet.counter == counter_) {
        return whole;   // nothing, or once more
    }
    if (counter_ && packet.counter != ((*counter_ + 1U) & 0x0FU)) {
        drop();
    }
    counter_ = packet.counter;
    ByteSpan payload = packet.payload;
    if (packet.starts) {
        // pointer_field, §2.4.4.2: so many bytes still belong to the section before.
        ByteReader reader{payload};
        const ByteSpan before = reader.take(reader.u8());
        if (!reader.ok()) {
            drop();
            ++refused_;
            return whole;
        }
        if (!section_.empty()) {
            take_bytes(before, whole);
        }
        drop();
        payload = reader.rest();
    } else if (section_.empty()) {
        return whole;
    }
    take_bytes(payload, whole);
    return whole;
}

void SectionGatherer::take_bytes(ByteSpan bytes, std::vector<Bytes>& whole) {
    while (!bytes.empty()) {
        if (section_.empty() && static_cast<std::uint8_t>(bytes.front()) == stuffing_id) {
            return;
        }
        const auto take_up_to = [&](std::size_t size) {
            const std::size_t count = std::min(size - section_.size(), bytes.size());
            section_.insert(section_.end(), bytes.begin(),
                            bytes.begin() + static_cast<std::ptrdiff_t>(count));
            bytes = bytes.subspan(count);
        };
        if (section_.size() < section_head_size) {
            take_up_to(section_head_size);
        }
        if (section_.size() < section_head_size) {
            return;
        }
        ByteReader reader{section_};
        reader.u8();
        const std::size_t size = section_head_size + (reader.u16() & length_mask);
        if (size > section_size_max) {
            drop();   // and what follows cannot be told apart
            return;
        }
        take_up_to(size);
        if (section_.size() < size) {
            return;
        }
        if (crc32(section_) == 0) {
            whole.push_back(Bytes::copy(section_));
            section_.clear();
        } else {
            drop();
        }
    }
}

}   // namespace millrace::ts
