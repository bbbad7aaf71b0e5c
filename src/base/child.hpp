#pragma once

#include "base/answer.hpp"
#include "base/connection.hpp"

#include <cstddef>
#include <memory>

namespace millrace {

/// A running child process, with its link as a Connection; what it writes to stderr goes to our log. It
/// belongs to one executor. Its destruction ends the process, at once.
class Child {
public:
    virtual ~Child() = default;
    virtual Connection& link() = 0;
};

/// Where a child finds what it was given, by descriptor number; beside these it has 0 to 2 and no other.
inline constexpr int child_link = 3;
inline constexpr int child_memory = 4;
/// Who is given our stdin finds as `child_memory` so many bytes of memory: how much of it children have read
/// since we began, in this machine's order of bytes. So another child knows where in a picture it begins.
inline constexpr std::size_t stdin_place_size = 8;

/// What a child is given beside its link.
struct SpawnWish {
    bool stdin = false;   ///< our own stdin, and its place; else it reads nothing there
    int memory = -1;      ///< a descriptor that it finds as `child_memory`; none below 0
};

/// The seam to child processes: the real one is `net::ChildSpawner`, a test's plays the child itself.
class Spawner {
public:
    virtual ~Spawner() = default;
    /// Starts one for `owner`, which is also the asker. Any thread. What it is given stays the asker's, who
    /// may close it once this returns.
    virtual void spawn(Executor& owner, SpawnWish wish, Reply<std::unique_ptr<Child>> reply) = 0;
};

}   // namespace millrace
