#include "session/relays.hpp"

#include "session/pulls_for_tests.hpp"

#include <gtest/gtest.h>

namespace millrace::session {
namespace {

constexpr std::string_view here = "0123456789abcdef";
constexpr std::string_view near = "aaaaaaaaaaaaaaaa";
constexpr std::string_view far = "bbbbbbbbbbbbbbbb";

class Relays : public toys::PullTest {
protected:
    Relays() { desk_.node_id = here; }

    void answer_from(std::string_view hops) {
        say(fmt::format("HTTP/1.1 200 OK\r\nContent-Type: video/x-flv\r\nMillrace-Hops: {}\r\n\r\n", hops));
    }
    /// What a node that asks for the stream through these hears; "refused".
    std::string asked_by(std::string_view hops) {
        request_.headers = {{"Millrace-Hops", std::string{hops}}};
        std::string heard = "nothing yet";
        executor_.run([&] { executor_.tasks().spawn(ask(heard)); });
        world_.time.settle();
        return heard;
    }
    Task<> ask(std::string& heard) {
        const Result<Hops> hops = co_await hops_for(desk_, request_, "live/cam");
        heard = hops ? hops->text() : "refused";
    }

    web::Request request_;
};

TEST_F(Relays, case_85_a_pull_says_who_asks_and_takes_nothing_that_comes_from_here) {
    start("http://near.example/live/cam.flv");
    EXPECT_NE(server().hear().find("Millrace-Hops: 0123456789abcdef\r\n"), std::string::npos);
    answer_from("aaaaaaaaaaaaaaaa,0123456789abcdef");
    EXPECT_TRUE(server().is_left());
    EXPECT_EQ(state(), "none");
    wait_for_next_try();
    answer_from(near);
    say(toys::flv_film(0, 1000));
    EXPECT_EQ(state(), "live");
}

TEST_F(Relays, row_4_12_a_pull_from_another_node_learns_how_far_its_clock_is_from_ours) {
    start("http://near.example/live/cam.flv");
    const std::int64_t theirs = executor_.clock().utc().microseconds + 7'000'000;
    say(
        fmt::format("HTTP/1.1 200 OK\r\nContent-Type: video/x-flv\r\nMillrace-Hops: {}\r\n"
                    "Millrace-Clock: {}\r\n\r\n",
                    near, theirs));
    say(toys::flv_film(0, 1000));
    ASSERT_EQ(state(), "live");
    const auto clock = report().publisher->clock;
    ASSERT_TRUE(clock);
    EXPECT_LE(clock->uncertainty, 1s);
    EXPECT_LE(clock->ahead, 7s + clock->uncertainty);
    EXPECT_GE(clock->ahead, 7s - clock->uncertainty);
}

TEST_F(Relays, what_is_no_time_of_our_days_says_nothing_of_a_clock) {
    for (const std::string_view wrong : {"", "x", "12", "-1", "1763646000000000 ", "99999999999999999999"}) {
        EXPECT_FALSE(read_clock_header(wrong)) << wrong;
    }
    EXPECT_EQ(read_clock_header("1763646000000000"), WallTime{1'763'646'000'000'000});
    std::vector<web::Header> headers;
    add_relay_headers(headers, desk_, {});
    ASSERT_EQ(headers.size(), 2U);
    EXPECT_EQ(read_clock_header(headers[1].value), executor_.clock().utc());
}

TEST_F(Relays, case_85_a_stream_does_not_go_back_to_a_node_that_it_came_through) {
    start("http://near.example/live/cam.flv");
    answer_from("aaaaaaaaaaaaaaaa,bbbbbbbbbbbbbbbb");
    say(toys::flv_film(0, 1000));
    ASSERT_EQ(state(), "live");
    EXPECT_EQ(report().publisher->hops.text(), "aaaaaaaaaaaaaaaa,bbbbbbbbbbbbbbbb");
    EXPECT_EQ(asked_by(near), "refused");
    EXPECT_EQ(asked_by(far), "refused");
    EXPECT_EQ(asked_by(here), "refused");
    EXPECT_EQ(asked_by("cccccccccccccccc"), "0123456789abcdef,aaaaaaaaaaaaaaaa,bbbbbbbbbbbbbbbb");
    EXPECT_EQ(asked_by(""), "") << "viewers are no nodes";
}

TEST_F(Relays, case_85_a_refusal_tells_the_asker_its_own_hops) {
    request_.headers = {{"Millrace-Hops", "aaaaaaaaaaaaaaaa, x"}};
    const web::Response refused = circle_refusal(request_, {"*"}, {Errc::refused, "no"});
    EXPECT_EQ(refused.status, 403);
    EXPECT_EQ(refused.headers.back().name, "Millrace-Hops");
    EXPECT_EQ(refused.headers.back().value, near);
}

TEST_F(Relays, case_85_a_pull_on_behalf_of_another_node_says_so_for_a_while) {
    EXPECT_EQ(hops_of_pull(desk_, "live/cam").text(), here);
    EXPECT_EQ(asked_by(far), here);
    EXPECT_EQ(hops_of_pull(desk_, "live/cam").text(), "0123456789abcdef,bbbbbbbbbbbbbbbb");
    EXPECT_EQ(hops_of_pull(desk_, "live/other").text(), here);
    world_.time.run_for(hub::Directory::wish_lasts + 1s);
    EXPECT_EQ(hops_of_pull(desk_, "live/cam").text(), here);
}

}   // namespace
}   // namespace millrace::session
