#pragma once

#include "session/forward.hpp"
#include "session/pulls_for_tests.hpp"

#include <deque>

/// What the tests of pushes share: a worker with destinations, whose servers the test plays.
namespace millrace::session::toys {

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
class PushTest : public PullTest {
protected:
    explicit PushTest(std::span<const ForwardKind> kinds, bool follow_links = false)
        : forwards_{desk_,
                    {.connector = connector_, .kinds = kinds, .follow_links = follow_links, .disk = &disk_}} {
    }
    ~PushTest() override {
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
            rules.push_back({"live/cam", std::move(one), uplink_});
        }
        executor_.run([&] { forwards_.use(rules); });
        world_.time.settle();
    }
    void pass(Duration span) { world_.time.run_for(span); }
    void publish() { publisher_.emplace(world_, world_.desk_a); }
    /// A picture of the stream at this moment of it.
    media::AccessUnit picture(bool key) {
        media::AccessUnit unit = flv::samples::units(track_, at_ms_).front();
        unit.track = 0;
        unit.key = key;
        return unit;
    }
    /// So many pictures of 40 ms, in their own time; a key frame each second.
    void show(int pictures) {
        for (int i = 0; i < pictures; ++i, at_ms_ += 40) {
            publisher_->unit(picture(at_ms_ % 1'000 == 0));
            pass(40ms);
        }
    }
    /// The publisher says its end.
    void finish() {
        world_.desk_a.executor.run([this] { publisher_->publication->finish(); });
        world_.time.settle();
    }
    hub::ForwardReport report() {
        hub::ForwardReport report;
        executor_.run([&] { report = forwards_.reports().at(0); });
        return report;
    }

    bool uplink_ = false;   // each destination is a server's
    PlayedDisk disk_;
    Forwards forwards_;
    const media::Track track_ = flv::samples::track(media::Codec::h264);
    std::optional<hub::toys::Publisher> publisher_;
    std::int64_t at_ms_ = 0;
};

}   // namespace millrace::session::toys
