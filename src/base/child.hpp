#pragma once

#include "base/answer.hpp"
#include "base/connection.hpp"

#include <memory>

namespace millrace {

/// A running child process, with its link as a Connection; what it writes to stderr goes to our log. It
/// belongs to one executor. Its destruction ends the process, at once.
class Child {
public:
    virtual ~Child() = default;
    virtual Connection& link() = 0;
};

/// The seam to child processes: the real one is `net::ChildSpawner`, a test's plays the child itself.
class Spawner {
public:
    virtual ~Spawner() = default;
    /// Starts one for `owner`, which is also the asker. Any thread.
    virtual void spawn(Executor& owner, Reply<std::unique_ptr<Child>> reply) = 0;
};

}   // namespace millrace
