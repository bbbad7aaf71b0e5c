#include "base/check.hpp"
#include "protocol/link/tls_association.hpp"

#include <cstdint>

// What somebody who came by TCP may send. The first byte: 1 = a stranger's bytes, else frames of a peer whose
// handshake is done; the next the size of the pieces.

namespace {

using namespace millrace;

struct Pair {
    explicit Pair(bool stranger) : server{link::TlsAssociation::Role::server, *keys->meet(), now} {
        std::vector<std::byte> nothing;
        for (int turn = 0; turn < 4 && !stranger; ++turn) {
            check(peer.take(server.next_output(), nothing).has_value(), "a handshake of two ends of ours");
            server.receive(peer.next_output(), now);
        }
        check(stranger || server.is_open(), "a handshake that is done");
    }
    void take(ByteSpan bytes, bool stranger) {
        if (!stranger && peer.say(bytes)) {
            const std::vector<std::byte> records = peer.next_output();
            server.receive(records, now);
        } else if (stranger) {
            server.receive(bytes, now);
        }
        now = now + 10ms;
        server.advance(now);
        (void)server.next_output();
        while (const auto message = server.next_message(now)) {
            check(!message->empty() && message->size() <= link::TlsAssociation::message_max,
                  "a message within its bounds");
        }
    }

    static inline const link::Identity identity = *link::make_identity("fuzz");
    SeededRandom random{1};
    Instant now = Instant::from_nanoseconds(1'000'000'000);
    std::unique_ptr<link::DtlsServer> keys = *link::DtlsServer::make(identity, {}, random);
    std::unique_ptr<link::DtlsClient> trust = *link::DtlsClient::make(
        {.pin = *link::fingerprint_of(identity.certificate)}, link::DtlsClient::Carrier::stream);
    link::Tls peer = *trust->connect_stream();
    link::TlsAssociation server;
};

}   // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) {
        return 0;
    }
    const bool stranger = (data[0] & 1U) != 0;
    Pair pair{stranger};
    ByteSpan bytes = std::as_bytes(std::span{data, size}).subspan(2);
    while (!bytes.empty() && !pair.server.ending()) {
        const ByteSpan part = bytes.first(std::min<std::size_t>(bytes.size(), 1U + data[1]));
        bytes = bytes.subspan(part.size());
        pair.take(part, stranger);
    }
    return 0;
}
