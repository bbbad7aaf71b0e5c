#pragma once

#include "session/forward.hpp"
#include "session/pulls_for_tests.hpp"

/// What the tests of pushes share: a worker with destinations, whose servers the test plays.
namespace millrace::session::toys {

/// A stream live/cam that is pushed elsewhere.
class PushTest : public PullTest {
protected:
    explicit PushTest(std::span<const ForwardKind> kinds) : forwards_{desk_, {connector_, kinds}} {}
    ~PushTest() override {
        push({});   // viewers leave before their desk goes
        world_.time.stop();
    }

    void push(std::vector<std::string> to) {   // and to nowhere else
        std::vector<ForwardRule> rules;
        for (std::string& one : to) {
            rules.push_back({"live/cam", std::move(one)});
        }
        executor_.run([&] { forwards_.use(rules); });
        world_.time.settle();
    }
    hub::ForwardReport report() {
        hub::ForwardReport report;
        executor_.run([&] { report = forwards_.reports().at(0); });
        return report;
    }

    Forwards forwards_;
    std::optional<hub::toys::Publisher> publisher_;
    std::int64_t at_ms_ = 0;
};

}   // namespace millrace::session::toys
