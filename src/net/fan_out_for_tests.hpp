#pragma once

#include "base/byte_reader.hpp"
#include "base/byte_writer.hpp"
#include "base/virtual_connection.hpp"
#include "base/virtual_time.hpp"
#include "net/fan_out.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>

/// What the fan-out's tests share: a format that tells when a message is cut, a stream in it, players that
/// read it, and seats that write down how their viewer fared.
namespace millrace::net {

/// One message of the test's format: u32 length of the rest, u8 kind, u64 number, filler made of the number.
/// Kinds: L lead, R resume, K key picture, V picture, A sound, P private.
struct Message {
    char kind;
    std::uint64_t number;
    std::size_t size;   // of the filler
    Instant at;         // when its last byte was read

    std::vector<std::byte> bytes() const {
        std::vector<std::byte> out;
        ByteWriter writer{out};
        writer.u32(static_cast<std::uint32_t>(9 + size));
        writer.u8(static_cast<std::uint8_t>(kind));
        writer.u64(number);
        out.resize(out.size() + size, static_cast<std::byte>(number * 7 + 1));
        return out;
    }
};

/// How one viewer's seat fared; outlives the seat.
struct SeatRecord {
    std::optional<Errc> left;
    bool destroyed = false;
    Instant at;
    Seat::Counters counters;
    std::move_only_function<void()> on_leave;
};

/// A seat that writes down what happens to it.
class TestSeat final : public Seat {
public:
    TestSeat(std::shared_ptr<LogView> log, SeatRecord& record, Clock& clock)
        : log_{std::move(log)}, record_{record}, clock_{clock} {}
    ~TestSeat() override { record_.destroyed = true; }
    void leave(Error reason) override {
        EXPECT_FALSE(record_.left.has_value()) << "told twice";
        record_.left = reason.code;
        record_.at = clock_.now();
        record_.counters = counters;
        if (record_.on_leave) {
            record_.on_leave();
        }
    }

private:
    std::shared_ptr<LogView> log_;
    SeatRecord& record_;
    Clock& clock_;
};

/// Answers each byte it hears with a private message; the byte is its size in units of 16. 'x' ends it, 'b'
/// ends it with a last private message.
class TestBackChannel final : public BackChannel {
public:
    Result<> receive(ByteSpan bytes, Instant /*now*/) override {
        for (const std::byte byte : bytes) {
            if (byte == std::byte{'x'}) {
                return fail(Errc::closed, "the viewer stopped");
            }
            const bool bye = byte == std::byte{'b'};
            const std::size_t size = bye ? 8 : 16 * static_cast<std::size_t>(byte);
            const auto said = Message{'P', number_++, size, {}}.bytes();
            output_.insert(output_.end(), said.begin(), said.end());
            if (bye) {
                return fail(Errc::malformed, "the viewer said goodbye badly");
            }
        }
        return {};
    }
    std::vector<std::byte> next_output() override { return std::exchange(output_, {}); }

private:
    std::vector<std::byte> output_;
    std::uint64_t number_ = 0;
};

/// The far end of a viewer: reads all that comes, or not, and takes it apart into messages.
class Player final : public Connection::Waiter {
public:
    Player(std::unique_ptr<Connection> connection, Executor& executor)
        : connection_{std::move(connection)}, executor_{executor} {
        connection_->wait_readable(this);
    }
    ~Player() = default;

    void stop_reading() {
        connection_->wait_readable(nullptr);
        reading_ = false;
    }
    void read_again() {
        reading_ = true;
        connection_->wait_readable(this);
    }
    void say(std::string_view text) {
        const ByteSpan slice = as_bytes(text);
        EXPECT_EQ(connection_->try_write({&slice, 1}).value_or(0), text.size());
    }
    void hang_up() { connection_->close(); }

    const std::vector<Message>& messages() const { return messages_; }
    const std::vector<std::byte>& bytes() const { return bytes_; }
    /// "LRKVAV": the kinds in order.
    std::string kinds() const {
        std::string text;
        for (const Message& message : messages_) {
            text += message.kind;
        }
        return text;
    }
    /// Whether everything came in whole messages.
    bool whole() const { return sound_ && parsed_ == bytes_.size(); }
    /// Whether no message was cut, but for the last that may still come.
    bool sound() const { return sound_; }
    bool ended() const { return ended_; }

private:
    void on_ready(Result<> ready) override {
        if (!ready) {
            return;
        }
        std::array<std::byte, 4096> buffer;
        for (;;) {
            const auto count = connection_->try_read(buffer);
            if (!count) {
                ended_ = count.error().code != Errc::would_block;
                break;
            }
            bytes_.insert(bytes_.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(*count));
        }
        parse();
        if (!ended_ && reading_) {
            connection_->wait_readable(this);
        }
    }
    void parse() {
        while (sound_) {
            ByteReader reader{std::span{bytes_}.subspan(parsed_)};
            const std::size_t length = reader.u32();
            Message message{static_cast<char>(reader.u8()), reader.u64(), length - 9, executor_.now()};
            if (!reader.ok() || reader.remaining() < message.size) {
                return;
            }
            const auto expected = message.bytes();
            sound_ = length >= 9 && std::equal(expected.begin(), expected.end(),
                                               bytes_.begin() + static_cast<std::ptrdiff_t>(parsed_));
            parsed_ += expected.size();
            messages_.push_back(message);
        }
    }

    std::unique_ptr<Connection> connection_;
    Executor& executor_;
    std::vector<std::byte> bytes_;
    std::size_t parsed_ = 0;
    std::vector<Message> messages_;
    bool reading_ = true;
    bool ended_ = false;
    bool sound_ = true;
};

/// A stream, a fan-out, and its viewers in one virtual thread.
class FanOutWorld {
public:
    explicit FanOutWorld(BlockLog::Limits limits = {}) : log{limits} {}
    ~FanOutWorld() { fan_out.reset(); }

    struct Place {
        SeatRecord seat;
        std::unique_ptr<Player> player;
        Connection* connection = nullptr;   // the server's end; gone once the seat left
    };

    Place& join(VirtualLink link = {}) {
        Place& place = *places.emplace_back(std::make_unique<Place>());
        auto [server, client] = virtual_connection(executor, executor, link, {});
        place.connection = server.get();
        place.player = std::make_unique<Player>(std::move(client), executor);
        join(place, std::move(server));
        return place;
    }
    void join(Place& place, std::unique_ptr<Connection> server) {
        executor.run([&] {
            fan_out->join(*view, {.connection = std::move(server),
                                  .lead = Bytes{lead.bytes()},
                                  .back_channel = std::make_unique<TestBackChannel>(),
                                  .seat = std::make_unique<TestSeat>(view, place.seat, time)});
        });
    }

    void add(char kind, std::size_t size) {
        const Message message{kind, next++, size, {}};
        if (kind == 'K') {
            log.mark_entrance(Bytes{Message{'R', message.number, 20, {}}.bytes()});
        }
        const auto bytes = message.bytes();
        log.append(bytes);
        log.end_message(time.now());
        if (kind != 'A') {
            log.end_picture();
        }
        written.push_back(message);
    }
    void publish(bool flush = true) {
        if (flush) {
            log.request_flush();
        }
        executor.run([this] { view->apply(log.take_change()); });
        time.settle();
    }
    void send(char kind, std::size_t size) {
        add(kind, size);
        publish(kind != 'A');
    }
    /// A second of 25 pictures, the first a key picture.
    void second(std::size_t key_size = 8000, std::size_t picture_size = 2000) {
        for (int i = 0; i < 25; ++i) {
            send(i == 0 ? 'K' : 'V', i == 0 ? key_size : picture_size);
            time.run_for(40ms);
        }
    }
    /// What a viewer that began with the message `from` and missed nothing has read.
    std::vector<std::byte> all_since(std::uint64_t from) const {
        std::vector<std::byte> bytes = lead.bytes();
        const auto resume = Message{'R', from, 20, {}}.bytes();
        bytes.insert(bytes.end(), resume.begin(), resume.end());
        for (const Message& message : std::span{written}.subspan(from)) {
            const auto more = message.bytes();
            bytes.insert(bytes.end(), more.begin(), more.end());
        }
        return bytes;
    }

    VirtualTime time;
    VirtualExecutor& executor = time.add_executor();
    BlockLog log;
    std::shared_ptr<LogView> view = std::make_shared<LogView>();
    std::unique_ptr<FanOut> fan_out = std::make_unique<FanOut>(executor);
    std::vector<std::unique_ptr<Place>> places;
    std::vector<Message> written;
    Message lead{'L', 0, 100, {}};
    std::uint64_t next = 0;
};

/// No message cut, and nothing missing except before a resume.
inline void expect_skips_only_at_entrances(const Player& player) {
    EXPECT_TRUE(player.sound());
    std::optional<std::uint64_t> expected;
    for (const Message& message : player.messages()) {
        if (message.kind == 'R') {
            EXPECT_TRUE(!expected || message.number >= *expected) << "moved backwards";
            expected = message.number;
        } else if (message.kind != 'L' && message.kind != 'P') {
            ASSERT_TRUE(expected.has_value());
            ASSERT_EQ(message.number, *expected);
            ++*expected;
        }
    }
}

}   // namespace millrace::net
