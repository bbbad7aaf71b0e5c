#include "container/annex_b_muxer.hpp"

#include "base/byte_reader.hpp"
#include "base/byte_writer.hpp"

#include <algorithm>

namespace millrace::annex_b {

namespace {

/// Annex B: 00 00 00 01 | NAL unit.
void append_nal(std::vector<std::byte>& out, ByteSpan nal) {
    ByteWriter writer{out};
    writer.u32(1);
    writer.bytes(nal);
}

void append_unit(std::vector<std::byte>& out, const media::AccessUnit& unit) {
    if (unit.key) {
        for (const std::vector<Bytes>* const sets :
             {&unit.config->vps, &unit.config->sps, &unit.config->pps}) {
            for (const Bytes& set : *sets) {
                append_nal(out, set);
            }
        }
    }
    ByteReader reader{unit.payload};
    while (!reader.at_end()) {
        const ByteSpan nal = reader.take(reader.u32());
        if (!nal.empty()) {
            append_nal(out, nal);
        }
    }
}

bool same_sets(const media::TrackConfig& a, const media::TrackConfig& b) {
    const auto same = [](const Bytes& x, const Bytes& y) { return std::ranges::equal(x.span(), y.span()); };
    return std::ranges::equal(a.sps, b.sps, same) && std::ranges::equal(a.pps, b.pps, same);
}

}   // namespace

bool Muxer::knows(media::Codec codec) const {
    return codec == media::Codec::h264 || (codecs_ == Codecs::h264_or_h265 && codec == media::Codec::h265);
}

bool Muxer::carries(const media::Track& track) const {
    return track.config == nullptr ? track.kind == media::Kind::video : knows(track.config->codec);
}

bool Muxer::configure(std::span<const media::Track> tracks, BlockLog& /*log*/, Instant /*now*/) {
    for (const media::Track& track : tracks) {
        if (track.config != nullptr) {
            const media::ConfigRef before = std::exchange(config_, track.config);
            return before == nullptr || (before->codec == config_->codec &&
                                         (shape_ != Shape::closed || same_sets(*before, *config_)));
        }
    }
    return true;
}

void Muxer::write(const media::AccessUnit& unit, BlockLog& log, Instant now) {
    if (!knows(unit.config->codec)) {
        return;
    }
    message_.clear();
    append_unit(message_, unit);
    if (shape_ == Shape::closed) {
        // §7.3.2.4: the delimiter of the unit to come, whose pictures may be of any kind.
        constexpr std::array delimiter{std::byte{0x09}, std::byte{0xF0}};
        append_nal(message_, delimiter);
    }
    if (shape_ == Shape::prefixed) {
        std::vector<std::byte> prefix;
        ByteWriter{prefix}.u32(static_cast<std::uint32_t>(message_.size()));
        log.message({prefix, message_}, now);
    } else {
        log.message({message_}, now);
    }
}

}   // namespace millrace::annex_b
