#pragma once

#include "base/byte_reader.hpp"
#include "base/byte_writer.hpp"
#include "base/virtual_network.hpp"
#include "net/datagram_fan_out.hpp"
#include "net/fan_out_for_tests.hpp"

#include <memory>
#include <string>
#include <vector>

/// What the tests of viewers over UDP share: a log of interleaved frames whose packets are numbered, and
/// players that write down what came.
namespace millrace::net {

/// A packet of the tests: u32 number, and filler.
inline std::vector<std::byte> numbered_packet(std::uint32_t number, std::size_t size) {
    std::vector<std::byte> packet;
    ByteWriter writer{packet};
    writer.u32(number);
    packet.resize(std::max(size, packet.size()), static_cast<std::byte>(number * 7 + 1));
    return packet;
}

/// Writes numbered packets into a log.
class FrameLog {
public:
    explicit FrameLog(BlockLog::Limits limits = {}) : log{limits} {}

    /// One message: packets of these sizes on a channel; a key picture's is an entrance.
    void add(std::span<const std::size_t> sizes, std::uint8_t channel, Instant now, bool key = false) {
        if (key) {
            log.mark_entrance(resume);
            entered_at = next;
        }
        for (const std::size_t size : sizes) {
            log.append(frame(channel, next++, size));
        }
        log.end_message(now);
    }

    static std::vector<std::byte> frame(std::uint8_t channel, std::uint32_t number, std::size_t size) {
        const auto packet = numbered_packet(number, size);
        std::vector<std::byte> bytes;
        ByteWriter writer{bytes};
        writer.u8('$');
        writer.u8(channel);
        writer.u16(static_cast<std::uint16_t>(packet.size()));
        writer.bytes(packet);
        return bytes;
    }

    BlockLog log;
    Bytes resume;   ///< of the entrances to come
    std::uint32_t next = 0;
    std::uint32_t entered_at = 0;   ///< the first packet of the newest entrance
};

/// What a player's socket got: the numbers, and when.
class PacketDiary final : Waitable::Waiter {
public:
    PacketDiary(std::unique_ptr<Datagrams> socket, Executor& executor)
        : socket_{std::move(socket)}, executor_{executor} {
        socket_->wait_readable(this);
    }
    PacketDiary(const PacketDiary&) = delete;
    PacketDiary& operator=(const PacketDiary&) = delete;
    ~PacketDiary() = default;

    std::uint16_t port() const { return socket_->local().port; }
    const Endpoint& address() const { return socket_->local(); }

    std::vector<std::uint32_t> numbers;
    std::vector<Instant> times;
    std::size_t bytes = 0;
    bool sound = true;   ///< every packet was as it was written

private:
    void on_ready(Result<> ready) override {
        std::array<std::byte, 2000> buffer{};
        std::array received{Received{.buffer = buffer}};
        while (ready && socket_->receive(received)) {
            ByteReader reader{received[0].bytes()};
            numbers.push_back(reader.u32());
            times.push_back(executor_.now());
            bytes += received[0].size;
            const auto whole = numbered_packet(numbers.back(), received[0].size);
            sound = sound && std::ranges::equal(whole, received[0].bytes());
        }
        socket_->wait_readable(this);
    }
    std::unique_ptr<Datagrams> socket_;
    Executor& executor_;
};

/// A stream, a fan-out on two virtual sockets, and its viewers, in one virtual thread.
class DatagramWorld {
public:
    static constexpr std::uint8_t video = 0;
    static constexpr std::uint8_t sound = 2;

    explicit DatagramWorld(BlockLog::Limits limits = {}) : frames{limits} {}
    ~DatagramWorld() { places.clear(); }

    struct Viewer {
        PacketDiary rtp;
        PacketDiary rtcp;
        SeatRecord seat{};
        std::optional<Errc> ended{};
        DatagramFanOut::Place place{};
    };

    Viewer& join() {
        Viewer& viewer = join_without_settling();
        time.settle();
        return viewer;
    }
    Viewer& join_without_settling() {
        const std::string host = "192.0.2.7";
        auto& viewer = *places.emplace_back(
            std::unique_ptr<Viewer>(new Viewer{.rtp = {*network.open(executor, {host, 0}), executor},
                                               .rtcp = {*network.open(executor, {host, 0}), executor}}));
        executor.run([&] {
            viewer.place =
                fan_out.join(*view, {.host = *PeerAddress::parse({host, 1}),
                                     .tracks = {{video, viewer.rtp.port(), viewer.rtcp.port()},
                                                {sound, viewer.rtp.port(), viewer.rtcp.port()}},
                                     .seat = std::make_unique<TestSeat>(view, viewer.seat, time),
                                     .ended = [&viewer](Error reason) { viewer.ended = reason.code; }});
        });
        return viewer;
    }

    void publish(bool flush = true) {
        if (flush) {
            frames.log.request_flush();
        }
        executor.run([this] { view->apply(frames.log.take_change()); });
        time.settle();
    }
    /// A picture of packets of 1,400 bytes and a last one of 300.
    void picture(std::size_t packets, bool key = false) {
        std::vector<std::size_t> sizes(packets, 1400);
        sizes.back() = 300;
        frames.add(sizes, video, time.now(), key);
        publish();
    }
    /// A second of 25 pictures, the first a key picture.
    void second(std::size_t key_packets = 20, std::size_t packets = 4) {
        for (int i = 0; i < 25; ++i) {
            picture(i == 0 ? key_packets : packets, i == 0);
            time.run_for(40ms);
        }
    }
    /// Every number from one on.
    std::vector<std::uint32_t> all_since(std::uint32_t first) const {
        std::vector<std::uint32_t> numbers;
        for (std::uint32_t number = first; number < frames.next; ++number) {
            numbers.push_back(number);
        }
        return numbers;
    }

    VirtualTime time;
    VirtualNetwork network{time};
    VirtualExecutor& executor = time.add_executor();
    std::unique_ptr<Datagrams> rtp = *network.open(executor, {"192.0.2.1", 8000});
    std::unique_ptr<Datagrams> rtcp = *network.open(executor, {"192.0.2.1", 8001});
    FrameLog frames;
    std::shared_ptr<LogView> view = std::make_shared<LogView>();
    DatagramFanOut fan_out{executor, *rtp, *rtcp};
    std::vector<std::unique_ptr<Viewer>> places;
};

}   // namespace millrace::net
