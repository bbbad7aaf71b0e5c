#include "net/child.hpp"

#include "base/check.hpp"
#include "base/log.hpp"
#include "net/log_pipe.hpp"
#include "net/tcp_connection.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstring>

namespace millrace::net {

namespace {

/// From here on descriptors keep clear of those that the child finds.
constexpr int first_free = child_memory + 1;

struct Started {
    pid_t process = 0;
    Descriptor link;
    Descriptor log;
};

std::string name_of(const std::string& program) {
    return program.substr(program.rfind('/') + 1);
}

/// What the child is given, kept open until it has it.
struct Gifts {
    bool our_stdin = false;
    Descriptor memory;   // none: it gets none
};

/// What the child finds: nothing on stdin or ours, our log for both kinds of output, the link, memory if it
/// is given some; every other descriptor is closed.
class Actions {
public:
    Actions(int link, int log, const Gifts& gifts) {
        posix_spawn_file_actions_init(&actions_);
        if (gifts.our_stdin) {
            posix_spawn_file_actions_adddup2(&actions_, STDIN_FILENO, STDIN_FILENO);   // open after exec, too
        } else {
            posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        }
        posix_spawn_file_actions_adddup2(&actions_, log, STDOUT_FILENO);
        posix_spawn_file_actions_adddup2(&actions_, log, STDERR_FILENO);
        posix_spawn_file_actions_adddup2(&actions_, link, child_link);
        if (gifts.memory) {
            posix_spawn_file_actions_adddup2(&actions_, gifts.memory.number(), child_memory);
        }
        posix_spawn_file_actions_addclosefrom_np(&actions_, gifts.memory ? first_free : child_memory);
    }
    Actions(const Actions&) = delete;
    Actions& operator=(const Actions&) = delete;
    ~Actions() { posix_spawn_file_actions_destroy(&actions_); }
    const posix_spawn_file_actions_t* raw() const { return &actions_; }

private:
    posix_spawn_file_actions_t actions_{};
};

/// A process group of its own, so that Ctrl-C is ours to pass on; no signal blocked or ignored.
class Attributes {
public:
    Attributes() {
        posix_spawnattr_init(&attributes_);
        sigset_t none;
        sigset_t all;
        sigemptyset(&none);
        sigfillset(&all);
        posix_spawnattr_setsigmask(&attributes_, &none);
        posix_spawnattr_setsigdefault(&attributes_, &all);
        posix_spawnattr_setpgroup(&attributes_, 0);
        posix_spawnattr_setflags(&attributes_,
                                 POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    }
    Attributes(const Attributes&) = delete;
    Attributes& operator=(const Attributes&) = delete;
    ~Attributes() { posix_spawnattr_destroy(&attributes_); }
    const posix_spawnattr_t* raw() const { return &attributes_; }

private:
    posix_spawnattr_t attributes_{};
};

/// Starts the program. It is told our process id, so that it sees if we died before it could ask to be ended
/// with us.
Result<Started> start(const std::string& program, const Gifts& gifts) {
    // Beyond those that the child finds, dup2 closes none of them on its way.
    std::array<int, 2> link{-1, -1};
    std::array<int, 2> log{-1, -1};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, link.data()) != 0 ||
        ::pipe2(log.data(), O_CLOEXEC) != 0) {
        return fail(Errc::exhausted, "no descriptors for a child process");
    }
    Started started{.process = 0, .link = Descriptor{link[0]}, .log = Descriptor{log[0]}};
    const Descriptor their_link{::fcntl(link[1], F_DUPFD_CLOEXEC, first_free)};
    const Descriptor their_log{::fcntl(log[1], F_DUPFD_CLOEXEC, first_free)};
    ::close(link[1]);
    ::close(log[1]);
    std::string name = name_of(program);
    std::string option = "--parent";
    std::string parent = std::to_string(::getpid());
    const std::array<char*, 4> arguments{name.data(), option.data(), parent.data(), nullptr};
    const Actions actions{their_link.number(), their_log.number(), gifts};
    const Attributes attributes;
    const int error = ::posix_spawn(&started.process, program.c_str(), actions.raw(), attributes.raw(),
                                    arguments.data(), environ);
    if (error != 0) {
        log::error("child", "{} cannot be started: {}", program, std::strerror(error));
        return error == ENOENT ? fail(Errc::not_found, "the program is missing beside millrace")
                               : fail(Errc::io, "the program cannot be started");
    }
    return started;
}

class Process final : public Child {
public:
    Process(Worker& worker, Started started, const std::string& name)
        : process_{started.process},
          who_{fmt::format("{} {}", name, started.process)},
          log_{std::in_place, worker, std::move(started.log), who_},
          link_{worker, std::move(started.link)} {}
    ~Process() override;

    Connection& link() override { return link_; }

private:
    pid_t process_;
    std::string who_;
    std::optional<LogPipe> log_;
    TcpConnection link_;   // any stream socket will do
};

Process::~Process() {
    link_.drop();
    // A no-op where it is dead already: how it died then stands fast. Nobody else waits for it, so the
    // number is still its own. It takes the kernel a few milliseconds.
    ::kill(-process_, SIGKILL);
    int status = 0;
    while (::waitpid(process_, &status, 0) < 0 && errno == EINTR) {
    }
    log_.reset();
    if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL) {
        log::error("child", "{} was ended by signal {}", who_, WTERMSIG(status));
    } else if (WIFEXITED(status) && WEXITSTATUS(status) != 0) {
        log::error("child", "{} ended with code {}", who_, WEXITSTATUS(status));
    }
}

/// None where there is no memory for it: then a child that follows another may begin amid a picture.
Descriptor make_stdin_place() {
    Descriptor place{::memfd_create("millrace-stdin", MFD_CLOEXEC)};
    return place && ::ftruncate(place.number(), off_t{stdin_place_size}) == 0 ? std::move(place)
                                                                              : Descriptor{};
}

}   // namespace

std::string program_beside_us(const std::string& name) {
    std::array<char, PATH_MAX> path{};
    const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size() - 1);
    const std::string_view self{path.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
    return std::string{self.substr(0, self.rfind('/') + 1)} + name;
}

ChildSpawner::ChildSpawner(MainLoop& main, std::string program)
    : main_{main}, program_{std::move(program)}, stdin_place_{make_stdin_place()} {
}

void ChildSpawner::spawn(Executor& owner, SpawnWish wish, Reply<std::unique_ptr<Child>> reply) {
    auto* const worker = dynamic_cast<Worker*>(&owner);
    check(worker != nullptr, "a child process belongs to a worker");
    Gifts gifts{.our_stdin = wish.stdin, .memory = {}};
    const int memory = wish.memory < 0 && wish.stdin ? stdin_place_.number() : wish.memory;
    if (memory >= 0) {
        gifts.memory = Descriptor{::fcntl(memory, F_DUPFD_CLOEXEC, first_free)};
        if (!gifts.memory) {
            reply.give(fail(Errc::exhausted, "no descriptors for a child process"));
            return;
        }
    }
    main_.post([worker, program = program_, gifts = std::move(gifts), reply = std::move(reply)]() mutable {
        Result<Started> started = start(program, gifts);
        if (!started) {
            reply.give(std::unexpected(started.error()));
            return;
        }
        worker->post([worker, started = std::move(*started), name = name_of(program),
                      reply = std::move(reply)]() mutable {
            reply.give(std::make_unique<Process>(*worker, std::move(started), name));
        });
    });
}

}   // namespace millrace::net
