#pragma once

#include <functional>

namespace millrace {

/// Work that would hold an executor up: hashing a password, writing to a disk. It runs on threads of its own,
/// so that media never wait for it; the real one is in `net`, a simulation runs it later on its one thread.
class Background {
public:
    virtual ~Background() = default;
    /// Takes `work` to be run once, never inside this call; false, and `work` is gone, where too much waits
    /// already. Any thread. What a stopped one still holds is destroyed without being run.
    [[nodiscard]] virtual bool run(std::move_only_function<void()> work) = 0;
};

}   // namespace millrace
