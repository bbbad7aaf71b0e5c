#include "protocol/link/chunk_proofs.hpp"

#include "base/check.hpp"
#include "container/mp4_chunk.hpp"
#include "media/time.hpp"

#include <openssl/evp.h>
#include <algorithm>
#include <numeric>

namespace millrace::link {

ChunkHash chunk_hash(std::span<const media::AccessUnitRef> units, std::int64_t end) {
    const media::AccessUnit& first = *units.front();
    const media::SegmentTrack track{.track = {.id = first.track,
                                              .kind = first.kind(),
                                              .origin = {},
                                              .language = {},
                                              .config = first.config},
                                    .units = {units.begin(), units.end()},
                                    .end = end};
    const mp4::ChunkedTrack made = mp4::chunked(track);
    return hash_of(std::array{made.bytes.span()});
}

ChunkHash hash_of(std::span<const ByteSpan> parts) {
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> sum{EVP_MD_CTX_new(), &EVP_MD_CTX_free};
    check(sum != nullptr && EVP_DigestInit_ex(sum.get(), EVP_sha256(), nullptr) == 1, "SHA-256 is there");
    for (const ByteSpan part : parts) {
        check(EVP_DigestUpdate(sum.get(), part.data(), part.size()) == 1, "SHA-256 takes bytes");
    }
    ChunkHash hash{};
    check(EVP_DigestFinal_ex(sum.get(), reinterpret_cast<unsigned char*>(hash.data()), nullptr) == 1,
          "SHA-256 ends");
    return hash;
}

/// Whether no chunk may hold both what is open and this unit, however long that is.
bool ChunkProver::begins_anew(const Lane& lane, const media::AccessUnit& unit) {
    const media::AccessUnit& last = *lane.back();
    const bool key_frame = unit.key && unit.kind() == media::Kind::video;
    return key_frame || unit.discontinuity || unit.config != last.config || unit.dts <= last.dts;
}

bool ChunkProver::is_full(const Lane& lane) {
    const std::size_t bytes =
        std::accumulate(lane.begin(), lane.end(), std::size_t{0},
                        [](std::size_t sum, const auto& unit) { return sum + unit->payload.size(); });
    return lane.size() >= chunk_units_max || bytes >= chunk_bytes_max;
}

/// Ends the chunk of the lane's first `count` units.
ChunkProof ChunkProver::close(Lane& lane, std::size_t count, std::int64_t end) {
    const std::span units = std::span{lane}.first(count);
    const ChunkProof proof{.track = units.front()->track,
                           .units = static_cast<std::uint16_t>(count),
                           .dts = units.front()->dts,
                           .end = end,
                           .hash = chunk_hash(units, end)};
    lane.erase(lane.begin(), lane.begin() + static_cast<std::ptrdiff_t>(count));
    return proof;
}

std::optional<ChunkProof> ChunkProver::take(const media::AccessUnit& unit) {
    if (unit.track >= lanes_.size()) {
        return std::nullopt;
    }
    Lane& lane = lanes_[unit.track];
    std::optional<ChunkProof> proof;
    if (!lane.empty()) {
        const media::AccessUnit& last = *lane.back();
        const std::int64_t most =
            media::rescale(mp4::chunk_ms_max, media::milliseconds_timescale, last.config->timescale);
        const bool full = is_full(lane) || (lane.size() == 1 && unit.dts - last.dts > most);
        if (full || begins_anew(lane, unit)) {
            proof = close(lane, lane.size(), unit.dts > last.dts ? unit.dts : last.dts + last.duration);
        } else if (unit.dts - lane.front()->dts > most) {
            proof = close(lane, lane.size() - 1, last.dts);
        }
    }
    lane.push_back(std::make_shared<const media::AccessUnit>(unit));
    return proof;
}

std::vector<ChunkProof> ChunkProver::finish() {
    std::vector<ChunkProof> proofs;
    for (Lane& lane : lanes_) {
        if (!lane.empty()) {
            proofs.push_back(close(lane, lane.size(), lane.back()->dts + lane.back()->duration));
        }
    }
    return proofs;
}

void ChunkChecker::drop(Lane& lane, std::size_t count) {
    for (; count > 0; --count) {
        bytes_ -= lane.front()->payload.size();
        lane.pop_front();
    }
}

void ChunkChecker::take(const media::AccessUnit& unit) {
    Lane& lane = lanes_.at(unit.track);
    while (!lane.empty() && (lane.size() >= kept_max || bytes_ + unit.payload.size() > kept_bytes_max)) {
        drop(lane, 1);
    }
    // Where other tracks keep so much there is nothing to compare.
    if (bytes_ + unit.payload.size() <= kept_bytes_max) {
        bytes_ += unit.payload.size();
        lane.push_back(std::make_shared<const media::AccessUnit>(unit));
    }
}

void ChunkChecker::take(const ChunkProof& proof) {
    constexpr std::int64_t longest = std::int64_t{1} << 54U;   // ticks; twice what a time may be
    if (proof.track >= lanes_.size()) {
        ++counters_.incomplete;
        return;
    }
    // What lies before the chunk was of one whose end we have not heard; where its beginning is missing, it
    // is all of it that cannot be compared.
    Lane& lane = lanes_[proof.track];
    auto begin = std::ranges::find(lane, proof.dts, [](const auto& unit) { return unit->dts; });
    const bool whole = begin != lane.end();
    if (!whole) {
        begin = std::ranges::find_if(lane, [&](const auto& unit) { return unit->dts >= proof.end; });
    }
    drop(lane, static_cast<std::size_t>(begin - lane.begin()));
    if (!whole || proof.units == 0 || lane.size() < proof.units || proof.end < proof.dts ||
        proof.end > proof.dts + longest) {
        ++counters_.incomplete;
        return;
    }
    const std::vector<media::AccessUnitRef> units{lane.begin(), lane.begin() + proof.units};
    drop(lane, proof.units);
    // Where the sender skipped, units behind the chunk are in the place of those that are missing.
    const bool together = std::ranges::all_of(units, [&](const auto& unit) {
        const bool next = unit->key && unit->kind() == media::Kind::video;
        const bool last = unit->dts == proof.end && unit->duration == 0 && !next;
        const bool inside = unit == units.front() || unit->dts < proof.end || last;
        return inside && unit->config == units.front()->config && unit->dts >= proof.dts;
    });
    if (!together) {
        ++counters_.incomplete;
    } else if (chunk_hash(units, proof.end) == proof.hash) {
        ++counters_.proven;
    } else {
        ++counters_.different;
    }
}

}   // namespace millrace::link
