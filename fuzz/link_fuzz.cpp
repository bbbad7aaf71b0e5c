#include "base/check.hpp"
#include "protocol/link/server.hpp"

#include <cstdint>

// What strangers and a peer may send to a link. Steps, each behind two bytes: how long its input is, and what
// it is: 1 = a datagram to the server as it stands; 2 = the client's next datagram with the input over its
// front; 4 = the time goes on by that many ms; 8 = the server's next one likewise; else both hear each other.

namespace {

using namespace millrace;

struct Pair {
    Pair()
        : server{*dtls, random, {}},
          client{{link::Association::Role::client, *trust->connect(), 7, place}, random, now} {}

    static std::vector<std::byte> covered(std::vector<std::byte> datagram, ByteSpan front, std::size_t from) {
        for (std::size_t i = 0; i < front.size() && from + i < datagram.size(); ++i) {
            datagram[from + i] = datagram[from + i] ^ front[i];
        }
        return datagram;
    }
    void to_server(ByteSpan front) {
        if (const auto letter = client.next_output()) {
            server.receive(place, covered(letter->bytes, front, link::id_size), now);
        }
    }
    void to_client(ByteSpan front) {
        if (const auto letter = server.next_output()) {
            const auto bytes = covered(letter->bytes, front, link::id_size);
            client.receive(place, ByteSpan{bytes}.subspan(link::id_size), now);
        }
    }
    void take(std::uint8_t kind, ByteSpan bytes) {
        if ((kind & 1U) != 0) {
            server.receive(place, bytes, now);
        } else if ((kind & 2U) != 0) {
            to_server(bytes);
        } else if ((kind & 4U) != 0) {
            now = now + static_cast<std::int64_t>(bytes.size()) * 1ms;
            server.advance(now);
            client.advance(now);
        } else if ((kind & 8U) != 0) {
            to_client(bytes);
        } else {
            to_server({});
            to_client({});
        }
        check(server.size() <= link::Server::Limits{}.associations, "a limit that is kept");
        while (server.next_event()) {
        }
    }

    SeededRandom random{1};
    Instant now = Instant::from_nanoseconds(1'000'000'000);
    PeerAddress place = *PeerAddress::parse({"192.0.2.1", 1});
    static inline const link::Identity identity = *link::make_identity("fuzz");
    std::unique_ptr<link::DtlsServer> dtls = *link::DtlsServer::make(identity, {}, random);
    std::unique_ptr<link::DtlsClient> trust =
        *link::DtlsClient::make({.pin = *link::fingerprint_of(identity.certificate)});
    link::Server server;
    link::Association client;
};

}   // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Pair pair;
    ByteSpan rest = std::as_bytes(std::span{data, size});
    while (rest.size() >= 2) {
        const auto length = std::min<std::size_t>(std::to_integer<std::size_t>(rest[0]), rest.size() - 2);
        pair.take(std::to_integer<std::uint8_t>(rest[1]), rest.subspan(2, length));
        rest = rest.subspan(2 + length);
    }
    return 0;
}
