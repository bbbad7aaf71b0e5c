#pragma once

#include <functional>
#include <memory>

namespace millrace::net {

/// The main thread's loop. The main thread lives as long as the process, so it is the one that starts
/// children: the kernel ends a child when the *thread* that started it ends (prctl(2), PR_SET_PDEATHSIG).
class MainLoop {
public:
    /// What signals do, on the main thread. The first SIGINT or SIGTERM begins an end in good order; a SIGINT
    /// after it ends `run` at once.
    struct OnSignal {
        std::move_only_function<void()> stop;     ///< nothing: the first signal ends `run`
        std::move_only_function<void()> reload;   ///< SIGHUP
    };

    /// From here on the signals come here. On the main thread.
    MainLoop();
    MainLoop(const MainLoop&) = delete;
    MainLoop& operator=(const MainLoop&) = delete;
    /// Destroys what was posted and never ran.
    ~MainLoop();

    /// On the main thread, before `run`.
    void on_signal(OnSignal on_signal) { on_signal_ = std::move(on_signal); }
    /// Runs `work` on the main thread, inside `run`. Any thread.
    void post(std::move_only_function<void()> work);
    /// Ends `run`. Any thread.
    void leave();
    /// Runs what is posted until `leave`; from then on the next signal ends the process.
    void run();

private:
    struct Parts;

    void wait_for_signal();
    void take(int signal);

    OnSignal on_signal_;
    bool stopping_ = false;
    std::unique_ptr<Parts> parts_;
};

}   // namespace millrace::net
