#pragma once

#include "container/flv_samples.hpp"
#include "hub/stream_for_tests.hpp"
#include "session/forward.hpp"
#include "session/played_server_for_tests.hpp"

#include <gtest/gtest.h>

#include <deque>

/// What the tests of destinations share: a node with a stream, and far ends that the test plays.
namespace millrace::session::toys {

class AnybodyMay final : public hub::Admission {
public:
    void decide(hub::Petition /*petition*/, Reply<hub::Admitted> reply) override {
        reply.give(hub::Admitted{});
    }
};

/// A disk that works when the test says so.
class PlayedDisk final : public Background {
public:
    bool run(std::move_only_function<void()> work) override {
        if (!full) {
            waiting_.push_back(std::move(work));
        }
        return !full;
    }
    std::size_t waiting() const { return waiting_.size(); }
    void work() {
        while (!waiting_.empty()) {
            std::move_only_function<void()> next = std::move(waiting_.front());
            waiting_.pop_front();
            next();
        }
    }
    bool full = false;

private:
    std::deque<std::move_only_function<void()>> waiting_;
};

/// A stream live/cam that goes where the test says.
class PlayedPushTest : public testing::Test {
protected:
    explicit PlayedPushTest(std::span<const ForwardKind> kinds)
        : forwards_{desk_, {.connector = connector_, .kinds = kinds, .disk = &disk_}} {}
    ~PlayedPushTest() override {
        push({});   // viewers leave before their desk goes
        pass(1s);
        for (int turn = 0; turn < 8; ++turn) {
            disk_.work();
            world_.time.settle();
        }
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
    void pass(Duration span) { world_.time.run_for(span); }
    void publish() { publisher_.emplace(world_, world_.desk_a); }
    /// So many pictures of 40 ms, in their own time; a key frame each second.
    void show(int pictures) {
        for (int i = 0; i < pictures; ++i, ++shown_) {
            media::AccessUnit unit = flv::samples::units(track_, std::int64_t{shown_} * 40).front();
            unit.track = 0;
            unit.key = shown_ % 25 == 0;
            publisher_->unit(std::move(unit));
            pass(40ms);
        }
    }
    /// The publisher says its end.
    void finish() {
        world_.desk_a.executor.run([this] { publisher_->publication->finish(); });
        world_.time.settle();
    }
    PlayedServer& server() { return connector_.servers.back(); }
    hub::ForwardReport report() {
        hub::ForwardReport report;
        executor_.run([&] { report = forwards_.reports().at(0); });
        return report;
    }

    hub::toys::World world_;
    VirtualExecutor& executor_ = world_.time.add_executor();
    VirtualExecutor& far_side_ = world_.time.add_executor();
    AnybodyMay admission_;
    SeededRandom random_{3};
    Desk desk_{executor_, world_.directory, admission_, random_};
    PlayedConnector connector_{far_side_};
    PlayedDisk disk_;
    Forwards forwards_;
    const media::Track track_ = flv::samples::track(media::Codec::h264);
    int shown_ = 0;
    std::optional<hub::toys::Publisher> publisher_;
};

}   // namespace millrace::session::toys
