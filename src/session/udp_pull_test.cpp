#include "session/udp_pull.hpp"

#include "base/virtual_network.hpp"
#include "protocol/rtp/packet.hpp"
#include "session/pulls_for_tests.hpp"

namespace millrace::session {
namespace {

/// A source that listens, and senders somewhere in the network.
class UdpPull : public toys::PullTest {
protected:
    UdpPull() { connector_.network = &network_; }
    ~UdpPull() override { world_.time.stop(); }

    std::unique_ptr<Datagrams> sender(std::string_view address) {
        auto opened = network_.open(far_side_, {std::string{address}, 0});
        EXPECT_TRUE(opened);
        return std::move(*opened);
    }
    void send(Datagrams& from, ByteSpan bytes, const Endpoint& to = {"192.0.2.1", 5000}) {
        const std::array slices{bytes};
        std::array batch{Datagram{.peer = *PeerAddress::parse(to), .slices = slices}};
        EXPECT_TRUE(from.send(batch));
    }
    /// Sends film as an encoder does: seven packets a datagram, 40 ms of it every 40 ms.
    void play(Datagrams& from, std::int64_t start_ms, std::int64_t length_ms) {
        play(from, toys::ts_film(start_ms, length_ms), length_ms);
    }
    void play(Datagrams& from, const std::vector<std::byte>& film, std::int64_t length_ms) {
        const auto steps = static_cast<std::size_t>(length_ms / 40);
        const std::size_t datagram_size = packets_ * ts::packet_size;
        const std::size_t count = (film.size() + datagram_size - 1) / datagram_size;
        for (std::size_t i = 0, sent = 0; i < steps; ++i) {
            for (; sent < count * (i + 1) / steps; ++sent) {
                send_piece(from, ByteSpan{film}.subspan(
                                     sent * datagram_size,
                                     std::min(datagram_size, film.size() - sent * datagram_size)));
            }
            world_.time.run_for(40ms);
        }
    }
    void send_piece(Datagrams& from, ByteSpan piece) {
        if (!rtp_) {
            send(from, piece, to_);
            return;
        }
        std::vector<std::byte> packet;
        ByteWriter writer{packet};
        rtp::write_header(writer, {.payload_type = 33, .sequence = sequence_++, .ssrc = 7});
        writer.bytes(piece);
        if (swapped_ && sequence_ % 5 == 0 && held_.empty()) {
            held_ = std::move(packet);   // it goes behind the next one
            return;
        }
        send(from, packet, to_);
        if (!held_.empty()) {
            send(from, std::exchange(held_, {}), to_);
        }
    }
    std::uint64_t pictures() { return toys::units_of(report(), media::Kind::video); }

    VirtualNetwork network_{world_.time};
    Endpoint to_{"192.0.2.1", 5000};
    std::size_t packets_ = 7;   // in a datagram
    bool rtp_ = false;
    bool swapped_ = false;
    std::uint16_t sequence_ = 65'530;
    std::vector<std::byte> held_;
};

TEST_F(UdpPull, publishes_what_is_sent_to_its_port) {
    start("udp://@192.0.2.1:5000");
    ASSERT_EQ(connector_.dials.size(), 1U);
    EXPECT_EQ(connector_.dials[0].local.text(), "192.0.2.1:5000");
    world_.time.run_for(1min);
    EXPECT_EQ(connector_.dials.size(), 1U) << "it listens for as long as nobody sends";
    EXPECT_EQ(state(), "none");
    const auto encoder = sender("192.0.2.9");
    play(*encoder, 0, 4000);
    EXPECT_EQ(state(), "live");
    EXPECT_EQ(report().publisher->protocol, "udp");
    EXPECT_EQ(report().publisher->peer.address, "192.0.2.9");
    EXPECT_GE(pictures(), 99U);
    EXPECT_EQ(report().jumps, 0U);
    EXPECT_EQ(report().units_unusable, 0U);
    stop();
    world_.time.run_for(1s);
    EXPECT_EQ(state(), "offline");
    EXPECT_EQ(executor_.tasks().size(), 0U);
}

TEST_F(UdpPull, listens_to_a_group_or_on_all_addresses) {
    start("udp://@239.1.1.1:5000");
    EXPECT_EQ(connector_.dials.back().local.text(), "239.1.1.1:5000");
    to_ = {"239.1.1.1", 5000};
    const auto encoder = sender("192.0.2.9");
    play(*encoder, 0, 1000);
    EXPECT_EQ(state(), "live");
    stop();
    world_.time.run_for(1s);
    start("udp://@:5001");
    EXPECT_EQ(connector_.dials.back().local.address, "");
    EXPECT_EQ(connector_.dials.back().local.port, 5001);
}

TEST_F(UdpPull, row_0_32_a_transport_stream_inside_rtp_is_put_in_order) {
    rtp_ = swapped_ = true;
    packets_ = 2;
    start("udp://@192.0.2.1:5000");
    const auto encoder = sender("192.0.2.9");
    play(*encoder, 0, 4000);
    world_.time.run_for(1s);
    EXPECT_GE(pictures(), 96U);
    EXPECT_EQ(report().units_unusable, 0U);
    EXPECT_EQ(report().jumps, 0U);
}

TEST_F(UdpPull, with_loss_no_broken_picture_is_handed_on) {
    network_.set_default_path({.loss = 0.02});
    start("udp://@192.0.2.1:5000");
    const auto encoder = sender("192.0.2.9");
    play(*encoder, 0, 20'000);
    EXPECT_GT(network_.counters().lost, 0U);
    EXPECT_GT(report().units_unusable, 0U);
    EXPECT_GE(pictures(), 200U) << "each key frame begins anew";
    EXPECT_EQ(report().jumps, 0U);
}

TEST_F(UdpPull, what_comes_late_is_never_handed_on_behind_what_came_after_it) {
    network_.set_default_path({.reordering = 0.05, .held_back = 400ms});
    packets_ = 1;
    start("udp://@192.0.2.1:5000");
    const auto encoder = sender("192.0.2.9");
    play(*encoder, 0, 60'000);
    EXPECT_GT(report().units_unusable, 0U);
    EXPECT_GE(toys::units_of(report(), media::Kind::audio), 1000U);
    EXPECT_EQ(report().jumps, 0U);
}

TEST_F(UdpPull, who_sends_first_is_heard_alone) {
    start("udp://@192.0.2.1:5000");
    const auto encoder = sender("192.0.2.9");
    const auto other = sender("192.0.2.66");
    send(*other, as_bytes("hello"));
    play(*encoder, 0, 1000);
    const std::uint64_t before = pictures();
    play(*other, 90'000, 1000);
    EXPECT_EQ(pictures(), before);
    EXPECT_EQ(report().jumps, 0U);
    play(*encoder, 2000, 1000);
    EXPECT_GT(pictures(), before);
}

TEST_F(UdpPull, a_sender_that_falls_silent_may_come_back_or_another_may) {
    start("udp://@192.0.2.1:5000");
    const auto encoder = sender("192.0.2.9");
    play(*encoder, 0, 1000);
    world_.time.run_for(9s);
    play(*encoder, 10'000, 1000);
    EXPECT_EQ(connector_.dials.size(), 1U);
    EXPECT_EQ(state(), "live");
    world_.time.run_for(12s);
    EXPECT_EQ(state(), "stale");
    EXPECT_EQ(connector_.dials.size(), 2U);
    const auto other = sender("192.0.2.66");
    play(*other, 500'000, 1000);
    EXPECT_EQ(state(), "live");
}

TEST_F(UdpPull, row_4_13_a_sender_that_says_its_end_ends_the_stream_at_once) {
    const std::vector<media::Track> all = toys::tracks();
    ts::Muxer muxer{"live/cam"};
    BlockLog log;
    std::vector<std::byte> film;
    muxer.configure(all, log, {});
    for (const media::AccessUnit& unit : ts::samples::film(all, 0, 1000)) {
        BlockLog fresh;
        muxer.write(unit, fresh, {});
        ts::samples::append(film, flv::samples::bytes_of(fresh));
    }
    BlockLog last;
    muxer.unpublished(last, {});
    ts::samples::append(film, flv::samples::bytes_of(last));
    for (const bool rtp : {false, true}) {
        rtp_ = rtp;
        start("udp://@192.0.2.1:5000");
        const auto encoder = sender("192.0.2.9");
        play(*encoder, film, 1000);
        EXPECT_EQ(state(), "offline") << "not only lost";
        EXPECT_GE(pictures(), 24U);
        world_.time.run_for(2s);
        const auto other = sender("192.0.2.66");
        play(*other, 500'000, 1000);
        EXPECT_EQ(state(), "live") << "and another may come";
        stop();
        world_.time.run_for(1min);
    }
}

TEST_F(UdpPull, case_39_noise_is_no_stream) {
    start("udp://@192.0.2.1:5000");
    const auto noise = sender("192.0.2.66");
    SeededRandom chance{39};
    for (int i = 0; i < 2000; ++i) {
        std::vector<std::byte> bytes(chance.below(2500));
        chance.fill(bytes);
        if (!bytes.empty() && i % 2 == 0) {
            bytes[0] = i % 4 == 0 ? ts::sync_byte : std::byte{0x80};
        }
        send(*noise, bytes);
        world_.time.run_for(1ms);
    }
    EXPECT_EQ(state(), "none");
    EXPECT_EQ(connector_.dials.size(), 1U);
}

TEST_F(UdpPull, case_82_an_address_in_words_is_refused_for_good) {
    start("udp://@camera.example:5000");
    world_.time.run_for(1min);
    EXPECT_TRUE(connector_.dials.empty());
}

}   // namespace
}   // namespace millrace::session
