#include "net/connect.hpp"

#include "net/certificate_for_tests.hpp"
#include "net/connector.hpp"
#include "net/descriptor.hpp"
#include "net/loopback_for_tests.hpp"
#include "net/socket_address.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

namespace millrace::net {
namespace {

using testing::RunningPool;

Task<Errc> attempt(Worker& worker, Endpoint to, Duration patience, const TlsClient* tls) {
    const auto connection = co_await connect(worker, to, worker.now() + patience, tls);
    co_return connection ? Errc::exists : connection.error().code;
}

TEST(Connect, finds_a_host_by_name) {
    RunningPool running;
    const auto listener = listen(running.pool, {}, testing::serve_echo);
    const Endpoint to{"localhost", listener->local().port};
    const auto answer =
        testing::run(running.first(), [&] { return testing::ask(running.first(), to, "hello", nullptr); });
    ASSERT_TRUE(answer) << answer.error().what;
    EXPECT_EQ(*answer, "hello");
}

TEST(Connect, says_why_it_failed) {
    RunningPool running{1};
    // Bound, but nobody listens there.
    const Descriptor bound{::socket(AF_INET, SOCK_STREAM, 0)};
    SocketAddress address = *SocketAddress::parse({"127.0.0.1", 0});
    ASSERT_EQ(::bind(bound.number(), address.raw(), address.size), 0);
    const std::uint16_t deaf_port = SocketAddress::local_of(bound.number()).endpoint().port;
    const struct {
        Endpoint to;
        Errc code;
    } cases[] = {
        {{"127.0.0.1", deaf_port}, Errc::refused},
        {{std::string(254, 'a'), 80}, Errc::malformed},
        {{"", 80}, Errc::malformed},
    };
    for (const auto& [to, code] : cases) {
        EXPECT_EQ(testing::run(running.first(), [&] { return attempt(running.first(), to, 10s, nullptr); }),
                  code);
    }
}

Task<Errc> dial_once(Worker& home, Connector& connector, Dial dial) {
    Answer<std::unique_ptr<Connection>> answer{home};
    dial.deadline = home.now() + 10s;
    connector.connect(home, dial, answer.reply());
    const auto opened = co_await answer.within(dial.deadline);
    co_return opened ? Errc::exists : opened.error().code;
}

/// What a connector with these rules says of a place; Errc::exists if it connects.
Errc try_connector(Worker& worker, const Dial& dial, Connector::Rules rules) {
    Connector connector;
    connector.use(std::move(rules));
    return testing::run(worker, [&] { return dial_once(worker, connector, dial); });
}

TEST(Connector, case_82_connects_to_this_machine_only_where_the_rules_say_so) {
    RunningPool running{1};
    std::atomic<int> accepted = 0;
    ListenOptions options;
    options.address = "127.0.0.1";
    const auto listener = listen(running.pool, options,
                                 [&](Executor& /*home*/, std::unique_ptr<Connection> /*it*/) { ++accepted; });
    const std::uint16_t port = listener->local().port;
    for (const std::string_view host :
         {"127.0.0.1", "localhost", "::ffff:127.0.0.1", "0.0.0.0", "127.1", "2130706433", "0x7f.1", "::"}) {
        EXPECT_EQ(try_connector(running.first(), {.to = {std::string{host}, port}}, {}), Errc::refused)
            << host;
    }
    EXPECT_EQ(accepted, 0);
    const Connector::Rules open{OutgoingRules{{*IpPrefix::parse("127.0.0.1")}}};
    EXPECT_EQ(try_connector(running.first(), {.to = {"localhost", port}}, open), Errc::exists);
    EXPECT_EQ(try_connector(running.first(), {.to = {"127.0.0.2", port}}, open), Errc::refused);
}

TEST(Connector, believes_no_server_without_a_good_certificate_unless_told_to) {
    RunningPool running{1};
    const testing::Certificate certificate;
    ListenOptions options;
    options.address = "127.0.0.1";
    options.tls = std::make_shared<const TlsServer>(certificate.files());
    const auto listener = listen(running.pool, options, testing::serve_echo);
    const Dial dial{.to = {"localhost", listener->local().port}, .tls = true};
    const OutgoingRules home{{*IpPrefix::parse("127.0.0.1")}};
    EXPECT_NE(try_connector(running.first(), dial, {home, true}), Errc::exists);
    EXPECT_EQ(try_connector(running.first(), dial, {home, false}), Errc::exists);
}

TEST(Connect, gives_up_at_its_deadline_when_the_peer_does_not_speak_tls) {
    RunningPool running{1};
    ListenOptions options;
    options.address = "127.0.0.1";
    const auto listener =
        listen(running.pool, options, [](Executor& executor, std::unique_ptr<Connection> it) {
            executor.tasks().spawn([](Executor& home, std::unique_ptr<Connection> silent) -> Task<> {
                co_await sleep_until(home, home.now() + 1h);
                silent->close();
            }(executor, std::move(it)));
        });
    const TlsClient client{{.anyone = true}};
    const auto code = testing::run(
        running.first(), [&] { return attempt(running.first(), listener->local(), 50ms, &client); });
    EXPECT_EQ(code, Errc::timed_out);
}

}   // namespace
}   // namespace millrace::net
