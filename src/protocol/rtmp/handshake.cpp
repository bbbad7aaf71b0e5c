#include "protocol/rtmp/handshake.hpp"

#include "base/byte_reader.hpp"
#include "base/byte_writer.hpp"

#include <algorithm>
#include <array>

namespace millrace::rtmp {

namespace {

// C0, S0: | version (1) |      C1, S1: | time (4) | zero or the program's version (4) | random (1528) |
// C2, S2: the other side's first packet back (simple), or random with a signature at the end (digest)
constexpr std::size_t time_and_version_size = 8;
constexpr std::size_t random_start = time_and_version_size;
constexpr std::uint32_t server_version = 0x03'05'01'01;   // not 0: a digest follows
constexpr std::uint32_t player_version = 0x09'00'7C'02;

/// Room for one more packet of random bytes at the end of `out`, behind `time 0` and `version`.
HandshakePacket append_packet(std::vector<std::byte>& out, std::uint32_t version, Random& random) {
    const std::size_t start = out.size();
    ByteWriter writer{out};
    writer.u32(0);
    writer.u32(version);
    writer.zeros(handshake_packet_size - time_and_version_size);
    const HandshakePacket packet{out.data() + start, handshake_packet_size};
    random.fill(packet.subspan(random_start));
    return packet;
}

void append_signed_answer(std::vector<std::byte>& out, const Digest& challenge, Signer signer,
                          Random& random) {
    const HandshakePacket packet = append_packet(out, 0, random);
    random.fill(packet.first(time_and_version_size));
    sign_answer(packet, challenge, signer);
}

/// Moves up to `count` bytes from the front of `bytes` to the end of `received`.
void gather(ByteSpan& bytes, std::size_t count, std::vector<std::byte>& received) {
    const ByteSpan part = bytes.first(std::min(count, bytes.size()));
    received.insert(received.end(), part.begin(), part.end());
    bytes = bytes.subspan(part.size());
}

Result<> check_version(ByteSpan received) {
    ByteReader reader{received};
    if (!received.empty() && reader.u8() != version_plain) {
        return fail(Errc::unsupported, "the handshake is not of version 3");
    }
    return {};
}

}   // namespace

Result<> ServerHandshake::receive(ByteSpan& bytes, std::vector<std::byte>& out) {
    if (!answered_) {
        const std::size_t before = received_.size();
        gather(bytes, missing_, received_);
        missing_ -= received_.size() - before;
        if (const auto version = check_version(received_); !version) {
            return version;
        }
        if (missing_ != 0) {
            return {};
        }
        answer(HandshakePacketView{received_.data() + 1, handshake_packet_size}, out);
        received_ = std::vector<std::byte>{};
        answered_ = true;
        missing_ = handshake_packet_size;
    }
    const std::size_t taken = std::min(missing_, bytes.size());
    bytes = bytes.subspan(taken);
    missing_ -= taken;
    return {};
}

void ServerHandshake::answer(HandshakePacketView c1, std::vector<std::byte>& out) {
    out.reserve(out.size() + 1 + 2 * handshake_packet_size);
    ByteWriter{out}.u8(version_plain);
    if (const auto challenge = find_digest(c1, Signer::player)) {
        kind_ = HandshakeKind::digest;
        place_digest(append_packet(out, server_version, random_), challenge->block, Signer::server);
        append_signed_answer(out, challenge->digest, Signer::server, random_);
        return;
    }
    append_packet(out, 0, random_);
    ByteWriter{out}.bytes(c1);   // some compare it byte for byte, so our time of reading is not put in
}

void ClientHandshake::start(std::vector<std::byte>& out) {
    ByteWriter{out}.u8(version_plain);
    if (kind_ == HandshakeKind::simple) {
        append_packet(out, 0, random_);
        return;
    }
    const HandshakePacket c1 = append_packet(out, player_version, random_);
    challenge_ = place_digest(c1, DigestBlock::first, Signer::player);
}

Result<> ClientHandshake::receive(ByteSpan& bytes, std::vector<std::byte>& out) {
    constexpr std::size_t whole = 1 + 2 * handshake_packet_size;
    gather(bytes, whole - received_.size(), received_);
    if (const auto version = check_version(received_); !version) {
        return version;
    }
    if (received_.size() < whole || done_) {
        return {};
    }
    answer(HandshakePacketView{received_.data() + 1, handshake_packet_size},
           HandshakePacketView{received_.data() + 1 + handshake_packet_size, handshake_packet_size}, out);
    received_ = std::vector<std::byte>{};
    done_ = true;
    return {};
}

void ClientHandshake::answer(HandshakePacketView s1, HandshakePacketView s2, std::vector<std::byte>& out) {
    if (kind_ == HandshakeKind::digest) {
        if (const auto challenge = find_digest(s1, Signer::server)) {
            if (answer_is_signed(s2, challenge_, Signer::server)) {
                agreed_ = HandshakeKind::digest;
            }
            append_signed_answer(out, challenge->digest, Signer::player, random_);
            return;
        }
    }
    ByteWriter{out}.bytes(s1);
}

}   // namespace millrace::rtmp
