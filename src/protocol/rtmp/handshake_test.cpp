#include "protocol/rtmp/handshake.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace millrace::rtmp {
namespace {

using Packet = std::array<std::byte, handshake_packet_size>;

std::string hex(ByteSpan bytes) {
    std::string text;
    for (const std::byte byte : bytes) {
        text += fmt::format("{:02x}", static_cast<unsigned>(byte));
    }
    return text;
}

/// Time 0, version 9.0.124.2, then each byte its place modulo 251.
Packet counting_packet() {
    Packet packet{};
    packet[4] = std::byte{9};
    packet[6] = std::byte{0x7C};
    packet[7] = std::byte{2};
    for (std::size_t i = 8; i < packet.size(); ++i) {
        packet[i] = static_cast<std::byte>(i % 251);
    }
    return packet;
}

std::vector<std::byte> c0_and(const Packet& c1) {
    std::vector<std::byte> bytes{std::byte{version_plain}};
    bytes.insert(bytes.end(), c1.begin(), c1.end());
    return bytes;
}

HandshakePacketView packet_at(const std::vector<std::byte>& bytes, std::size_t offset) {
    return HandshakePacketView{bytes.data() + offset, handshake_packet_size};
}

TEST(Digest, is_the_hmac_of_rfc_4231_case_1) {
    const std::vector<std::byte> key(20, std::byte{0x0B});
    EXPECT_EQ(hex(hmac_sha256(key, as_bytes("Hi There"))),
              "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
}

// The right-hand sides were made with another HMAC over the same layout.
TEST(Digest, lies_where_the_packet_says_and_has_the_known_bytes) {
    struct Row {
        DigestBlock block;
        Signer signer;
        std::size_t place;
        std::string_view digest;
    };
    const Row rows[] = {
        {DigestBlock::first, Signer::player, 50,
         "836d170274891ff3bcaa6369ad9fd303d08eea43fc211e0d9b82f672ed5d8a4d"},
        {DigestBlock::first, Signer::server, 50,
         "314e444710ef89ca34cf2a04485bb59090342350e2af71a072010c47f86738f2"},
        {DigestBlock::second, Signer::player, 858,
         "277b0b10a7757a490994c2ab78cc0a4e6ef4ca178bd69b0cf849aa25b631d351"},
        {DigestBlock::second, Signer::server, 858,
         "2742ecf0e7cdb065127be745d593519f9bd45c37273dbe3fd8b1338d673d1150"},
    };
    for (const Row& row : rows) {
        Packet packet = counting_packet();
        place_digest(packet, row.block, row.signer);
        EXPECT_EQ(hex(ByteSpan{packet}.subspan(row.place, digest_size)), row.digest);
        const auto found = find_digest(packet, row.signer);
        ASSERT_TRUE(found);
        EXPECT_EQ(found->block, row.block);
        EXPECT_EQ(hex(found->digest), row.digest);
        packet.back() ^= std::byte{1};
        EXPECT_FALSE(find_digest(packet, row.signer));
    }
}

TEST(Digest, signs_an_answer_with_the_known_bytes) {
    Digest challenge;
    for (std::size_t i = 0; i < challenge.size(); ++i) {
        challenge[i] = static_cast<std::byte>(i);
    }
    Packet packet = counting_packet();
    sign_answer(packet, challenge, Signer::server);
    EXPECT_EQ(hex(ByteSpan{packet}.last(digest_size)),
              "bcbb282f09614ebf84f4be3f2dfad6dde93d039e7c0c0a5cfd1f57115cb791fd");
    EXPECT_TRUE(answer_is_signed(packet, challenge, Signer::server));
    EXPECT_FALSE(answer_is_signed(packet, challenge, Signer::player));
    sign_answer(packet, challenge, Signer::player);
    EXPECT_EQ(hex(ByteSpan{packet}.last(digest_size)),
              "81b74d9e51a4bd6a39767c2b8973fc932a772a749e1a7dfa63433c7527f4086b");
}

TEST(ServerHandshake, case_2_refuses_every_version_but_3_at_the_first_byte) {
    for (unsigned version = 0; version < 256; ++version) {
        SeededRandom random{1};
        ServerHandshake handshake{random};
        std::vector<std::byte> out;
        const std::array first{static_cast<std::byte>(version)};
        ByteSpan bytes{first};
        const auto received = handshake.receive(bytes, out);
        EXPECT_EQ(received.has_value(), version == 3) << version;
        EXPECT_TRUE(out.empty());
    }
}

TEST(ServerHandshake, case_2_answers_a_random_c1_with_its_echo) {
    SeededRandom random{1};
    ServerHandshake handshake{random};
    Packet c1;
    random.fill(c1);
    const auto hello = c0_and(c1);
    std::vector<std::byte> out;
    ByteSpan bytes{hello};
    ASSERT_TRUE(handshake.receive(bytes, out));
    EXPECT_EQ(handshake.kind(), HandshakeKind::simple);
    ASSERT_EQ(out.size(), 1 + 2 * handshake_packet_size);
    EXPECT_EQ(out[0], std::byte{3});
    EXPECT_TRUE(std::ranges::all_of(ByteSpan{out}.subspan(1, 8), [](auto b) { return b == std::byte{0}; }));
    EXPECT_TRUE(std::ranges::equal(packet_at(out, 1 + handshake_packet_size), c1));
}

TEST(ServerHandshake, case_2_answers_a_wrong_digest_simply) {
    Packet c1 = counting_packet();
    place_digest(c1, DigestBlock::first, Signer::player);
    c1.back() ^= std::byte{1};
    SeededRandom random{1};
    ServerHandshake handshake{random};
    const auto hello = c0_and(c1);
    std::vector<std::byte> out;
    ByteSpan bytes{hello};
    ASSERT_TRUE(handshake.receive(bytes, out));
    EXPECT_EQ(handshake.kind(), HandshakeKind::simple);
    EXPECT_TRUE(std::ranges::equal(packet_at(out, 1 + handshake_packet_size), c1));
}

TEST(ServerHandshake, answers_a_digest_in_either_block_with_a_signed_one_in_the_same) {
    for (const DigestBlock block : {DigestBlock::first, DigestBlock::second}) {
        Packet c1 = counting_packet();
        const Digest challenge = place_digest(c1, block, Signer::player);
        SeededRandom random{1};
        ServerHandshake handshake{random};
        const auto hello = c0_and(c1);
        std::vector<std::byte> out;
        ByteSpan bytes{hello};
        ASSERT_TRUE(handshake.receive(bytes, out));
        EXPECT_EQ(handshake.kind(), HandshakeKind::digest);
        const auto s1 = find_digest(packet_at(out, 1), Signer::server);
        ASSERT_TRUE(s1);
        EXPECT_EQ(s1->block, block);
        EXPECT_TRUE(answer_is_signed(packet_at(out, 1 + handshake_packet_size), challenge, Signer::server));
    }
}

TEST(ServerHandshake, takes_any_c2_and_leaves_what_follows) {
    SeededRandom random{1};
    ServerHandshake handshake{random};
    auto hello = c0_and(counting_packet());
    hello.resize(hello.size() + handshake_packet_size + 5);
    std::vector<std::byte> out;
    ByteSpan bytes{hello};
    ASSERT_TRUE(handshake.receive(bytes, out));
    EXPECT_TRUE(handshake.done());
    EXPECT_EQ(bytes.size(), 5U);
}

TEST(Handshakes, agree_wherever_the_bytes_are_cut) {
    for (const HandshakeKind kind : {HandshakeKind::simple, HandshakeKind::digest}) {
        for (const std::size_t piece : {1UZ, 7UZ, 1536UZ, 1537UZ, 1UZ << 20U}) {
            SeededRandom random{piece};
            ServerHandshake server{random};
            ClientHandshake client{random, kind};
            std::vector<std::byte> to_server;
            std::vector<std::byte> to_client;
            client.start(to_server);
            while (!server.done() || !client.done()) {
                for (auto& [from, give] : {std::pair{&to_server, true}, std::pair{&to_client, false}}) {
                    ByteSpan part = ByteSpan{*from}.first(std::min(piece, from->size()));
                    const auto count = static_cast<std::ptrdiff_t>(part.size());
                    const std::vector<std::byte> copy(part.begin(), part.end());
                    from->erase(from->begin(), from->begin() + count);
                    part = copy;
                    ASSERT_TRUE(give ? server.receive(part, to_client) : client.receive(part, to_server));
                    ASSERT_TRUE(part.empty());
                }
            }
            EXPECT_EQ(server.kind(), kind);
            EXPECT_EQ(client.agreed(), kind);
            EXPECT_TRUE(to_server.empty());
        }
    }
}

TEST(ClientHandshake, falls_back_when_the_server_knows_no_digest) {
    SeededRandom random{3};
    ClientHandshake client{random, HandshakeKind::digest};
    std::vector<std::byte> out;
    client.start(out);
    std::vector<std::byte> answer{std::byte{3}};
    const Packet s1 = counting_packet();
    answer.insert(answer.end(), s1.begin(), s1.end());
    answer.insert(answer.end(), out.begin() + 1, out.end());
    out.clear();
    ByteSpan bytes{answer};
    ASSERT_TRUE(client.receive(bytes, out));
    EXPECT_TRUE(client.done());
    EXPECT_EQ(client.agreed(), HandshakeKind::simple);
    EXPECT_TRUE(std::ranges::equal(out, s1));
}

}   // namespace
}   // namespace millrace::rtmp
