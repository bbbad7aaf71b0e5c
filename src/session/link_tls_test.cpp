#include "base/link_transport.hpp"
#include "session/link_streams.hpp"
#include "session/links_for_tests.hpp"

namespace millrace::session {
namespace {

/// The same node may be called by TCP; UDP does not get through unless the test says so.
class LinkTls : public toys::LinkTest {
protected:
    LinkTls() { path({.loss = 1}); }
    ~LinkTls() override {
        push({});
        pass(5s);
        world_.time.stop();
    }
    /// The server takes who connected by TCP.
    void accept() {
        for (; accepted_ < connector_.servers.size(); ++accepted_) {
            far_side_.run([this] { streams_.take(std::move(connector_.servers[accepted_].connection)); });
        }
    }
    /// So many pictures of 40 ms in their own time, and whoever calls by TCP is taken.
    void show_and_accept(int pictures) {
        for (int i = 0; i < pictures; ++i) {
            show(1);
            accept();
        }
    }
    void begin(std::string_view query = {}) {
        publish();
        show(1);
        push({address("live/copy", query)});
    }
    std::string_view transport() {
        const auto link = report().link;
        return link ? transport_of(*link) : "none";
    }

    std::unique_ptr<Desk> tcp_desk_ = std::make_unique<Desk>(far_side_, world_.directory, gate_, random_);
    LinkStreams streams_{far_side_, *dtls_, link::Server::Limits{},
                         [this](std::unique_ptr<LinkConnection> connection) {
                             far_side_.tasks().spawn(link_serve(*tcp_desk_, std::move(connection)));
                         }};
    std::size_t accepted_ = 0;
};

TEST_F(LinkTls, row_0_30_where_udp_gets_no_answer_a_link_goes_by_tcp_and_every_chunk_is_proven) {
    begin();
    show_and_accept(70);
    EXPECT_EQ(connector_.asked, 0) << "UDP has three seconds";
    show_and_accept(180);
    EXPECT_EQ(connector_.asked, 1);
    ASSERT_EQ(report().state, hub::ForwardState::live) << report().reason;
    EXPECT_EQ(transport(), "tls");
    pass(1s);
    EXPECT_EQ(pictures("live/copy"), *report().frames_sent);
    EXPECT_GT(pictures("live/copy"), 150U);
    const auto copy = at("live/copy");
    EXPECT_GE(copy->chunks.proven, 20U);
    EXPECT_EQ(copy->chunks.different + copy->chunks.incomplete, 0U);
    EXPECT_TRUE(gate_.encrypted);
}

TEST_F(LinkTls, a_link_goes_back_to_udp_within_a_minute_after_it_gets_through_again) {
    begin();
    show_and_accept(120);
    ASSERT_EQ(transport(), "tls");
    path({.delay = 20ms});
    show_and_accept(1'700);
    ASSERT_EQ(report().state, hub::ForwardState::live) << report().reason;
    EXPECT_EQ(transport(), "kcp");
    EXPECT_EQ(report().reconnects(), 1U);
    EXPECT_EQ(connector_.asked, 1);
}

TEST_F(LinkTls, the_next_call_asks_tcp_at_once_where_the_last_one_needed_it) {
    begin();
    show_and_accept(120);
    ASSERT_EQ(transport(), "tls");
    const int begun = static_cast<int>(report().begun);
    far_side_.run([this] {
        tcp_desk_->sessions.end_where([](const hub::SessionFacts&) { return true; },
                                      {Errc::closed, "the server restarts"});
    });
    int pictures = 0;
    for (; pictures < 200 && static_cast<int>(report().begun) == begun; ++pictures) {
        show_and_accept(1);
    }
    EXPECT_EQ(transport(), "tls");
    EXPECT_LT(pictures * 40ms, forward_pause_min + 1s);
}

TEST_F(LinkTls, an_address_may_forbid_either_way) {
    begin("&transport=kcp");
    show_and_accept(400);
    EXPECT_EQ(connector_.asked, 0);
    EXPECT_NE(report().state, hub::ForwardState::live);
    push({address("live/copy", "&transport=tls")});
    path({.delay = 20ms});
    connector_.dials.clear();
    show_and_accept(50);
    EXPECT_EQ(report().state, hub::ForwardState::live) << report().reason;
    EXPECT_EQ(transport(), "tls");
    EXPECT_TRUE(connector_.dials.empty());
    push({address("live/copy", "&transport=srt")});
    show(10);
    EXPECT_NE(report().reason.find("transport="), std::string::npos) << report().reason;
}

TEST_F(LinkTls, a_certificate_that_is_not_believed_is_named_over_tcp_too) {
    publish();
    show(1);
    push({fmt::format("kcp://203.0.113.5:8910/live/copy?user=cam&pass=secret&transport=tls&fingerprint={}",
                      link::text_of(*link::fingerprint_of(link::make_identity("another")->certificate)))});
    show_and_accept(20);
    EXPECT_NE(report().reason.find(fingerprint()), std::string::npos) << report().reason;
}

TEST_F(LinkTls, row_0_30_a_key_that_the_server_does_not_have_so_is_told_by_udp_at_once_and_tcp_is_not_asked) {
    path({.delay = 20ms});
    auto settings = std::make_shared<Settings>(*desk_.settings);
    settings->link_keys = {{"gate", std::vector<std::byte>(16, std::byte{8})}};
    desk_.settings = std::move(settings);
    publish();
    show(1);
    push({"kcp://203.0.113.5:8910/live/copy?identity=gate"});
    show_and_accept(10);
    EXPECT_NE(report().reason.find("another key"), std::string::npos) << report().reason;
    show_and_accept(120);
    EXPECT_EQ(connector_.asked, 0);
}

TEST_F(LinkTls, a_source_comes_by_tcp_where_udp_does_not_get_through) {
    publish();
    show(25);
    SourceRule rule{.stream = "live/pulled", .source = address("live/cam")};
    executor_.run([&] { pulls_.start(std::move(rule)); });
    show_and_accept(200);
    EXPECT_GT(pictures("live/pulled"), 80U);
    EXPECT_EQ(at("live/pulled")->chunks.different, 0U);
}

TEST_F(LinkTls, f14_who_says_nothing_by_tcp_holds_few_places_of_one_host_and_none_after_ten_seconds) {
    std::vector<std::unique_ptr<Connection>> silent;
    const auto call = [&](std::string host) {
        auto [theirs, ours] =
            virtual_connection(far_side_, executor_, {}, {}, {"203.0.113.5", 8910}, {std::move(host), 5'000});
        silent.push_back(std::move(ours));
        far_side_.run([&] { streams_.take(std::move(theirs)); });
    };
    for (int i = 0; i < 20; ++i) {
        call("198.51.100.1");
    }
    EXPECT_EQ(streams_.size(), link::Server::Limits{}.handshakes_of_host);
    for (int i = 0; i < 100; ++i) {
        call(fmt::format("198.51.100.{}", 2 + i));
    }
    EXPECT_EQ(streams_.size(), link::Server::Limits{}.handshakes);
    EXPECT_EQ(streams_.turned_away(), 120 - link::Server::Limits{}.handshakes);
    pass(11s);
    EXPECT_EQ(streams_.size(), 0U);
    executor_.run([&] { silent.clear(); });
}

}   // namespace
}   // namespace millrace::session
