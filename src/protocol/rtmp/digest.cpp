#include "protocol/rtmp/digest.hpp"

#include "base/byte_reader.hpp"
#include "base/check.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>

namespace millrace::rtmp {

namespace {

// A signed first packet:
//
//    0      4         8                  772                1536
//    | time | version | block (764)      | block (764)      |
//
//    a digest block: | 4 bytes whose sum modulo 728 is n | n bytes | digest (32) | rest |
constexpr std::size_t first_block = 8;
constexpr std::size_t second_block = 772;
constexpr std::size_t offset_field_size = 4;
constexpr std::size_t offsets = 728;

// What both keys end with.
constexpr std::array<std::uint8_t, 32> key_tail{
    0xF0, 0xEE, 0xC2, 0x4A, 0x80, 0x68, 0xBE, 0xE8, 0x2E, 0x00, 0xD0, 0xD1, 0x02, 0x9E, 0x7E, 0x57,
    0x6E, 0xEC, 0x5D, 0x2D, 0x29, 0x80, 0x6F, 0xAB, 0x93, 0xB8, 0xE6, 0x36, 0xCF, 0xEB, 0x31, 0xAE};

// The words alone sign first packets; words and tail together make the key of an answer.
std::string_view key_words(Signer signer) {
    return signer == Signer::player ? "Genuine Adobe Flash Player 001"
                                    : "Genuine Adobe Flash Media Server 001";
}

std::size_t digest_place(HandshakePacketView packet, DigestBlock block) {
    const std::size_t start = block == DigestBlock::first ? first_block : second_block;
    ByteReader reader{packet.subspan(start, offset_field_size)};
    std::size_t sum = 0;
    while (!reader.at_end()) {
        sum += reader.u8();
    }
    return start + offset_field_size + sum % offsets;
}

Digest digest_around(HandshakePacketView packet, std::size_t place, Signer signer) {
    std::array<std::byte, handshake_packet_size - digest_size> others;
    const auto rest = std::ranges::copy(packet.first(place), others.begin()).out;
    std::ranges::copy(packet.subspan(place + digest_size), rest);
    return hmac_sha256(as_bytes(key_words(signer)), others);
}

Digest answer_signature(HandshakePacketView packet, const Digest& challenge, Signer signer) {
    std::vector<std::byte> whole_key;
    const ByteSpan words = as_bytes(key_words(signer));
    whole_key.assign(words.begin(), words.end());
    std::ranges::copy(std::as_bytes(std::span{key_tail}), std::back_inserter(whole_key));
    const Digest key = hmac_sha256(whole_key, challenge);
    return hmac_sha256(key, packet.first(handshake_packet_size - digest_size));
}

}   // namespace

Digest hmac_sha256(ByteSpan key, ByteSpan data) {
    Digest digest;
    const auto* made = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                            reinterpret_cast<const unsigned char*>(data.data()), data.size(),
                            reinterpret_cast<unsigned char*>(digest.data()), nullptr);
    check(made != nullptr, "OpenSSL makes a HMAC-SHA256");
    return digest;
}

std::optional<PlacedDigest> find_digest(HandshakePacketView packet, Signer signer) {
    for (const DigestBlock block : {DigestBlock::first, DigestBlock::second}) {
        const std::size_t place = digest_place(packet, block);
        const Digest digest = digest_around(packet, place, signer);
        if (std::ranges::equal(packet.subspan(place, digest_size), digest)) {
            return PlacedDigest{block, digest};
        }
    }
    return std::nullopt;
}

Digest place_digest(HandshakePacket packet, DigestBlock block, Signer signer) {
    const std::size_t place = digest_place(packet, block);
    const Digest digest = digest_around(packet, place, signer);
    std::ranges::copy(digest, packet.subspan(place).begin());
    return digest;
}

void sign_answer(HandshakePacket packet, const Digest& challenge, Signer signer) {
    const Digest signature = answer_signature(packet, challenge, signer);
    std::ranges::copy(signature, packet.last<digest_size>().begin());
}

bool answer_is_signed(HandshakePacketView packet, const Digest& challenge, Signer signer) {
    return std::ranges::equal(packet.last<digest_size>(), answer_signature(packet, challenge, signer));
}

}   // namespace millrace::rtmp
