#pragma once

#include "base/bytes.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

/// Signatures of the digest handshake, which Flash Player 9.0.115 brought and ffmpeg and rtmpdump speak: a
/// HMAC-SHA256 hidden at a place that the packet's own bytes choose. It proves nothing about anybody (the
/// keys are in every player); peers only want to see it done right.
namespace millrace::rtmp {

/// C1, C2, S1 and S2 are this long.
constexpr std::size_t handshake_packet_size = 1536;
constexpr std::size_t digest_size = 32;

using Digest = std::array<std::byte, digest_size>;
using HandshakePacket = std::span<std::byte, handshake_packet_size>;
using HandshakePacketView = std::span<const std::byte, handshake_packet_size>;

enum class Signer : std::uint8_t { player, server };

/// Which of the two blocks of 764 bytes behind time and version holds the digest; the other holds a key that
/// only the encrypted variants use.
enum class DigestBlock : std::uint8_t { first, second };

/// A digest that was found right, and where.
struct PlacedDigest {
    DigestBlock block;
    Digest digest;
};

Digest hmac_sha256(ByteSpan key, ByteSpan data);

/// The digest of a C1 or S1 if one of the two blocks holds the right one.
std::optional<PlacedDigest> find_digest(HandshakePacketView packet, Signer signer);
/// Writes the digest of an otherwise complete C1 or S1 into its place.
Digest place_digest(HandshakePacket packet, DigestBlock block, Signer signer);

/// Signs a C2 or S2 in its last 32 bytes, as an answer to the digest of the other side's first packet.
void sign_answer(HandshakePacket packet, const Digest& challenge, Signer signer);
bool answer_is_signed(HandshakePacketView packet, const Digest& challenge, Signer signer);

}   // namespace millrace::rtmp
