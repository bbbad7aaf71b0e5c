#include "net/reception.hpp"

#include "net/certificate_for_tests.hpp"
#include "net/loopback_for_tests.hpp"
#include "net/proxy_header_for_tests.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace millrace::net {
namespace {

using testing::Certificate;
using testing::ipv4_addresses;
using testing::proxy_header;
using testing::RunningPool;

const std::vector<IpPrefix> loopback{*IpPrefix::parse("127.0.0.1")};

/// Says who it is, then gives back whatever comes.
Task<> announce(Executor& executor, std::unique_ptr<Connection> connection) {
    const std::string peer = (connection->encrypted() ? "tls " : "") + connection->peer().text() + "\n";
    const Result<> written = co_await testing::write_all(*connection, executor, as_bytes(peer));
    if (written) {
        co_await testing::echo(executor, std::move(connection));
    }
}

void serve_announcing(Executor& executor, std::unique_ptr<Connection> connection) {
    executor.tasks().spawn(announce(executor, std::move(connection)));
}

/// Says `parts` one after the other, then reads lines until there are `lines` of them, or the end.
Task<Result<std::string>> converse(Worker& worker, Endpoint to, std::vector<std::string> parts,
                                   std::size_t lines) {
    auto connection = co_await connect(worker, to, worker.now() + testing::patience);
    if (!connection) {
        co_return std::unexpected(connection.error());
    }
    for (const std::string& part : parts) {
        const Result<> written = co_await testing::write_all(**connection, worker, as_bytes(part));
        if (!written) {
            co_return std::unexpected(written.error());
        }
        co_await sleep_until(worker, worker.now() + 2ms);   // so that each is a segment of its own
    }
    std::string heard;
    while (static_cast<std::size_t>(std::count(heard.begin(), heard.end(), '\n')) < lines) {
        const Result<std::string> more = co_await testing::read_some(**connection, worker);
        if (!more) {
            co_return heard.empty() ? more : Result<std::string>{heard};
        }
        heard += *more;
    }
    co_return heard;
}

class AtTheDoor : public ::testing::Test {
protected:
    std::unique_ptr<Door> open(std::vector<IpPrefix> proxies, Lobby* lobby = nullptr) {
        return listen(running_.pool,
                      {.address = "127.0.0.1", .trusted_proxies = std::move(proxies), .lobby = lobby},
                      serve_announcing);
    }
    Result<std::string> say(const Door& door, std::vector<std::string> parts, std::size_t lines = 2) {
        return testing::run(running_.first(), [&] {
            return converse(running_.first(), door.local(), std::move(parts), lines);
        });
    }

    SeededRandom random_{1};
    Lobby lobby_{random_};
    RunningPool running_;
};

TEST_F(AtTheDoor, a_trusted_proxy_says_for_whom_it_comes) {
    const auto door = open(loopback);
    const std::string header = proxy_header(0x21, 0x11, ipv4_addresses);
    std::vector<std::string> bytes;
    for (const char c : header) {
        bytes.emplace_back(1, c);
    }
    bytes.back() += "hello\n";
    for (const auto& parts :
         {std::vector<std::string>{header + "hello\n"}, std::vector<std::string>{header, "hello\n"}, bytes}) {
        const auto heard = say(*door, parts);
        ASSERT_TRUE(heard) << heard.error().what;
        EXPECT_EQ(*heard, "203.0.113.7:4660\nhello\n");
    }
}

TEST_F(AtTheDoor, a_trusted_peer_without_a_header_goes_on_as_it_is) {
    const auto door = open(loopback);
    for (const std::string text : {"G", "GET / HTTP/1.1", "\r\n\r\nx"}) {
        const auto heard = say(*door, {text + "\n"});
        ASSERT_TRUE(heard) << heard.error().what;
        EXPECT_TRUE(heard->starts_with("127.0.0.1:")) << *heard;
        EXPECT_TRUE(heard->ends_with(text + "\n")) << *heard;
    }
    const auto spoken_for_itself = say(*door, {proxy_header(0x20, 0, "") + "x\n"});
    ASSERT_TRUE(spoken_for_itself);
    EXPECT_TRUE(spoken_for_itself->starts_with("127.0.0.1:")) << *spoken_for_itself;
    EXPECT_TRUE(spoken_for_itself->ends_with("\nx\n")) << *spoken_for_itself;
}

TEST_F(AtTheDoor, a_header_of_anybody_else_is_noise) {
    const auto door = open({*IpPrefix::parse("192.0.2.0/24")});
    const std::string header = proxy_header(0x21, 0x11, ipv4_addresses);
    const auto heard = say(*door, {header + "x\n"}, 5);
    ASSERT_TRUE(heard) << heard.error().what;
    EXPECT_TRUE(heard->starts_with("127.0.0.1:")) << *heard;
    EXPECT_TRUE(heard->ends_with(header + "x\n")) << "the conversation got all of it";
}

TEST_F(AtTheDoor, a_broken_header_ends_the_connection) {
    const auto door = open(loopback);
    const auto heard = say(*door, {proxy_header(0x31, 0x11, ipv4_addresses) + "x\n"});
    ASSERT_FALSE(heard) << *heard;
    EXPECT_EQ(heard.error().code, Errc::closed);
}

TEST_F(AtTheDoor, what_a_proxy_says_comes_before_tls) {
    const Certificate certificate;
    const auto door = listen(running_.pool,
                             {.address = "127.0.0.1",
                              .tls = std::make_shared<const TlsServer>(certificate.files()),
                              .trusted_proxies = loopback},
                             serve_announcing);
    const auto greeting = say(*door, {proxy_header(0x21, 0x11, ipv4_addresses) + "no TLS\n"});
    EXPECT_FALSE(greeting) << "what follows the header is for TLS to judge";
    const TlsClient client{{.authorities = certificate.files().certificate}};
    const auto answer = testing::run(running_.first(), [&] {
        return testing::ask(running_.first(), door->local(), "127.0.0.1 or so", &client);
    });
    ASSERT_TRUE(answer) << answer.error().what;
    EXPECT_TRUE(answer->starts_with("tls 127.0.0.1:")) << *answer;
}

TEST_F(AtTheDoor, a_new_certificate_is_for_those_who_come_from_now_on) {
    const Certificate old_one;
    const Certificate new_one;
    const auto door = listen(
        running_.pool, {.address = "127.0.0.1", .tls = std::make_shared<const TlsServer>(old_one.files())},
        testing::serve_echo);
    const auto believes = [&](const Certificate& certificate) {
        const TlsClient client{{.pin = certificate.digest()}};
        return testing::run(running_.first(),
                            [&] { return testing::ask(running_.first(), door->local(), "hello", &client); })
            .has_value();
    };
    EXPECT_TRUE(believes(old_one));
    door->use({.tls = std::make_shared<const TlsServer>(new_one.files()), .trusted_proxies = {}});
    EXPECT_TRUE(believes(new_one));
    EXPECT_FALSE(believes(old_one));
}

/// Connections that say nothing, as many as get in, each with what it heard first.
Task<std::vector<std::unique_ptr<Connection>>> crowd(Worker& worker, Endpoint to, std::size_t count) {
    std::vector<std::unique_ptr<Connection>> in;
    for (std::size_t i = 0; i < count; ++i) {
        auto connection = co_await connect(worker, to, worker.now() + testing::patience);
        if (!connection) {
            continue;
        }
        const Result<std::string> heard = co_await testing::read_some(**connection, worker);
        if (heard) {
            in.push_back(std::move(*connection));
        }
    }
    co_return in;
}

Task<bool> leave(Worker& worker, std::vector<std::unique_ptr<Connection>> connections) {
    connections.clear();
    co_await sleep_until(worker, worker.now());
    co_return true;
}

TEST_F(AtTheDoor, case_52_strangers_beyond_128_of_an_address_are_turned_away) {
    const auto door = open({}, &lobby_);
    Worker& worker = running_.first();
    auto in = testing::run(worker, [&] { return crowd(worker, door->local(), 140); });
    EXPECT_EQ(in.size(), Lobby::strangers_max);
    EXPECT_EQ(lobby_.turned_away(), 12U);
    EXPECT_TRUE(testing::run(worker, [&] { return leave(worker, std::move(in)); }));
    const Instant patience_ends = worker.now() + testing::patience;
    while (!say(*door, {"x\n"}) && worker.now() < patience_ends) {
    }
    EXPECT_TRUE(say(*door, {"x\n"})) << "their places are free again";
}

TEST_F(AtTheDoor, those_who_were_let_in_do_not_count) {
    const auto door = listen(running_.pool, {.address = "127.0.0.1", .lobby = &lobby_},
                             [](Executor& executor, std::unique_ptr<Connection> connection) {
                                 connection->let_in();
                                 serve_announcing(executor, std::move(connection));
                             });
    Worker& worker = running_.first();
    auto in = testing::run(worker, [&] { return crowd(worker, door->local(), 140); });
    EXPECT_EQ(in.size(), 140U);
    EXPECT_TRUE(testing::run(worker, [&] { return leave(worker, std::move(in)); }));
}

TEST_F(AtTheDoor, clients_behind_a_proxy_count_by_their_own_address) {
    const auto door = open(loopback, &lobby_);
    std::vector<Lobby::Pass> passes;
    while (auto pass = lobby_.enter(*PeerAddress::parse({"203.0.113.7", 1}))) {
        passes.push_back(std::move(*pass));
    }
    const auto turned_away = say(*door, {proxy_header(0x21, 0x11, ipv4_addresses) + "x\n"});
    EXPECT_FALSE(turned_away) << *turned_away;
    EXPECT_TRUE(say(*door, {"x\n"})) << "the proxy itself does not count";
    passes.clear();
    EXPECT_TRUE(say(*door, {proxy_header(0x21, 0x11, ipv4_addresses) + "x\n"}));
}

}   // namespace
}   // namespace millrace::net
