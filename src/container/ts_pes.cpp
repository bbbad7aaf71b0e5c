#include "container/ts_pes.hpp"

#include "base/byte_reader.hpp"

#include <algorithm>
#include <utility>

namespace millrace::ts {
namespace {

constexpr std::size_t length_end = 6;   // up to PES_packet_length
constexpr std::uint32_t start_code = 0x000001;
constexpr std::size_t capacity_kept = std::size_t{512} << 10U;

/// prefix u4 | time 32..30 | 1 | time 29..15 | 1 | time 14..0 | 1
void write_time(std::byte* out, unsigned prefix, std::int64_t time) {
    const std::uint64_t value = static_cast<std::uint64_t>(time) & (clock_wrap - 1);
    const std::uint64_t bits = std::uint64_t{prefix} << 36U | (value >> 30U & 7U) << 33U | 1ULL << 32U |
                               (value >> 15U & 0x7FFFU) << 17U | 1U << 16U | (value & 0x7FFFU) << 1U | 1U;
    for (unsigned i = 0; i < 5; ++i) {
        out[i] = static_cast<std::byte>(bits >> (32U - 8U * i) & 0xFFU);
    }
}

std::int64_t read_time(ByteReader& reader) {
    const std::uint64_t bits = std::uint64_t{reader.u8()} << 32U | reader.u32();
    return static_cast<std::int64_t>((bits >> 33U & 7U) << 30U | (bits >> 17U & 0x7FFFU) << 15U |
                                     (bits >> 1U & 0x7FFFU));
}

/// Streams without the optional header (table 2-21): maps, padding, private_stream_2, directories, ….
bool has_header(std::uint8_t stream_id) {
    constexpr std::array<std::uint8_t, 8> bare = {0xBC, 0xBE, 0xBF, 0xF0, 0xF1, 0xF2, 0xF8, 0xFF};
    return std::ranges::find(bare, stream_id) == bare.end();
}

}   // namespace

// PES packet, §2.4.3.6:
//
//   000001 | stream_id u8 | PES_packet_length u16, of what follows, 0 = unknown
//   '10' | scrambling u2 | priority u1 | data_alignment u1 | copyright u1 | original u1
//   PTS u1 | DTS u1 | … u6 | header_length u8 | [PTS 5] [DTS 5] … stuffing | payload
PesHeader::PesHeader(const PesHead& head) {
    constexpr std::size_t fixed = 9;
    constexpr std::size_t time_size = 5;
    const bool has_dts = head.dts != head.pts;
    const std::size_t times = has_dts ? 2 * time_size : time_size;
    const std::size_t length = fixed - length_end + times + head.payload_size;
    const std::size_t said = length > pes_length_max ? 0 : length;
    size_ = fixed + times;
    bytes_ = {std::byte{0},
              std::byte{0},
              std::byte{1},
              std::byte{head.stream_id},
              static_cast<std::byte>(said >> 8U),
              static_cast<std::byte>(said & 0xFFU),
              std::byte{0x84},   // the payload begins with an access unit
              has_dts ? std::byte{0xC0} : std::byte{0x80},
              static_cast<std::byte>(times)};
    write_time(bytes_.data() + fixed, has_dts ? 3 : 2, head.pts);
    if (has_dts) {
        write_time(bytes_.data() + fixed + time_size, 1, head.dts);
    }
}

std::optional<Pes> read_pes(ByteSpan bytes) {
    ByteReader reader{bytes};
    const bool starts = reader.u24() == start_code;
    const bool headed = has_header(reader.u8());
    reader.u16();
    const unsigned marker = reader.u8();
    const unsigned flags = reader.u8();
    ByteReader fields{reader.take(reader.u8())};
    // The marker's next two bits say that the payload is scrambled.
    if (!reader.ok() || !starts || !headed || (marker & 0xF0U) != 0x80) {
        return std::nullopt;
    }
    Pes pes;
    if ((flags & 0x80U) != 0) {
        const std::int64_t pts = read_time(fields);
        const std::int64_t dts = (flags & 0x40U) != 0 ? read_time(fields) : pts;
        if (fields.ok()) {
            pes.pts = pts;
            pes.dts = dts;
        }
    }
    pes.payload = reader.rest();
    return pes;
}

void PesGatherer::clear() {
    held_ -= bytes_.size();
    bytes_.clear();
    if (bytes_.capacity() > capacity_kept) {
        bytes_.shrink_to_fit();
    }
    open_ = false;
}

void PesGatherer::damage() {
    damaged_ += open_ ? 1 : 0;
    clear();
    lost_ = true;
}

/// §2.4.3.3: a packet may be sent twice, and then differs in its clock at most.
bool PesGatherer::repeats(const Packet& packet) const {
    return counter_ == packet.counter && !packet.discontinuity &&
           std::ranges::equal(packet.payload, std::span{last_}.first(last_size_));
}

std::optional<Pes> PesGatherer::finish(std::size_t size) {
    std::optional<Pes> pes = read_pes(ByteSpan{bytes_}.first(size));
    if (!pes) {
        damage();
        return std::nullopt;
    }
    pes->after_loss = std::exchange(lost_, false);
    open_ = false;
    return pes;
}

std::optional<Pes> PesGatherer::before(const Packet& packet) {
    repeated_ = false;
    if (!open_) {
        clear();   // what was given is used by now
    }
    if (!packet.has_payload) {
        return std::nullopt;   // its counter says nothing
    }
    if (repeats(packet)) {
        repeated_ = true;
        return std::nullopt;
    }
    if (counter_ && !packet.discontinuity && packet.counter != ((*counter_ + 1U) & 0x0FU)) {
        ++jumps_;
        damage();
    }
    counter_ = packet.counter;
    last_size_ = packet.payload.size();
    std::ranges::copy(packet.payload, last_.begin());
    if (packet.starts) {
        return flush();
    }
    return std::nullopt;
}

std::optional<Pes> PesGatherer::take(const Packet& packet) {
    if (!packet.has_payload || repeated_) {
        return std::nullopt;
    }
    if (packet.starts) {
        if (open_) {
            damage();   // it said a length that never came
        }
        clear();
        open_ = true;
    }
    if (!open_) {
        return std::nullopt;
    }
    if (held_ + packet.payload.size() > pes_bytes_max) {
        damage();
        return std::nullopt;
    }
    bytes_.insert(bytes_.end(), packet.payload.begin(), packet.payload.end());
    held_ += packet.payload.size();
    const std::size_t said = said_size();
    if (said != 0 && bytes_.size() >= said) {
        return finish(said);
    }
    return std::nullopt;
}

std::optional<Pes> PesGatherer::flush() {
    if (!open_ || said_size() != 0 || bytes_.size() < length_end) {
        return std::nullopt;
    }
    return finish(bytes_.size());
}

/// How long the unit being gathered is; 0 while that is not known.
std::size_t PesGatherer::said_size() const {
    ByteReader reader{bytes_};
    reader.u32();
    const std::size_t length = reader.u16();
    return length == 0 ? 0 : length_end + length;
}

}   // namespace millrace::ts
