#include "session/played_server_for_tests.hpp"

#include "base/waiting.hpp"

#include <gtest/gtest.h>

namespace millrace::session {
namespace {

/// What a dial gives; the answer is there at once.
Result<DatagramLink> dial(VirtualTime& time, Executor& home, Connector& connector, DatagramDial wanted) {
    std::optional<Result<DatagramLink>> link;
    home.tasks().spawn([](Executor& owner, Connector& asked, DatagramDial how,
                          std::optional<Result<DatagramLink>>& into) -> Task<> {
        Answer<DatagramLink> answer{owner};
        asked.open_datagrams(owner, std::move(how), answer.reply());
        into = co_await answer.within(owner.now() + 1s);
    }(home, connector, std::move(wanted), link));
    time.run_for(1s);
    return std::move(*link);
}

TEST(PlayedConnector, opens_pairs_of_virtual_sockets_side_by_side) {
    VirtualTime time{1};
    VirtualNetwork network{time};
    VirtualExecutor& home = time.add_executor();
    toys::PlayedConnector connector{home};
    const DatagramDial wanted{.to = Endpoint{"camera.example", 9000}, .pair = true};
    EXPECT_EQ(dial(time, home, connector, wanted).error().code, Errc::unsupported);
    connector.network = &network;
    EXPECT_EQ(dial(time, home, connector, wanted).error().code, Errc::not_found);
    connector.hosts["camera.example"] = "192.0.2.9";
    const auto one = dial(time, home, connector, wanted);
    const auto other = dial(time, home, connector, wanted);
    ASSERT_TRUE(one && other);
    EXPECT_EQ(one->to.text(), "192.0.2.9:9000");
    EXPECT_EQ(one->first->local().port % 2, 0);
    EXPECT_EQ(other->second->local().port, other->first->local().port + 1);
    EXPECT_NE(one->first->local().port, other->first->local().port);
}

}   // namespace
}   // namespace millrace::session
