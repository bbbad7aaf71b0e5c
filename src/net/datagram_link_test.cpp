#include "net/datagram_link.hpp"

#include "net/connector.hpp"
#include "net/loopback_for_tests.hpp"
#include "net/udp_datagrams.hpp"

#include <gtest/gtest.h>

namespace millrace::net {
namespace {

using testing::patience;
using testing::RunningPool;

const OutgoingRules& home() {
    static const OutgoingRules rules{
        {*IpPrefix::parse("127.0.0.0/8"), *IpPrefix::parse("::1"), *IpPrefix::parse("239.255.0.0/16")}};
    return rules;
}

Task<Result<DatagramLink>> dial(Worker& worker, Connector& connector, DatagramDial wanted) {
    Answer<DatagramLink> answer{worker};
    wanted.deadline = worker.now() + patience;
    connector.open_datagrams(worker, wanted, answer.reply());
    auto link = co_await answer.within(wanted.deadline);
    co_return std::move(link);
}

Task<std::string> hear(Worker& worker, Datagrams& socket) {
    const Result<> ready = co_await readable(socket, worker, worker.now() + patience);
    std::array<std::byte, 100> buffer{};
    std::array received{Received{.buffer = buffer}};
    const Result<std::size_t> count = socket.receive(received);
    co_return ready&& count ? std::string{as_text(received[0].bytes())} : "nothing";
}

std::uint64_t say(Datagrams& socket, const PeerAddress& to, std::string_view text) {
    const std::array slices{as_bytes(text)};
    std::array batch{Datagram{.peer = to, .slices = slices}};
    return socket.send(batch).value_or(0);
}

Task<Errc> try_dial(Worker& worker, OutgoingRules rules, DatagramDial wanted) {
    Connector connector;
    connector.use({.outgoing = std::move(rules)});
    const auto link = co_await dial(worker, connector, std::move(wanted));
    co_return link ? Errc::would_block : link.error().code;
}

TEST(DatagramLink, case_82_sends_only_where_the_rules_say_so) {
    RunningPool running{1};
    Worker& worker = running.first();
    for (const std::string_view host :
         {"127.0.0.1", "localhost", "::1", "::ffff:127.0.0.1", "0.0.0.0", "239.255.0.1", "169.254.169.254"}) {
        const DatagramDial wanted{.to = Endpoint{std::string{host}, 9}};
        EXPECT_EQ(testing::run(worker, [&] { return try_dial(worker, {}, wanted); }), Errc::refused) << host;
    }
    for (const std::string_view host : {"127.0.0.1", "localhost", "239.255.0.1"}) {
        const DatagramDial wanted{.to = Endpoint{std::string{host}, 9}};
        EXPECT_EQ(testing::run(worker, [&] { return try_dial(worker, home(), wanted); }), Errc::would_block)
            << host;
    }
}

TEST(DatagramLink, says_why_it_cannot_be_opened) {
    RunningPool running{1};
    Worker& worker = running.first();
    const struct {
        DatagramDial wanted;
        Errc code;
    } cases[] = {
        {{.local = {"somewhere", 0}}, Errc::malformed},
        {{.local = {"192.0.2.1", 0}}, Errc::not_found},
        {{.local = {"239.255.0.1", 0}, .interface = "no-such-thing"}, Errc::not_found},
        {{.local = {"", 5001}, .pair = true}, Errc::malformed},
        {{.to = Endpoint{std::string(254, 'a'), 80}}, Errc::malformed},
    };
    for (const auto& [wanted, code] : cases) {
        EXPECT_EQ(testing::run(worker, [&] { return try_dial(worker, home(), wanted); }), code)
            << wanted.local.text();
    }
}

Task<std::string> talk_by_pair(Worker& worker) {
    Connector connector;
    connector.use({.outgoing = home()});
    const auto listener = open_datagrams(worker, {.address = "127.0.0.1"});
    const DatagramDial wanted{.to = Endpoint{"localhost", (*listener)->local().port}, .pair = true};
    auto link = co_await dial(worker, connector, wanted);
    if (!link || link->second == nullptr) {
        co_return std::string{link ? "no pair" : link.error().what};
    }
    const std::uint16_t first = link->first->local().port;
    if (first % 2 != 0 || link->second->local().port != first + 1) {
        co_return "no neighbours";
    }
    // "localhost" may be ::1 first, where nobody listens; the sockets then are of that family.
    link->to = link->to.is_ipv4() ? link->to : *PeerAddress::parse((*listener)->local());
    say(*link->first, link->to, "packets");
    std::string heard = co_await hear(worker, **listener);
    say(*link->second, link->to, " and reports");
    heard += co_await hear(worker, **listener);
    co_return heard;
}

TEST(DatagramLink, opens_neighbouring_ports_of_which_the_first_is_even) {
    RunningPool running{1};
    EXPECT_EQ(testing::run(running.first(), [&] { return talk_by_pair(running.first()); }),
              "packets and reports");
}

Task<std::string> talk_to_a_group(Worker& worker) {
    Connector connector;
    connector.use({.outgoing = home()});
    const auto one = co_await dial(worker, connector, {.local = {"239.255.77.1", 0}, .interface = "lo"});
    if (!one) {
        co_return std::string{one.error().what};
    }
    const Endpoint group{"239.255.77.1", one->first->local().port};
    const auto other = co_await dial(worker, connector, {.local = group, .interface = "lo"});
    const auto sender = co_await dial(worker, connector, {.to = group, .hops = 2, .interface = "lo"});
    if (!other || !sender) {
        co_return std::string{!other ? other.error().what : sender.error().what};
    }
    say(*sender->first, sender->to, "to all");
    std::string heard = co_await hear(worker, *one->first);
    heard += ", " + co_await hear(worker, *other->first);
    co_return heard;
}

TEST(DatagramLink, joins_a_group_beside_others_who_did) {
    RunningPool running{1};
    EXPECT_EQ(testing::run(running.first(), [&] { return talk_to_a_group(running.first()); }),
              "to all, to all");
}

TEST(DatagramLink, lets_workers_have_one_pair_of_ports_together) {
    WorkerPool pool{2};
    DatagramOptions options{.address = "127.0.0.1", .shared_port = true};
    const auto mine = open_pair(*pool.workers()[0], options);
    ASSERT_TRUE(mine) << mine.error().what;
    options.port = mine->first->local().port;
    const auto yours = open_pair(*pool.workers()[1], options);
    ASSERT_TRUE(yours) << yours.error().what;
    EXPECT_EQ(yours->second->local().port, options.port + 1);
    options.shared_port = false;
    const auto alone = open_pair(*pool.workers()[0], options);
    ASSERT_FALSE(alone);
    EXPECT_EQ(alone.error().code, Errc::exists);
}

}   // namespace
}   // namespace millrace::net
