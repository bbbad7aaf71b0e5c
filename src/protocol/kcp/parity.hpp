#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

#include <cstdint>
#include <variant>

namespace millrace::kcp {

/// New datagrams that one parity datagram covers: at least those of a key frame.
inline constexpr std::size_t parity_span = 40;
/// A receiver takes spans of up to so many, whatever a later sender may choose.
inline constexpr std::size_t parity_span_max = 64;
/// Largest datagram under parity.
inline constexpr std::size_t parity_datagram_max = 1'500;
/// What a parity datagram is longer than the longest of those it covers; of the other kinds it is less.
inline constexpr std::size_t parity_header = 9;

/// A datagram that no parity covers.
struct PlainDatagram {
    ByteSpan bytes;
};
/// One that parity covers, numbered in a row.
struct CoveredDatagram {
    std::uint32_t number = 0;
    ByteSpan bytes;
};
/// A sum of covered datagrams, each times a factor that both ends know.
struct ParityDatagram {
    std::uint32_t newest = 0;   ///< of those it covers
    std::uint8_t span = 0;      ///< how many
    std::uint8_t salt = 0;      ///< chooses the factors: several sums of the same
    ByteSpan sum;
};
/// What became of the covered ones, since the last report.
struct ParityReport {
    std::uint16_t arrived = 0;
    std::uint16_t lost = 0;
    std::uint16_t bursts = 0;   ///< rows of losses
};
using ParityMessage = std::variant<PlainDatagram, CoveredDatagram, ParityDatagram, ParityReport>;

Result<ParityMessage> read_parity(ByteSpan datagram);
std::vector<std::byte> written(const ParityMessage& message);

/// The factor of a covered datagram in a sum; never 0.
std::uint8_t parity_factor(std::uint32_t number, std::uint32_t newest, std::uint8_t salt);

}   // namespace millrace::kcp
