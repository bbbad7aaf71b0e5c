#include "net/drive.hpp"

#include "base/virtual_connection.hpp"
#include "base/virtual_time.hpp"

#include <gtest/gtest.h>

#include <variant>

namespace millrace::net {
namespace {

constexpr Duration silence_max = 10s;

/// A toy: lines come in as events and are answered; "quit" is an error with last words; after ten seconds of
/// silence it asks "there?".
class LineMachine {
public:
    using Event = std::variant<std::string>;

    Result<> receive(ByteSpan bytes, Instant now) {
        deadline_ = now + silence_max;
        for (const char c : as_text(bytes)) {
            if (c != '\n') {
                line_.push_back(c);
                continue;
            }
            if (line_ == "quit") {
                say("bye\n");
                return fail(Errc::refused, "quit");
            }
            say("ok " + line_ + "\n");
            lines_.push_back(std::exchange(line_, {}));
        }
        return {};
    }
    Result<> advance(Instant now) {
        deadline_ = now + silence_max;
        say("there?\n");
        return {};
    }
    Instant deadline() { return deadline_; }
    std::optional<Event> next_event() {
        if (lines_.empty()) {
            return std::nullopt;
        }
        Event event{std::move(lines_.front())};
        lines_.pop_front();
        return event;
    }
    std::vector<std::byte> next_output() { return std::exchange(output_, {}); }

    void say(std::string_view text) {
        const ByteSpan bytes = as_bytes(text);
        output_.insert(output_.end(), bytes.begin(), bytes.end());
    }

private:
    std::string line_;
    std::deque<std::string> lines_;
    std::vector<std::byte> output_;
    Instant deadline_ = Instant::never();
};
static_assert(ProtocolMachine<LineMachine>);

/// A conversation that drives a LineMachine, and the other end of its link.
class Drive : public ::testing::Test {
protected:
    void TearDown() override { executor_.stop(); }   // conversations end before what they use

    void connect(VirtualLink there = {}, VirtualLink back = {}) {
        auto [peer, ours] = virtual_connection(executor_, executor_, there, back);
        peer_ = std::move(peer);
        ours_ = std::move(ours);
    }
    void begin() {
        executor_.run([this] { executor_.tasks().spawn(converse(*this)); });
        time_.settle();
    }
    static Task<> converse(Drive& test) {
        std::array<std::byte, 1000> buffer;
        for (;;) {
            auto turn = drive(*test.ours_, test.machine_, test.executor_, buffer);
            const Result<> done = co_await turn;
            while (auto event = test.machine_.next_event()) {
                test.heard_.push_back(std::get<std::string>(*event));
            }
            if (!done) {
                test.end_ = done.error();
                co_return;
            }
            ++test.turns_;
        }
    }
    void peer_says(std::string_view text) {
        const std::array slices{as_bytes(text)};
        ASSERT_EQ(peer_->try_write(slices), text.size());
        time_.settle();
    }
    std::string peer_hears() {
        std::string text;
        std::array<std::byte, 1000> buffer;
        for (auto count = peer_->try_read(buffer); count; count = peer_->try_read(buffer)) {
            text += as_text(std::span{buffer}.first(*count));
        }
        time_.settle();
        return text;
    }

    VirtualTime time_;
    VirtualExecutor& executor_ = time_.add_executor();
    std::unique_ptr<Connection> peer_;
    std::unique_ptr<Connection> ours_;
    LineMachine machine_;
    std::vector<std::string> heard_;
    std::optional<Error> end_;
    int turns_ = 0;
};

TEST_F(Drive, gives_bytes_to_the_machine_and_sends_its_answers) {
    connect();
    begin();
    peer_says("one\ntwo\n");
    EXPECT_EQ(heard_, (std::vector<std::string>{"one", "two"}));
    EXPECT_EQ(peer_hears(), "ok one\nok two\n");
    EXPECT_FALSE(end_);
}

TEST_F(Drive, works_when_every_read_gives_one_byte) {
    connect({.one_byte_reads = true});
    begin();
    peer_says("one\ntwo\n");
    EXPECT_EQ(heard_, (std::vector<std::string>{"one", "two"}));
    EXPECT_EQ(peer_hears(), "ok one\nok two\n");
    EXPECT_EQ(turns_, 8);
}

TEST_F(Drive, sends_what_the_machine_says_first) {
    connect();
    machine_.say("welcome\n");
    begin();
    EXPECT_EQ(peer_hears(), "welcome\n");
}

TEST_F(Drive, advances_the_machine_at_its_deadline) {
    connect();
    begin();
    peer_says("one\n");
    EXPECT_EQ(peer_hears(), "ok one\n");
    time_.run_for(silence_max - 1ms);
    EXPECT_EQ(peer_hears(), "");
    time_.run_for(1ms);
    EXPECT_EQ(peer_hears(), "there?\n");
    time_.run_for(silence_max);
    EXPECT_EQ(peer_hears(), "there?\n");
    EXPECT_FALSE(end_);
}

TEST_F(Drive, comes_back_when_the_peer_is_gone) {
    connect();
    begin();
    peer_says("one\n");
    peer_->close();
    time_.settle();
    ASSERT_TRUE(end_);
    EXPECT_EQ(end_->code, Errc::closed);
    EXPECT_EQ(heard_, std::vector<std::string>{"one"});
}

TEST_F(Drive, sends_the_last_words_of_a_machine_that_failed) {
    connect();
    begin();
    peer_says("one\nquit\n");
    ASSERT_TRUE(end_);
    EXPECT_EQ(end_->code, Errc::refused);
    EXPECT_EQ(peer_hears(), "ok one\nbye\n");
    EXPECT_EQ(heard_, std::vector<std::string>{"one"});
}

TEST_F(Drive, waits_for_room_and_sends_all_of_a_large_output_in_order) {
    connect({}, {.window = 7});
    begin();
    peer_says("a long line\nand another\n");
    std::string text;
    for (std::string part = peer_hears(); !part.empty(); part = peer_hears()) {
        EXPECT_LE(part.size(), 7U);
        text += part;
    }
    EXPECT_EQ(text, "ok a long line\nok and another\n");
    EXPECT_FALSE(end_);
}

TEST_F(Drive, gives_up_a_peer_that_takes_nothing) {
    connect({}, {.window = 7});
    begin();
    peer_says("a long line\n");
    time_.run_for(write_patience - 1ms);
    EXPECT_FALSE(end_);
    time_.run_for(1ms);
    ASSERT_TRUE(end_);
    EXPECT_EQ(end_->code, Errc::timed_out);
}

TEST_F(Drive, ends_when_another_conversation_closes_the_connection) {
    connect();
    begin();
    executor_.run([this] { ours_->close(); });
    time_.settle();
    ASSERT_TRUE(end_);
    EXPECT_EQ(end_->code, Errc::cancelled);
}

TEST_F(Drive, may_be_destroyed_wherever_it_waits) {
    connect({}, {.window = 7});
    begin();
    executor_.stop();
    begin();
    peer_says("a long line\n");
    executor_.stop();
    time_.run_for(1min);
    EXPECT_FALSE(end_);
}

}   // namespace
}   // namespace millrace::net
