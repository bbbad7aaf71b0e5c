#include "protocol/link/chunk_proofs.hpp"
#include "protocol/link/log_receiver.hpp"
#include "protocol/link/log_sender.hpp"

namespace millrace::link {
namespace {

const LogFile film_file{.id = 7,
                        .run = "1800000000-1a2b3c4d",
                        .codecs = "avc1.64001f",
                        .cause = "crash",
                        .init = Bytes::copy("ftyp moov")};

Bytes records(std::size_t size) {
    std::vector<std::byte> bytes;
    for (std::size_t at = 0; at < size; ++at) {
        bytes.push_back(static_cast<std::byte>(at * 31));
    }
    return Bytes{std::move(bytes)};
}

LogFragment fragment(std::uint64_t number, std::size_t size) {
    return {.file = 7,
            .place = 100 * number,
            .size = size,
            .number = number,
            .utc_us = 1'800'000'000'000'000,
            .media_us = -5,
            .duration_us = 2'000'000,
            .key = true};
}

/// `lean_size`: of its first bytes, for one who has the others.
LogSender::Goods goods(std::size_t size, std::size_t lean_size) {
    const Bytes bytes = records(size);
    return {.records = bytes, .lean = bytes.slice(0, lean_size), .hash = hash_of(std::array{bytes.span()})};
}

Result<> offer(LogSender& sender, std::uint64_t number, std::size_t size, std::size_t lean_size = 0) {
    return sender.offer(film_file, fragment(number, size), goods(size, lean_size));
}

Result<> offer_fresh(LogSender& sender, std::uint64_t number, std::size_t size, std::size_t lean_size = 0) {
    LogSender::Goods fresh = goods(size, lean_size);
    fresh.fresh = true;
    return sender.offer(film_file, fragment(number, size), std::move(fresh));
}

/// Everything that one end has to say reaches the other, in pieces of that many bytes.
template <class From, class To>
Result<> carry(From& from, To& to, std::size_t piece = SIZE_MAX) {
    for (std::vector<std::byte> said = from.next_output(); !said.empty(); said = from.next_output()) {
        for (ByteSpan rest{said}; !rest.empty();) {
            const ByteSpan part = rest.first(std::min(piece, rest.size()));
            rest = rest.subspan(part.size());
            if (Result<> taken = to.receive(part, {}); !taken) {
                return taken;
            }
        }
    }
    return {};
}

template <class T, class Machine>
std::optional<T> next(Machine& machine) {
    const auto event = machine.next_event();
    return event && std::holds_alternative<T>(*event) ? std::optional{std::get<T>(*event)} : std::nullopt;
}

TEST(UplinkLog, a_fragment_goes_as_it_is_stored_and_is_settled_once_the_server_has_it) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{1'000}, SIZE_MAX}) {
        LogSender sender;
        LogReceiver receiver;
        ASSERT_TRUE(offer(sender, 3, 40'000));
        ASSERT_TRUE(carry(sender, receiver, piece));
        const auto offered = next<LogReceiver::Offered>(receiver);
        ASSERT_TRUE(offered);
        EXPECT_EQ(offered->offer.fragment, fragment(3, 40'000));
        EXPECT_EQ(*offered->file, film_file);
        receiver.answer(offered->offer.serial, LogVerdict::want);
        ASSERT_TRUE(carry(receiver, sender, piece));
        ASSERT_TRUE(carry(sender, receiver, piece));
        EXPECT_FALSE(receiver.next_event()) << "nothing of it may leave yet";
        EXPECT_TRUE(sender.has_wanted());
        sender.allow(SIZE_MAX);
        ASSERT_TRUE(carry(sender, receiver, piece));
        const auto arrived = next<LogReceiver::Arrived>(receiver);
        ASSERT_TRUE(arrived);
        EXPECT_EQ(arrived->records, records(40'000));
        EXPECT_EQ(hash_of(std::array{arrived->records.span()}), arrived->offer.hash);
        const auto left = next<LogSender::Left>(sender);
        ASSERT_TRUE(left);
        EXPECT_EQ(left->fragment.number, 3U);
        EXPECT_TRUE(sender.is_offered(7, 300)) << "until the server has it for sure";
        receiver.answer(arrived->offer.serial, LogVerdict::have);
        ASSERT_TRUE(carry(receiver, sender, piece));
        const auto settled = next<LogSender::Settled>(sender);
        ASSERT_TRUE(settled);
        EXPECT_EQ(settled->fragment.number, 3U);
        EXPECT_EQ(settled->verdict, LogVerdict::have);
        EXPECT_FALSE(sender.is_offered(7, 300));
    }
}

TEST(UplinkLog, no_more_leaves_than_is_allowed_and_offers_always_do) {
    LogSender sender;
    LogReceiver receiver;
    ASSERT_TRUE(offer(sender, 1, 50'000));
    ASSERT_TRUE(carry(sender, receiver));
    receiver.answer(1, LogVerdict::want);
    ASSERT_TRUE(carry(receiver, sender));
    sender.allow(20'000);
    ASSERT_TRUE(carry(sender, receiver));
    EXPECT_EQ(sender.sent(), 20'000U);
    ASSERT_TRUE(offer(sender, 2, 10));
    ASSERT_TRUE(carry(sender, receiver));
    ASSERT_TRUE(next<LogReceiver::Offered>(receiver));
    EXPECT_TRUE(next<LogReceiver::Offered>(receiver)) << "though nothing else may leave";
    EXPECT_EQ(sender.sent(), 20'000U);
}

TEST(UplinkLog, case_104_the_edge_holds_and_the_server_asks_for_a_bounded_amount) {
    LogSender sender;
    LogReceiver receiver;
    constexpr std::size_t large = 6U << 20U;
    std::uint64_t number = 0;
    while (sender.has_room(false)) {
        ASSERT_TRUE(offer(sender, ++number, large));
    }
    EXPECT_EQ(number, 2U) << "8 MB";
    while (sender.has_room(true)) {
        ASSERT_TRUE(offer_fresh(sender, ++number, large));
    }
    EXPECT_EQ(number, 3U) << "what is fresh has 2 MB of its own, or one";
    ASSERT_TRUE(carry(sender, receiver));
    for (std::uint32_t serial = 1; serial <= number; ++serial) {
        receiver.answer(serial, LogVerdict::want);
    }
    EXPECT_FALSE(sender.offer(film_file, fragment(9, log_fragment_max + 1), {.records = records(1)}));
    LogReceiver narrow;
    std::vector<std::byte> said;
    ASSERT_TRUE(write(said, LogMessage{film_file}));
    for (std::uint32_t serial = 1; serial <= LogReceiver::offers_max; ++serial) {
        ASSERT_TRUE(write(said, LogMessage{LogOffer{serial, 0, fragment(serial, large), {}}}));
    }
    ASSERT_TRUE(narrow.receive(said, {}));
    for (std::uint32_t serial = 1; serial <= LogReceiver::offers_max; ++serial) {
        narrow.answer(serial, LogVerdict::want);
    }
    std::size_t asked = 0;
    LogReader reader;
    ASSERT_TRUE(reader.read(narrow.next_output(), [&](const LogMessage& message) {
        asked += std::holds_alternative<LogAnswer>(message) ? 1 : 0;
        return Result<>{};
    }));
    EXPECT_EQ(asked, 2U) << "16 MB at once";
    said.clear();
    ASSERT_TRUE(write(said, LogMessage{LogOffer{1'000, 0, fragment(1'000, large), {}}}));
    EXPECT_EQ(narrow.receive(said, {}).error().code, Errc::exhausted) << "more offers than there may be";
}

TEST(UplinkLog, what_is_fresh_leaves_before_the_backlog_that_was_not_begun) {
    LogSender sender;
    LogReceiver receiver;
    for (const std::uint64_t old : {1U, 2U, 3U}) {
        ASSERT_TRUE(offer(sender, old, 30'000));
    }
    ASSERT_TRUE(carry(sender, receiver));
    for (const std::uint32_t serial : {1U, 2U, 3U}) {
        receiver.answer(serial, LogVerdict::want);
    }
    ASSERT_TRUE(carry(receiver, sender));
    sender.allow(20'000);
    ASSERT_TRUE(carry(sender, receiver));   // the first is begun
    ASSERT_TRUE(offer_fresh(sender, 11, 10'000));
    ASSERT_TRUE(offer_fresh(sender, 12, 10'000, 1'000));
    ASSERT_TRUE(carry(sender, receiver));
    receiver.answer(4, LogVerdict::want);
    receiver.answer(5, LogVerdict::lean);
    ASSERT_TRUE(carry(receiver, sender));

    sender.allow(SIZE_MAX);
    ASSERT_TRUE(carry(sender, receiver));
    std::vector<std::uint64_t> order;
    while (const auto event = sender.next_event()) {
        order.push_back(std::get<LogSender::Left>(*event).fragment.number);
    }
    EXPECT_EQ(order, (std::vector<std::uint64_t>{1, 11, 12, 2, 3}));
    std::vector<std::uint64_t> came;
    while (const auto event = receiver.next_event()) {
        if (const auto* const one = std::get_if<LogReceiver::Arrived>(&*event)) {
            came.push_back(one->offer.fragment.number);
            EXPECT_EQ(one->records, records(one->lean ? 1'000 : one->offer.fragment.size));
        }
    }
    EXPECT_EQ(came, order) << "each whole";
}

TEST(UplinkLog, a_backlog_takes_no_room_from_what_is_fresh_and_a_server_has_room_for_both) {
    LogSender sender;
    std::uint64_t number = 0;
    while (sender.has_room(false)) {
        ASSERT_TRUE(offer(sender, ++number, 100));
    }
    EXPECT_EQ(number, LogSender::offers_max);
    while (sender.has_room(true)) {
        ASSERT_TRUE(offer_fresh(sender, ++number, 100));
    }
    EXPECT_EQ(number, 2 * LogSender::offers_max);
    LogReceiver receiver;
    EXPECT_TRUE(carry(sender, receiver));
}

TEST(UplinkLog, case_104_what_no_archive_says_is_an_error_and_later_words_are_passed_over) {
    const auto refused = [](const std::vector<LogMessage>& messages) {
        LogReceiver receiver;
        std::vector<std::byte> said;
        for (const LogMessage& message : messages) {
            EXPECT_TRUE(write(said, message));
        }
        return !receiver.receive(said, {});
    };
    LogFragment terabyte = fragment(1, 10);
    terabyte.size = std::uint64_t{1} << 40U;
    LogFragment before = fragment(1, 10);
    before.utc_us = -1;
    const LogOffer good{1, 0, fragment(1, 10), {}};
    EXPECT_FALSE(refused({film_file, good}));
    EXPECT_TRUE(refused({good})) << "from a file that was not said";
    EXPECT_TRUE(refused({film_file, good, good})) << "twice the same number";
    EXPECT_TRUE(refused({film_file, LogOffer{1, 0, terabyte, {}}}));
    EXPECT_TRUE(refused({film_file, LogOffer{1, 0, before, {}}}));
    EXPECT_TRUE(refused({film_file, good, LogPiece{1, records(5)}})) << "nobody wanted it";
    EXPECT_TRUE(refused({LogAnswer{1, LogVerdict::have}})) << "that is the server's to say";
    LogSender sender;
    std::vector<std::byte> said;
    ASSERT_TRUE(write(said, LogMessage{LogAnswer{5, LogVerdict::have}}));
    EXPECT_FALSE(sender.receive(said, {})) << "an answer to nothing";
    LogReceiver receiver;
    const std::array later{std::byte{0}, std::byte{0},  std::byte{0},
                           std::byte{2}, std::byte{99}, std::byte{1}};
    EXPECT_TRUE(receiver.receive(later, {}));
    const std::array huge{std::byte{0x7F}, std::byte{0}, std::byte{0}, std::byte{0}};
    EXPECT_EQ(receiver.receive(huge, {}).error().code, Errc::exhausted);
}

TEST(UplinkLog, a_fragment_longer_than_offered_is_an_error) {
    LogReceiver receiver;
    std::vector<std::byte> said;
    ASSERT_TRUE(write(said, LogMessage{film_file}));
    ASSERT_TRUE(write(said, LogMessage{LogOffer{1, 0, fragment(1, 10), {}}}));
    ASSERT_TRUE(receiver.receive(said, {}));
    receiver.answer(1, LogVerdict::want);
    said.clear();
    ASSERT_TRUE(write(said, LogMessage{LogPiece{1, records(11)}}));
    EXPECT_EQ(receiver.receive(said, {}).error().code, Errc::malformed);
}

TEST(UplinkLog, what_the_server_cannot_keep_now_is_given_back) {
    LogSender sender;
    LogReceiver receiver;
    ASSERT_TRUE(offer(sender, 1, 100));
    ASSERT_TRUE(carry(sender, receiver));
    receiver.answer(1, LogVerdict::later);
    ASSERT_TRUE(carry(receiver, sender));
    const auto settled = next<LogSender::Settled>(sender);
    ASSERT_TRUE(settled);
    EXPECT_EQ(settled->verdict, LogVerdict::later);
    EXPECT_EQ(sender.offered(), 0U);
}

TEST(UplinkLog, row_0_12_what_came_live_need_not_come_again_and_where_it_did_not_the_whole_comes) {
    LogSender sender;
    LogReceiver receiver;
    ASSERT_TRUE(offer(sender, 3, 40'000, 1'500));
    ASSERT_TRUE(carry(sender, receiver));
    const auto offered = next<LogReceiver::Offered>(receiver);
    ASSERT_TRUE(offered);
    EXPECT_EQ(offered->offer.lean_size, 1'500U);
    receiver.answer(1, LogVerdict::lean);
    ASSERT_TRUE(carry(receiver, sender));
    sender.allow(SIZE_MAX);
    ASSERT_TRUE(carry(sender, receiver, 100));
    const auto lean = next<LogReceiver::Arrived>(receiver);
    ASSERT_TRUE(lean);
    EXPECT_TRUE(lean->lean);
    EXPECT_EQ(lean->records, records(1'500));
    EXPECT_EQ(sender.sent(), 1'500U);
    receiver.answer(1, LogVerdict::want);
    ASSERT_TRUE(carry(receiver, sender));
    sender.allow(SIZE_MAX);
    ASSERT_TRUE(carry(sender, receiver));
    const auto whole = next<LogReceiver::Arrived>(receiver);
    ASSERT_TRUE(whole);
    EXPECT_FALSE(whole->lean);
    EXPECT_EQ(whole->records, records(40'000));
    EXPECT_EQ(sender.sent(), 41'500U);
    receiver.answer(1, LogVerdict::have);
    ASSERT_TRUE(carry(receiver, sender));
    EXPECT_EQ(sender.offered(), 0U);
}

TEST(UplinkLog, case_104_a_server_asks_for_no_more_than_was_offered_and_for_each_form_once) {
    const auto told = [](std::size_t lean_size, const std::vector<LogVerdict>& verdicts, bool sends) {
        LogSender sender;
        EXPECT_TRUE(offer(sender, 1, 10'000, lean_size));
        Result<> heard;
        for (const LogVerdict verdict : verdicts) {
            std::vector<std::byte> said;
            EXPECT_TRUE(write(said, LogMessage{LogAnswer{1, verdict}}));
            heard = heard ? sender.receive(said, {}) : heard;
            sender.allow(SIZE_MAX);
            while (sends && !sender.next_output().empty()) {
            }
        }
        return heard.has_value();
    };
    using enum LogVerdict;
    EXPECT_TRUE(told(100, {lean, want}, true));
    EXPECT_FALSE(told(100, {lean, want}, false)) << "before the first form came";
    EXPECT_FALSE(told(100, {lean, lean}, true));
    EXPECT_FALSE(told(100, {lean, want, want}, true));
    EXPECT_FALSE(told(100, {want, lean}, true));
    EXPECT_FALSE(told(0, {lean}, true)) << "it was not offered so";
    EXPECT_FALSE(told(10'000, {lean}, true)) << "it would be no smaller";
}

}   // namespace
}   // namespace millrace::link
