#include "base/byte_reader.hpp"
#include "container/ts_elementary_reader.hpp"

namespace millrace::ts {

// Metadata_AU_wrapper, one or more cells: service_id u8 | sequence_number u8 | flags u8 | size u16 | KLV

void KlvReader::take(const Packet& packet) {
    if (const std::optional<Pes> pes = gatherer_.before(packet)) {
        read(*pes);
    }
    if (const std::optional<Pes> pes = gatherer_.take(packet)) {
        read(*pes);
    }
    shared_.counters.counter_jumps += gatherer_.take_jumps();
    shared_.counters.units_damaged += gatherer_.take_damaged();
}

void KlvReader::read(const Pes& pes) {
    constexpr std::size_t before_size = 3;
    // The pictures' clock goes by theirs alone.
    const std::optional<std::int64_t> last = shared_.last_time;
    const std::optional<std::int64_t> pts = pes.pts ? std::optional{shared_.unwrap(*pes.pts)} : std::nullopt;
    shared_.last_time = last;
    if (!in_cells_) {
        return give(pes.payload, pts);
    }
    ByteReader reader{pes.payload};
    while (!reader.at_end()) {
        reader.skip(before_size);
        const ByteSpan cell = reader.take(reader.u16());
        if (!reader.ok()) {
            ++shared_.counters.units_refused;
            return;
        }
        give(cell, pts);
    }
}

void KlvReader::give(ByteSpan klv, std::optional<std::int64_t> pts) {
    if (klv.empty() || klv.size() > media::TimedMessage::bytes_max) {
        ++shared_.counters.units_refused;
        return;
    }
    shared_.items.emplace_back(media::TimedMessage{
        .kind = media::TimedMessage::Kind::klv, .body = Bytes::copy(klv), .source_pts = pts});
}

}   // namespace millrace::ts
