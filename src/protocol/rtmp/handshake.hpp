#pragma once

#include "base/bytes.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "protocol/rtmp/digest.hpp"

#include <cstdint>
#include <vector>

namespace millrace::rtmp {

/// The one version there is; 6 and 8 are the encrypted variants, which we do not speak.
constexpr std::uint8_t version_plain = 3;

enum class HandshakeKind : std::uint8_t { simple, digest };

/// Our half of a handshake with a client (RTMP 1.0 §5.2). It answers with S0, S1 and S2 when C1 is whole, and
/// is done when as many bytes as a C2 came; what they say decides nothing.
class ServerHandshake {
public:
    explicit ServerHandshake(Random& random) : random_{random} {}

    /// Takes what it needs from the front of `bytes` and appends its answer to `out`. Refuses every version
    /// but 3 at the first byte. A C1 without a right digest gets the simple answer.
    Result<> receive(ByteSpan& bytes, std::vector<std::byte>& out);
    bool done() const { return answered_ && missing_ == 0; }
    HandshakeKind kind() const { return kind_; }

private:
    void answer(HandshakePacketView c1, std::vector<std::byte>& out);

    Random& random_;
    std::vector<std::byte> received_;                   // C0 and C1 so far
    std::size_t missing_ = 1 + handshake_packet_size;   // of C0 and C1, then of C2
    bool answered_ = false;
    HandshakeKind kind_ = HandshakeKind::simple;
};

/// Our half of a handshake with a server: C0 and C1 at once, C2 when S1 and S2 are whole. A server that does
/// not answer a digest with one gets the simple C2.
class ClientHandshake {
public:
    ClientHandshake(Random& random, HandshakeKind kind) : random_{random}, kind_{kind} {}

    /// Appends C0 and C1; once, before anything else.
    void start(std::vector<std::byte>& out);
    /// Takes what it needs from the front of `bytes` and appends C2 when it is time.
    Result<> receive(ByteSpan& bytes, std::vector<std::byte>& out);
    bool done() const { return done_; }
    /// Digest only if it was offered and the server's S1 and S2 both carried the right one.
    HandshakeKind agreed() const { return agreed_; }

private:
    void answer(HandshakePacketView s1, HandshakePacketView s2, std::vector<std::byte>& out);

    Random& random_;
    HandshakeKind kind_;
    HandshakeKind agreed_ = HandshakeKind::simple;
    Digest challenge_{};
    std::vector<std::byte> received_;   // S0, S1 and S2 so far
    bool done_ = false;
};

}   // namespace millrace::rtmp
