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
