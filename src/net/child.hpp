#pragma once

#include "base/child.hpp"
#include "net/descriptor.hpp"
#include "net/main_loop.hpp"

#include <string>

namespace millrace::net {

/// The program `name` in the folder of our own executable; it may be missing.
std::string program_beside_us(const std::string& name);

/// Starts children on the main thread: each in a process group of its own, with the link and what it was
/// wished, stderr into our log line by line, and no other descriptor of ours. A program that cannot be
/// started is Errc::not_found or Errc::io, and the log says which.
class ChildSpawner final : public Spawner {
public:
    /// `main` outlives whoever asks.
    ChildSpawner(MainLoop& main, std::string program);
    /// `owner` is a net::Worker.
    void spawn(Executor& owner, SpawnWish wish, Reply<std::unique_ptr<Child>> reply) override;

private:
    MainLoop& main_;
    std::string program_;
    Descriptor stdin_place_;   // of all children that read our stdin, one after the other
};

}   // namespace millrace::net
