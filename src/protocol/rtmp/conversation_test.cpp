#include "base/byte_writer.hpp"
#include "protocol/rtmp/chunk_writer.hpp"
#include "protocol/rtmp/client.hpp"
#include "protocol/rtmp/raw_client.hpp"
#include "protocol/rtmp/server.hpp"

#include <gtest/gtest.h>

namespace millrace::rtmp {
namespace {

/// Client and Server joined in memory; a link of each direction gives `piece` bytes at a time.
struct Conversation {
    explicit Conversation(Client::Options options, std::size_t bytes_at_once = SIZE_MAX)
        : piece{bytes_at_once}, client{random, std::move(options), now} {}

    std::size_t piece;
    Instant now;
    SeededRandom random{11};
    Server server{random, now};
    Client client;
    std::vector<Server::Event> asked;   ///< by the server: all but media
    std::vector<Client::Event> told;    ///< to the client: all but media
    std::vector<Media> to_server;
    std::vector<Media> to_client;
    Result<> server_result;
    Result<> client_result;
    bool accept = true;
    Hops hops;   ///< that the server says

    template <class Machine>
    bool carry(std::vector<std::byte> bytes, Machine& to, Result<>& result) {
        ByteSpan rest{bytes};
        while (result && !rest.empty()) {
            const ByteSpan part = rest.first(std::min(piece, rest.size()));
            rest = rest.subspan(part.size());
            result = to.receive(part, now);
            take_events();
        }
        return !bytes.empty();
    }
    void run() {
        bool moved = true;
        while (moved) {
            moved = carry(client.next_output(), server, server_result);
            moved = carry(server.next_output(), client, client_result) || moved;
        }
    }
    void take_events() {
        while (auto event = server.next_event()) {
            if (auto* media = std::get_if<Media>(&*event)) {
                to_server.push_back(std::move(*media));
                continue;
            }
            if (std::holds_alternative<Server::PublishRequested>(*event)) {
                accept ? server.accept_publish() : server.refuse(Server::Refusal::exists, "taken");
            }
            if (std::holds_alternative<Server::PlayRequested>(*event)) {
                accept ? server.accept_play(hops)
                       : server.refuse(Server::Refusal::not_found, "no such stream");
            }
            asked.push_back(*std::move(event));
        }
        while (auto event = client.next_event()) {
            if (auto* media = std::get_if<Media>(&*event)) {
                to_client.push_back(std::move(*media));
            } else {
                told.push_back(*std::move(event));
            }
        }
    }
};

Client::Options options(Client::Role role, HandshakeKind handshake = HandshakeKind::simple) {
    return {.role = role,
            .app = "live",
            .tc_url = "rtmp://host/live",
            .key = "cam?token=x",
            .handshake = handshake};
}

std::vector<Media> some_media() {
    std::vector<Media> media;
    std::vector<std::byte> script;
    ByteWriter writer{script};
    amf0::write(writer, "onMetaData");
    amf0::write(writer, amf0::ecma_array({{"width", 320}}));
    media.push_back({MediaType::data, 0, Bytes{script}});
    std::uint32_t time = 0xFFFFFF00;
    for (std::size_t i = 0; i < 40; ++i, time += 20) {   // over the wrap
        const std::vector<std::byte> body(1 + i * i * 7, static_cast<std::byte>(i));
        media.push_back({i % 2 == 0 ? MediaType::video : MediaType::audio, time, Bytes{body}});
    }
    return media;
}

void expect_same(const std::vector<Media>& a, const std::vector<Media>& b) {
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
        EXPECT_EQ(a[i].type, b[i].type) << i;
        EXPECT_EQ(a[i].timestamp_ms, b[i].timestamp_ms) << i;
        EXPECT_EQ(a[i].body, b[i].body) << i;
    }
}

TEST(Conversation, case_85_nodes_say_what_a_stream_came_through) {
    const Hops near = Hops::parse("aaaaaaaaaaaaaaaa");
    const Hops far = Hops::parse("bbbbbbbbbbbbbbbb,cccccccccccccccc");
    for (const Client::Role role : {Client::Role::publish, Client::Role::play}) {
        auto wanted = options(role);
        wanted.hops = near;
        Conversation talk{wanted};
        talk.hops = far;
        talk.run();
        ASSERT_EQ(talk.told.size(), 2U);
        if (role == Client::Role::publish) {
            EXPECT_EQ(std::get<Server::PublishRequested>(talk.asked.at(0)).hops, near);
        } else {
            EXPECT_EQ(std::get<Server::PlayRequested>(talk.asked.at(0)).hops, near);
            EXPECT_EQ(std::get<Client::PlayStarted>(talk.told[1]).hops, far);
        }
    }
}

TEST(Conversation, publishes_with_every_handshake_chunk_size_and_cut) {
    for (const HandshakeKind handshake : {HandshakeKind::simple, HandshakeKind::digest}) {
        for (const std::uint32_t chunk_size : {1U, 2U, 127U, 128U, 4'096U, 60'000U, 16'777'215U}) {
            for (const std::size_t piece : {1UZ, 3UZ, 1'000UZ, SIZE_MAX}) {
                auto wanted = options(Client::Role::publish, handshake);
                wanted.chunk_size = chunk_size;
                Conversation talk{wanted, piece};
                talk.run();
                ASSERT_EQ(talk.told.size(), 2U);
                EXPECT_TRUE(std::holds_alternative<Client::PublishStarted>(talk.told[1]));
                EXPECT_EQ(talk.client.handshake_agreed(), handshake);
                const auto& request = std::get<Server::PublishRequested>(talk.asked.at(0));
                EXPECT_EQ(request.name, "live/cam");
                EXPECT_EQ(request.query, "token=x");
                const auto media = some_media();
                for (const Media& one : media) {
                    talk.client.send(one);
                }
                talk.client.end();
                talk.run();
                expect_same(talk.to_server, media);
                EXPECT_TRUE(talk.server_result && talk.client_result);
                EXPECT_TRUE(std::holds_alternative<Server::PublishEnded>(talk.asked.back()));
            }
        }
    }
}

TEST(Conversation, survives_a_cut_at_every_byte) {
    Conversation whole{options(Client::Role::publish, HandshakeKind::digest)};
    std::vector<std::byte> said = whole.client.next_output();
    std::vector<std::byte> client_bytes = said;
    // What a client says when its server answers at once.
    while (!said.empty()) {
        ASSERT_TRUE(whole.server.receive(said, whole.now));
        whole.take_events();
        ASSERT_TRUE(whole.client.receive(whole.server.next_output(), whole.now));
        whole.take_events();
        said = whole.client.next_output();
        client_bytes.insert(client_bytes.end(), said.begin(), said.end());
    }
    whole.client.send({MediaType::video, 1, Bytes::copy("picture")});
    said = whole.client.next_output();
    client_bytes.insert(client_bytes.end(), said.begin(), said.end());

    // Cut also before the media, which waits for the server's consent.
    const std::size_t consent = client_bytes.size() - said.size();
    for (std::size_t cut = 0; cut <= client_bytes.size(); ++cut) {
        RawClient raw;
        int media = 0;
        const std::array ends{std::min(cut, consent), std::max(cut, consent), client_bytes.size()};
        for (std::size_t start = 0; const std::size_t end : ends) {
            ASSERT_TRUE(raw.server.receive(ByteSpan{client_bytes}.subspan(start, end - start), raw.now))
                << cut;
            start = end;
            while (auto event = raw.server.next_event()) {
                media += std::holds_alternative<Media>(*event) ? 1 : 0;
                if (std::holds_alternative<Server::PublishRequested>(*event)) {
                    raw.server.accept_publish();
                }
            }
        }
        EXPECT_EQ(media, 1) << cut;
    }
}

TEST(Conversation, plays_what_follows_the_servers_output) {
    for (const std::size_t piece : {1UZ, 777UZ, SIZE_MAX}) {
        Conversation talk{options(Client::Role::play, HandshakeKind::digest), piece};
        talk.run();
        ASSERT_EQ(talk.told.size(), 2U);
        EXPECT_TRUE(std::holds_alternative<Client::PlayStarted>(talk.told[1]));
        const auto media = some_media();
        std::vector<std::byte> shared;
        for (const Media& one : media) {
            const bool audio = one.type == MediaType::audio;
            const MessageType type = audio                          ? MessageType::audio
                                     : one.type == MediaType::video ? MessageType::video
                                                                    : MessageType::data;
            ChunkWriter{shared, chunk_size_to_players}.write({.chunk_stream = audio ? 4U : 6U,
                                                              .type = type,
                                                              .stream_id = 1,
                                                              .timestamp_ms = one.timestamp_ms,
                                                              .body = one.body});
        }
        talk.carry(shared, talk.client, talk.client_result);
        expect_same(talk.to_client, media);
        talk.client.end();
        talk.run();
        EXPECT_TRUE(std::holds_alternative<Server::PlayEnded>(talk.asked.back()));
    }
}

TEST(Conversation, tells_the_client_why_it_was_refused) {
    for (const Client::Role role : {Client::Role::publish, Client::Role::play}) {
        Conversation talk{options(role)};
        talk.accept = false;
        talk.run();
        const auto& refused = std::get<Client::Refused>(talk.told.back());
        EXPECT_EQ(refused.code, role == Client::Role::publish ? "NetStream.Publish.BadName"
                                                              : "NetStream.Play.StreamNotFound");
        EXPECT_FALSE(refused.description.empty());
        EXPECT_EQ(talk.client.deadline(), Instant::never());
    }
}

TEST(Conversation, tells_the_client_that_the_stream_ended) {
    Conversation talk{options(Client::Role::play)};
    talk.run();
    Link link;
    link.send_status("status", "NetStream.Play.UnpublishNotify", "the stream ended");
    talk.carry(link.take_output(), talk.client, talk.client_result);
    EXPECT_TRUE(std::holds_alternative<Client::Ended>(talk.told.back()));
}

TEST(Client, gives_up_after_ten_seconds) {
    SeededRandom random{1};
    Client client{random, options(Client::Role::play), Instant{}};
    EXPECT_TRUE(client.advance(Instant{} + 9s));
    EXPECT_EQ(client.deadline(), Instant{} + 10s);
    EXPECT_EQ(client.advance(Instant{} + 10s).error().code, Errc::timed_out);
}

}   // namespace
}   // namespace millrace::rtmp
