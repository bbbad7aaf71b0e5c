#pragma once

#include "base/bytes.hpp"
#include "base/time.hpp"

#include <cstdint>
#include <optional>
#include <vector>

/// What a synthetic picture says about itself, so that whoever receives it can tell when it was sent, whether
/// one before it is missing, and whether it is whole.
namespace millrace::loadgen {

/// What one picture carries.
struct Stamp {
    std::uint64_t sequence = 0;
    Instant sent;
    std::uint64_t digest = 0;   ///< of the slice
};

/// FNV-1a over eight bytes at a time: quick, and it notices any change.
std::uint64_t digest(ByteSpan bytes);

/// An SEI NAL unit that carries the stamp.
std::vector<std::byte> stamp_nal(const Stamp& stamp);
/// The stamp in a NAL unit; nothing if it is not one of ours.
std::optional<Stamp> read_stamp(ByteSpan nal);

/// A number in 16 letters, and back.
std::string hexadecimal(std::uint64_t number);
std::optional<std::uint64_t> read_hexadecimal(ByteSpan bytes);

}   // namespace millrace::loadgen
