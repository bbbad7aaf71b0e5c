#include "net/udp_datagrams.hpp"

#include "base/byte_reader.hpp"
#include "base/byte_writer.hpp"
#include "net/loopback_for_tests.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

namespace millrace::net {
namespace {

using testing::patience;
using testing::RunningPool;

constexpr std::size_t packet_max = 2000;

/// A socket as the tests use it: it sends all it is told to, and reads into buffers of its own.
class Socket {
public:
    Socket(Worker& worker, const DatagramOptions& options) : worker_{worker} {
        auto opened = open_datagrams(worker, options);
        if (!opened) {
            throw std::runtime_error(std::string{opened.error().what});
        }
        socket_ = std::move(*opened);
        for (std::size_t i = 0; i < received_.size(); ++i) {
            received_.at(i).buffer = std::span{buffer_}.subspan(i * packet_max, packet_max);
        }
    }

    Datagrams& operator*() { return *socket_; }
    Datagrams* operator->() { return socket_.get(); }
    UdpDatagrams& udp() { return dynamic_cast<UdpDatagrams&>(*socket_); }
    PeerAddress address(const char* seen_as) const {
        return *PeerAddress::parse({seen_as, socket_->local().port});
    }

    /// Waits until all of it is taken.
    Task<Result<>> send(std::span<Datagram> batch) {
        while (!batch.empty()) {
            const Result<std::size_t> taken = socket_->send(batch);
            if (taken) {
                batch = batch.subspan(*taken);
                continue;
            }
            const Result<> ready = co_await writable(*socket_, worker_, worker_.now() + patience);
            if (!ready) {
                co_return ready;
            }
        }
        co_return Result<>{};
    }
    /// What came, at least one datagram.
    Task<Result<std::span<const Received>>> receive() {
        for (;;) {
            const Result<std::size_t> count = socket_->receive(received_);
            if (count) {
                co_return std::span<const Received>{received_}.first(*count);
            }
            if (count.error().code != Errc::would_block) {
                co_return std::unexpected(count.error());
            }
            const Result<> ready = co_await readable(*socket_, worker_, worker_.now() + patience);
            if (!ready) {
                co_return std::unexpected(ready.error());
            }
        }
    }
    /// The next `wanted` datagrams as text, in the order they came.
    Task<std::vector<std::string>> texts(std::size_t wanted) {
        std::vector<std::string> texts;
        while (texts.size() < wanted) {
            const auto some = co_await receive();
            if (!some) {
                texts.emplace_back(some.error().what);
                co_return texts;
            }
            for (const Received& one : *some) {
                texts.emplace_back(as_text(one.bytes()));
            }
        }
        co_return texts;
    }

private:
    Worker& worker_;
    std::unique_ptr<Datagrams> socket_;
    std::vector<std::byte> buffer_ = std::vector<std::byte>(Datagrams::batch_max * packet_max);
    std::array<Received, Datagrams::batch_max> received_;
};

std::string pattern(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) {
        text[i] = static_cast<char>('a' + i * 31 % 23 + i / 251 % 3);
    }
    return text;
}

std::vector<std::string> cut(std::string_view text, std::size_t size) {
    std::vector<std::string> pieces;
    for (; !text.empty(); text.remove_prefix(std::min(size, text.size()))) {
        pieces.emplace_back(text.substr(0, size));
    }
    return pieces;
}

struct Kind {
    const char* name;
    const char* from;      // where the sender is bound
    const char* to;        // where the receiver is bound
    const char* reached;   // how the sender reaches it
    const char* seen_as;   // what the receiver sees
    bool segmentation;

    DatagramOptions options(const char* address) const {
        return {.address = address, .segmentation = segmentation};
    }
};

/// Every socket behaves alike, whether the kernel cuts segments for it or not.
class EveryUdp : public ::testing::TestWithParam<Kind> {
protected:
    Worker& worker() { return running_.first(); }

    RunningPool running_{1};
};

INSTANTIATE_TEST_SUITE_P(
    All, EveryUdp,
    ::testing::Values(Kind{"ipv4", "127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.1", true},
                      Kind{"ipv6", "::1", "::1", "::1", "::1", true},
                      Kind{"dual_stack_to_ipv4", "::", "127.0.0.1", "127.0.0.1", "127.0.0.1", true},
                      Kind{"ipv4_to_dual_stack", "127.0.0.1", "::", "127.0.0.1", "127.0.0.1", true},
                      Kind{"ipv6_to_dual_stack", "::1", "::", "::1", "::1", true},
                      Kind{"ipv4_uncut", "127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.1", false},
                      Kind{"ipv6_uncut", "::", "::1", "::1", "::1", false}),
    [](const auto& kind) { return std::string{kind.param.name}; });

Task<std::string> ask_and_answer(Worker& worker, Kind kind) {
    Socket asking{worker, kind.options(kind.from)};
    Socket answering{worker, kind.options(kind.to)};
    const std::array question{as_bytes("who are "), as_bytes("you")};
    std::array batch{Datagram{.peer = answering.address(kind.reached), .slices = question}};
    const Result<> asked = co_await asking.send(batch);
    const auto heard = co_await answering.receive();
    if (!asked || !heard || heard->size() != 1) {
        co_return "nothing was heard";
    }
    const Received& received = heard->front();
    std::string said = received.from.endpoint().address + " asks " + std::string{as_text(received.bytes())};
    const std::array answer{as_bytes("me")};
    std::array back{Datagram{.peer = received.from, .slices = answer}};
    const Result<> answered = co_await answering.send(back);
    const auto texts = co_await asking.texts(1);
    co_return said + " -> " + (answered ? texts.front() : "no answer");
}

TEST_P(EveryUdp, carries_a_question_and_its_answer) {
    const auto said = testing::run(worker(), [&] { return ask_and_answer(worker(), GetParam()); });
    EXPECT_EQ(said, std::string{GetParam().seen_as} + " asks who are you -> me");
}

struct Arrivals {
    std::vector<std::string> texts;
    Datagrams::Counters sent;
    std::size_t gone = 0;
};

/// Sends one Datagram of several slices, then one more after it.
Task<Arrivals> send_cut(Worker& worker, Kind kind, const std::string& text, std::size_t segment_size) {
    Socket sender{worker, kind.options(kind.from)};
    Socket receiver{worker, kind.options(kind.to)};
    const ByteSpan all = as_bytes(text);
    const std::array slices{all.first(7), ByteSpan{}, all.subspan(7, text.size() / 2),
                            all.subspan(7 + text.size() / 2)};
    const std::array end{as_bytes("end")};
    const PeerAddress peer = receiver.address(kind.reached);
    std::array batch{Datagram{.peer = peer, .slices = slices, .segment_size = segment_size},
                     Datagram{.peer = peer, .slices = end}};
    [[maybe_unused]] const Result<> sent = co_await sender.send(batch);
    Arrivals arrivals;
    arrivals.texts = co_await receiver.texts((text.size() + segment_size - 1) / segment_size + 1);
    arrivals.sent = sender->counters();
    arrivals.gone = batch[0].gone;
    co_return arrivals;
}

TEST_P(EveryUdp, cuts_segments_of_the_size_asked_for) {
    const struct {
        std::size_t size;
        std::size_t segment_size;
    } cases[] = {{6000, 1200}, {6001, 1200}, {1200, 1200}, {64 * 1000, 1000}, {20, 1}, {900, 1200}};
    for (const auto& [size, segment_size] : cases) {
        const std::string text = pattern(size);
        const Arrivals arrivals =
            testing::run(worker(), [&] { return send_cut(worker(), GetParam(), text, segment_size); });
        std::vector<std::string> expected = cut(text, segment_size);
        expected.emplace_back("end");
        EXPECT_EQ(arrivals.texts, expected) << size << " by " << segment_size;
        EXPECT_EQ(arrivals.sent.sent, expected.size());
        EXPECT_EQ(arrivals.sent.unsendable, 0U);
        EXPECT_EQ(arrivals.gone, size);
    }
}

Task<std::string> refuse_the_kernel(Worker& worker, const std::string& text) {
    Socket sender{worker, {.address = "127.0.0.1"}};
    Socket receiver{worker, {.address = "127.0.0.1"}};
    if (!sender.udp().segments()) {
        co_return "the kernel cuts no segments at all";
    }
    // The kernel cuts nothing for a socket without checksums, and says so only when asked to.
    const int on = 1;
    setsockopt(sender.udp().socket(), SOL_SOCKET, SO_NO_CHECK, &on, sizeof on);
    const std::array slices{as_bytes(text)};
    const PeerAddress peer = receiver.address("127.0.0.1");
    std::array batch{Datagram{.peer = peer, .slices = slices, .segment_size = 1000},
                     Datagram{.peer = peer, .slices = slices, .segment_size = 1500}};
    [[maybe_unused]] const Result<> sent = co_await sender.send(batch);
    const auto texts = co_await receiver.texts(7);
    std::string sizes;
    for (const std::string& one : texts) {
        sizes += std::to_string(one.size()) + " ";
    }
    co_return sizes + std::to_string(sender->counters().unsendable) +
        (sender.udp().segments() ? " and asks again" : " and asks no more");
}

TEST(UdpDatagrams, sends_segments_itself_when_the_kernel_refuses_to_cut_them) {
    RunningPool running{1};
    const std::string text = pattern(4000);
    const auto said = testing::run(running.first(), [&] { return refuse_the_kernel(running.first(), text); });
    EXPECT_EQ(said, "1000 1000 1000 1000 1500 1500 1000 0 and asks again");
}

Task<std::string> send_among_the_hopeless(Worker& worker) {
    Socket sender{worker, {.address = "127.0.0.1"}};
    Socket receiver{worker, {.address = "127.0.0.1"}};
    const PeerAddress peer = receiver.address("127.0.0.1");
    const std::string large(Datagrams::bytes_max + 1, 'x');
    const std::string small(Datagrams::segments_max + 1, 'x');
    const std::array whole{as_bytes("whole")};
    const std::array too_large{as_bytes(large)};
    const std::array too_many{as_bytes(small)};
    const std::vector<ByteSpan> slices(Datagrams::slices_max + 1, as_bytes("x"));
    std::array batch{
        Datagram{.peer = *PeerAddress::parse({"127.0.0.1", 0}), .slices = whole},
        Datagram{.peer = *PeerAddress::parse({"::1", 9}), .slices = whole},
        Datagram{.peer = PeerAddress{}, .slices = whole},
        Datagram{.peer = peer, .slices = whole},
        Datagram{.peer = peer, .slices = too_large},
        Datagram{.peer = peer, .slices = too_many, .segment_size = 1},
        Datagram{.peer = peer, .slices = slices},
        Datagram{.peer = peer, .slices = {}},
        Datagram{.peer = peer, .slices = whole, .segment_size = 3},
    };
    const Result<std::size_t> taken = sender->send(batch);
    const auto texts = co_await receiver.texts(3);
    co_return std::to_string(taken.value_or(0)) + " taken: " + texts.at(0) + " " + texts.at(1) + " " +
        texts.at(2) + ", unsendable " + std::to_string(sender->counters().unsendable);
}

TEST(UdpDatagrams, lets_nobody_suffer_from_what_cannot_be_sent) {
    RunningPool running{1};
    const auto said = testing::run(running.first(), [&] { return send_among_the_hopeless(running.first()); });
    EXPECT_EQ(said, "9 taken: whole who le, unsendable " + std::to_string(3 + 1 + 65 + 1));
}

Task<std::string> receive_into_little(Worker& worker) {
    Socket sender{worker, {.address = "127.0.0.1"}};
    Socket receiver{worker, {.address = "127.0.0.1"}};
    const std::array slices{as_bytes("longer than eight")};
    const std::array fits{as_bytes("fits")};
    const PeerAddress peer = receiver.address("127.0.0.1");
    std::array batch{Datagram{.peer = peer, .slices = slices}, Datagram{.peer = peer, .slices = fits}};
    [[maybe_unused]] const Result<> sent = co_await sender.send(batch);
    [[maybe_unused]] const Result<> ready = co_await readable(*receiver, worker, worker.now() + patience);
    std::array<std::byte, 16> buffer{};
    std::array<Received, 2> received{Received{.buffer = std::span{buffer}.first(8)},
                                     Received{.buffer = std::span{buffer}.last(8)}};
    const Result<std::size_t> count = receiver->receive(received);
    std::string said = std::to_string(count.value_or(0));
    for (const Received& one : received) {
        said += " " + std::string{as_text(one.bytes())} + (one.truncated ? "..." : "");
    }
    co_return said;
}

TEST(UdpDatagrams, says_which_datagram_was_longer_than_its_buffer) {
    RunningPool running{1};
    EXPECT_EQ(testing::run(running.first(), [&] { return receive_into_little(running.first()); }),
              "2 longer t... fits");
}

struct Flow {
    std::uint64_t sent = 0;
    std::uint64_t came = 0;
    bool in_order = true;
};

/// Sends numbered packets in batches and reads after each, so that the receiver's buffer never fills up.
Task<Flow> send_numbered(Worker& worker, std::uint32_t packets) {
    constexpr std::size_t packet_size = 1200;
    constexpr std::uint32_t segments = 10;
    Socket sender{worker, {.address = "::1"}};
    Socket receiver{worker, {.address = "::1"}};
    const PeerAddress peer = receiver.address("::1");
    Flow flow;
    std::uint32_t expected = 0;
    while (flow.sent < packets) {
        std::vector<std::byte> bytes;
        ByteWriter writer{bytes};
        for (std::uint32_t i = 0; i < segments; ++i) {
            writer.u32(static_cast<std::uint32_t>(flow.sent) + i);
            bytes.resize((i + 1) * packet_size);
        }
        const std::array slices{ByteSpan{bytes}};
        std::array batch{Datagram{.peer = peer, .slices = slices, .segment_size = packet_size}};
        const Result<> sent = co_await sender.send(batch);
        flow.sent += sent ? segments : 0;
        while (flow.came < flow.sent) {
            const auto some = co_await receiver.receive();
            if (!sent || !some) {
                co_return flow;
            }
            for (const Received& one : *some) {
                ByteReader reader{one.bytes()};
                flow.in_order = flow.in_order && reader.u32() == expected++ && one.size == packet_size;
                ++flow.came;
            }
        }
    }
    co_return flow;
}

TEST(UdpDatagrams, keeps_ten_thousand_packets_of_a_flow_in_order) {
    RunningPool running{1};
    const Flow flow = testing::run(running.first(), [&] { return send_numbered(running.first(), 10'000); });
    EXPECT_EQ(flow.sent, 10'000U);
    EXPECT_EQ(flow.came, flow.sent) << "the receiver read after every ten packets";
    EXPECT_TRUE(flow.in_order);
}

struct MustNotBeTold final : Waitable::Waiter {
    void on_ready(Result<> /*ready*/) override { ADD_FAILURE() << "told after the socket was destroyed"; }
};

Task<bool> destroy_while_waited_for(Worker& worker) {
    MustNotBeTold reader;
    MustNotBeTold writer;
    for (int i = 0; i < 20; ++i) {
        Socket socket{worker, {.address = "127.0.0.1"}};
        const std::array slices{as_bytes("to myself")};
        std::array batch{Datagram{.peer = socket.address("127.0.0.1"), .slices = slices}};
        const Result<> sent = co_await socket.send(batch);
        socket->wait_readable(&reader);
        socket->wait_writable(&writer);
        if (!sent) {
            co_return false;
        }
    }
    co_await sleep_until(worker, worker.now() + 5ms);
    co_return true;
}

TEST(UdpDatagrams, may_be_destroyed_while_waited_for) {
    RunningPool running{1};
    EXPECT_TRUE(testing::run(running.first(), [&] { return destroy_while_waited_for(running.first()); }));
}

Task<Errc> be_silent(Worker& worker) {
    Socket socket{worker, {}};
    const Result<> ready = co_await readable(*socket, worker, worker.now() + 10ms);
    std::array<std::byte, 10> buffer{};
    std::array received{Received{.buffer = buffer}};
    const Result<std::size_t> count = socket->receive(received);
    co_return ready || count || count.error().code != Errc::would_block ? Errc::exists : ready.error().code;
}

TEST(UdpDatagrams, waits_no_longer_than_the_deadline_when_nothing_comes) {
    RunningPool running{1};
    EXPECT_EQ(testing::run(running.first(), [&] { return be_silent(running.first()); }), Errc::timed_out);
}

TEST(UdpDatagrams, says_why_it_cannot_be_opened) {
    WorkerPool pool{1};
    Worker& worker = *pool.workers()[0];
    const auto first = open_datagrams(worker, {.address = "127.0.0.1"});
    ASSERT_TRUE(first);
    const struct {
        DatagramOptions options;
        Errc code;
    } cases[] = {
        {{.address = "localhost"}, Errc::malformed},
        {{.address = "192.0.2.1"}, Errc::not_found},
        {{.address = "2001:db8::1"}, Errc::not_found},
        {{.address = "192.0.2.1", .is_default = true}, Errc::not_found},
        {{.address = "127.0.0.1", .port = (*first)->local().port}, Errc::exists},
    };
    for (const auto& [options, code] : cases) {
        const auto opened = open_datagrams(worker, options);
        ASSERT_FALSE(opened) << options.address;
        EXPECT_EQ(opened.error().code, code) << options.address << ": " << opened.error().what;
    }
}

TEST(UdpDatagrams, falls_back_to_ipv4_only_for_a_default_address) {
    WorkerPool pool{1};
    // Stands for a machine without IPv6: this does not exist here either.
    const auto opened = open_datagrams(*pool.workers()[0], {.address = "2001:db8::1", .is_default = true});
    ASSERT_TRUE(opened);
    EXPECT_EQ((*opened)->local().address, "0.0.0.0");
    EXPECT_NE((*opened)->local().port, 0);
}

}   // namespace
}   // namespace millrace::net
