#pragma once

#include <functional>
#include <memory>

namespace millrace::net {

/// The main thread's loop. The main thread lives as long as the process, so it is the one that starts
/// children: the kernel ends a child when the *thread* that started it ends (prctl(2), PR_SET_PDEATHSIG).
class MainLoop {
public:
    /// Makes SIGINT and SIGTERM end `run`. On the main thread.
    MainLoop();
    MainLoop(const MainLoop&) = delete;
    MainLoop& operator=(const MainLoop&) = delete;
    /// Destroys what was posted and never ran.
    ~MainLoop();

    /// Runs `work` on the main thread, inside `run`. Any thread.
    void post(std::move_only_function<void()> work);
    /// Runs what is posted until SIGINT or SIGTERM; the next such signal ends the process.
    void run();

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}   // namespace millrace::net
