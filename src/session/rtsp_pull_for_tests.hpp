#pragma once

#include "session/played_camera_for_tests.hpp"
#include "session/pulls_for_tests.hpp"
#include "session/rtsp_pull.hpp"

#include <string>

/// What the tests of RTSP sources share.
namespace millrace::session::toys {

/// How the last try ended, in words.
inline std::string last_words;

inline Task<SourceEnding> pull_and_tell(Desk& desk, const SourceMeans& means, const SourceRule& rule,
                                        SourceLeash& leash) {
    SourceEnding ending = co_await rtsp_pull(desk, means, rule, leash);
    last_words = ending.words.empty() ? std::string{ending.error.what} : ending.words;
    co_return ending;
}

inline constexpr std::array rtsp_kinds{SourceKind{"rtsp", pull_and_tell, true}};

/// A stream live/cam with a camera elsewhere.
class RtspPullTest : public PullTest {
protected:
    ~RtspPullTest() override { world_.time.stop(); }

    void start(std::string source = "rtsp://camera.example/live",
               SourceTransport transport = SourceTransport::tcp) {
        last_words.clear();
        SourceRule rule{.stream = "live/cam", .source = std::move(source), .transport = transport};
        executor_.run([&] { cameras_.start(std::move(rule)); });
        world_.time.settle();
    }
    void stop() {
        executor_.run([this] { cameras_.stop("live/cam"); });
        world_.time.settle();
    }
    /// The next connection, which such a camera answers until there is nothing more to answer.
    PlayedCamera& answer(CameraNature nature = {}) {
        for (int waited = 0; connector_.asked == answered_ && waited < 60; ++waited) {
            world_.time.run_for(1s);
        }
        EXPECT_EQ(connector_.asked, answered_ + 1);
        answered_ = connector_.asked;
        camera_ = std::make_unique<PlayedCamera>(connector_, far_side_, std::move(nature));
        tend();
        return *camera_;
    }
    void tend() {
        for (int round = 0; round < 12; ++round) {
            camera_->tend();
            world_.time.settle();
        }
    }
    /// Groups of four pictures in their own time.
    void show(int groups) {
        for (int i = 0; i < groups; ++i) {
            camera_->show(shown_ms_);
            shown_ms_ += PlayedCamera::group_ms;
            world_.time.run_for(PlayedCamera::group_ms * 1ms);
            tend();
        }
    }

    Sources cameras_{desk_, {spawner_, connector_, rtsp_kinds}};
    std::unique_ptr<PlayedCamera> camera_;
    int answered_ = 0;
    std::int64_t shown_ms_ = 0;
};

}   // namespace millrace::session::toys
