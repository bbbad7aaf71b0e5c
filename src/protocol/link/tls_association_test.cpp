#include "protocol/link/tls_association.hpp"

#include <gtest/gtest.h>

namespace millrace::link {
namespace {

using Role = TlsAssociation::Role;
using Trust = DtlsClient::Trust;

/// Two ends, and the bytes between them in pieces.
class TlsLinks : public testing::Test {
protected:
    Trust pinned() const { return {.pin = *fingerprint_of(identity.certificate)}; }
    void begin(Trust trust) {
        client_trust_ = *DtlsClient::make(std::move(trust), DtlsClient::Carrier::stream);
        near_.emplace(Role::client, *client_trust_->connect_stream(), now_);
        far_.emplace(Role::server, *server_->meet(), now_);
    }
    bool carry(TlsAssociation& from, TlsAssociation& to, std::size_t piece) {
        const std::vector<std::byte> bytes = from.next_output();
        for (ByteSpan rest{bytes}; !rest.empty(); rest = rest.subspan(std::min(piece, rest.size()))) {
            to.receive(rest.first(std::min(piece, rest.size())), now_);
        }
        return !bytes.empty();
    }
    void exchange(std::size_t piece = 100'000) {
        for (bool more = true; more;) {
            more = carry(*near_, *far_, piece);
            more = carry(*far_, *near_, piece) || more;
        }
    }
    static std::string heard(TlsAssociation& end, Instant now) {
        std::string all;
        while (const auto message = end.next_message(now)) {
            all += as_text(*message);
        }
        return all;
    }

    static inline const Identity identity = *make_identity("server");
    static inline const std::vector<std::byte> key = std::vector<std::byte>(16, std::byte{7});
    SeededRandom random_{4};
    std::unique_ptr<DtlsServer> server_ = *DtlsServer::make(identity, {{"gate", key}}, random_);
    Instant now_ = Instant::from_nanoseconds(1'000'000'000);
    std::unique_ptr<DtlsClient> client_trust_;
    std::optional<TlsAssociation> near_;
    std::optional<TlsAssociation> far_;
};

TEST_F(TlsLinks, carry_messages_both_ways_whole_and_in_order_however_the_stream_is_cut) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{100'000}}) {
        begin(pinned());
        exchange(piece);
        ASSERT_TRUE(near_->is_open() && far_->is_open()) << piece;
        std::string up;
        for (int i = 0; i < 40; ++i) {
            up += std::string(static_cast<std::size_t>(1 + i * 100), static_cast<char>('a' + i % 26));
            const std::string one(static_cast<std::size_t>(1 + i * 100), static_cast<char>('a' + i % 26));
            ASSERT_TRUE(near_->send(as_bytes(one)));
        }
        ASSERT_TRUE(far_->send(as_bytes("down")));
        exchange(piece);
        EXPECT_EQ(heard(*far_, now_), up) << piece;
        EXPECT_EQ(heard(*near_, now_), "down") << piece;
    }
}

TEST_F(TlsLinks, a_server_with_another_certificate_is_not_believed_and_the_words_name_it) {
    begin({.pin = *fingerprint_of(make_identity("another")->certificate)});
    exchange();
    ASSERT_TRUE(near_->ending());
    EXPECT_EQ(near_->ending()->code, Errc::refused);
    EXPECT_NE(client_trust_->doubts({Errc::refused, ""}).find(text_of(*fingerprint_of(identity.certificate))),
              std::string::npos);
    EXPECT_FALSE(far_->is_open());
}

TEST_F(TlsLinks, a_key_that_both_have_proves_both_and_another_key_neither) {
    begin({.psk = DtlsClient::Psk{"gate", key}});
    exchange();
    ASSERT_TRUE(near_->is_open() && far_->is_open());
    EXPECT_EQ(far_->psk_identity(), "gate");
    begin({.psk = DtlsClient::Psk{"gate", std::vector<std::byte>(16, std::byte{8})}});
    exchange();
    EXPECT_FALSE(near_->is_open());
    EXPECT_FALSE(far_->is_open());
}

TEST_F(TlsLinks, a_peer_that_falls_silent_is_found_within_three_seconds_and_one_that_speaks_is_not) {
    begin(pinned());
    exchange();
    for (int i = 0; i < 100; ++i) {
        now_ = now_ + 100ms;
        near_->advance(now_);
        far_->advance(now_);
        exchange();
        ASSERT_TRUE(near_->is_open() && far_->is_open()) << i;
    }
    for (int i = 0; i < 29; ++i) {
        now_ = now_ + 100ms;
        near_->advance(now_);
        (void)near_->next_output();
    }
    ASSERT_TRUE(near_->ending());
    EXPECT_EQ(near_->ending()->code, Errc::timed_out);
}

TEST_F(TlsLinks, whoever_says_nothing_has_ten_seconds_for_its_handshake) {
    far_.emplace(Role::server, *server_->meet(), now_);
    far_->advance(now_ + 9'900ms);
    EXPECT_FALSE(far_->ending());
    EXPECT_EQ(far_->deadline(), now_ + 10s);
    far_->advance(now_ + 10s);
    ASSERT_TRUE(far_->ending());
    EXPECT_EQ(far_->ending()->code, Errc::timed_out);
}

TEST_F(TlsLinks, a_round_trip_is_measured_by_what_comes_back) {
    begin(pinned());
    exchange();
    near_->advance(now_ = now_ + 600ms);
    carry(*near_, *far_, 1'000);
    now_ = now_ + 80ms;
    carry(*far_, *near_, 1'000);
    EXPECT_EQ(near_->round_trip(), 80ms);
    EXPECT_EQ(near_->round_trip_min(), 80ms);
}

TEST_F(TlsLinks, a_reader_that_stops_holds_no_more_than_its_bound_and_is_not_taken_for_a_dead_peers) {
    begin(pinned());
    exchange();
    const std::vector<std::byte> large(TlsAssociation::message_max, std::byte{5});
    std::size_t sent = 0;
    for (; far_->wants_more() && sent < 1'000; ++sent) {
        ASSERT_TRUE(near_->send(large));
        carry(*near_, *far_, 100'000);
    }
    EXPECT_LE(sent * large.size(), TlsAssociation::unread_max + large.size());
    now_ = now_ + 10s;
    far_->advance(now_);
    EXPECT_TRUE(far_->is_open());
    EXPECT_EQ(heard(*far_, now_).size(), sent * large.size());
    EXPECT_TRUE(far_->wants_more());
    far_->advance(now_ + 1s);
    EXPECT_TRUE(far_->is_open()) << "what waited in the stream is read first";
}

TEST_F(TlsLinks, a_frame_of_no_length_or_a_wrong_one_ends_the_link_and_a_later_versions_word_does_not) {
    struct Case {
        std::vector<std::byte> bytes;
        bool ends;
    };
    const std::byte zero{0};
    const std::byte one{1};
    for (const Case& said : {Case{{zero, zero}, true}, Case{{std::byte{0x40}, std::byte{2}}, true},
                             Case{{zero, one, std::byte{99}}, false}, Case{{zero, one, one}, false},
                             Case{{zero, std::byte{2}, std::byte{2}, one}, false}}) {
        client_trust_ = *DtlsClient::make(pinned(), DtlsClient::Carrier::stream);
        Tls peer = *client_trust_->connect_stream();
        far_.emplace(Role::server, *server_->meet(), now_);
        std::vector<std::byte> nothing;
        for (int turn = 0; turn < 4; ++turn) {
            ASSERT_TRUE(peer.take(far_->next_output(), nothing));
            far_->receive(peer.next_output(), now_);
        }
        ASSERT_TRUE(peer.is_open() && far_->is_open());
        ASSERT_TRUE(peer.say(said.bytes));
        far_->receive(peer.next_output(), now_);
        EXPECT_EQ(far_->ending().has_value(), said.ends);
        EXPECT_FALSE(far_->next_message(now_));
    }
}

TEST_F(TlsLinks, bytes_that_are_no_tls_end_it) {
    far_.emplace(Role::server, *server_->meet(), now_);
    far_->receive(as_bytes("GET / HTTP/1.1\r\nHost: example\r\n\r\n"), now_);
    EXPECT_TRUE(far_->ending());
    EXPECT_FALSE(far_->send(as_bytes("x")));
}

TEST_F(TlsLinks, a_certificate_that_openssl_does_not_take_is_known_from_the_first_caller_on) {
    const Identity broken{.certificate = identity.certificate, .key = make_identity("another")->key};
    const auto server = DtlsServer::make_later(broken, {}, random_);
    EXPECT_FALSE(server->is_broken());
    EXPECT_FALSE(server->meet());
    EXPECT_TRUE(server->is_broken());
    EXPECT_FALSE(server_->is_broken());
}

TEST_F(TlsLinks, a_close_is_told_to_the_peer) {
    begin(pinned());
    exchange();
    near_->close("all was said");
    EXPECT_EQ(near_->ending()->code, Errc::cancelled);
    carry(*near_, *far_, 1'000);
    ASSERT_TRUE(far_->ending());
    EXPECT_EQ(far_->ending()->code, Errc::closed);
}

}   // namespace
}   // namespace millrace::link
