#pragma once

#include "base/random.hpp"
#include "protocol/kcp/path_for_tests.hpp"
#include "protocol/link/server.hpp"

#include <gtest/gtest.h>

/// A client and a server on virtual time with a path between them that may do anything to datagrams.
namespace millrace::link::toys {

inline PeerAddress at(std::string_view address, std::uint16_t port) {
    return *PeerAddress::parse({std::string{address}, port});
}

/// Of each datagram a share has one bit turned round.
struct Hostility {
    kcp::Line line{.delay_min = 20ms, .delay_max = 20ms};
    double broken = 0;
};

class World {
public:
    explicit World(const Hostility& path = {}, std::uint64_t seed = 1, Server::Limits limits = {},
                   DtlsServer::Keys psks = {})
        : random{seed},
          identity{*make_identity("camera box")},
          dtls{*DtlsServer::make(identity, std::move(psks), random)},
          server{*dtls, random, limits},
          up{path.line, seed * 2},
          down{path.line, seed * 2 + 1},
          broken{path.broken},
          dice_{seed + 7} {}

    DtlsClient::Trust pinned() const { return {.pin = *fingerprint_of(identity.certificate)}; }
    void connect(const DtlsClient::Trust& trust) {
        dtls_client = *DtlsClient::make(trust);
        std::uint64_t id = 0;
        random.fill(std::as_writable_bytes(std::span{&id, 1}));
        client.emplace(
            Association::Start{Association::Role::client, *dtls_client->connect(), id, server_address},
            random, now);
    }
    bool open() const { return client->is_open() && server.find(client->id()) != nullptr && opened == 1; }

    void run_for(Duration span) {
        for (const Instant end = now + span; now < end;) {
            now = now + 1ms;
            turn();
        }
    }
    void turn() {
        if (client->deadline() <= now) {
            client->advance(now);
        }
        if (server.deadline() <= now) {
            server.advance(now);
        }
        while (auto datagram = up.arrive(now)) {
            to_server(client_address, *datagram);
        }
        while (auto datagram = down.arrive(now)) {
            harm(*datagram);
            if (client_deaf) {
                continue;
            }
            client->receive(server_address, ByteSpan{*datagram}.subspan(id_size), now);
        }
        drain();
    }
    void to_server(const PeerAddress& from, std::vector<std::byte> datagram) {
        harm(datagram);
        recorded.push_back(datagram);
        server.receive(from, datagram, now);
    }
    void drain() {
        while (const auto letter = client->next_output()) {
            if (!client_mute) {
                up.send(letter->bytes, now);
            }
        }
        while (const auto letter = server.next_output()) {
            if (letter->peer == client_address) {
                down.send(letter->bytes, now);
            } else {
                elsewhere.push_back(*letter);
            }
        }
        while (const auto event = server.next_event()) {
            opened += std::holds_alternative<Server::Opened>(*event) ? 1 : 0;
            if (const auto* over = std::get_if<Server::Ended>(&*event)) {
                ended.push_back(*over);
            }
        }
        while (const auto message = server.next_message(client->id())) {
            at_server.emplace_back(as_text(*message));
        }
        while (const auto message = client->next_message()) {
            at_client.emplace_back(as_text(*message));
        }
    }

    SeededRandom random;
    Identity identity;
    std::unique_ptr<DtlsServer> dtls;
    Server server;
    kcp::OneWay up;
    kcp::OneWay down;
    std::unique_ptr<DtlsClient> dtls_client;
    std::optional<Association> client;
    PeerAddress server_address = at("192.0.2.1", 8910);
    PeerAddress client_address = at("198.51.100.7", 40'000);
    double broken;   ///< see Hostility
    bool client_mute = false;
    bool client_deaf = false;
    Instant now = Instant::from_nanoseconds(1'000'000'000'000);
    int opened = 0;
    std::vector<Server::Ended> ended;
    std::vector<std::string> at_server;
    std::vector<std::string> at_client;
    std::vector<std::vector<std::byte>> recorded;   ///< of what came to the server
    std::vector<Letter> elsewhere;                  ///< what the server sent to others than the client

private:
    void harm(std::vector<std::byte>& datagram) {
        if (!datagram.empty() && dice_.share() < broken) {
            datagram[dice_.below(datagram.size())] ^= static_cast<std::byte>(1U << dice_.below(8));
        }
    }

    kcp::Dice dice_;
};

}   // namespace millrace::link::toys
