#include "net/child.hpp"

#include "net/descriptor.hpp"
#include "net/loopback_for_tests.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <iomanip>
#include <sstream>

namespace millrace::net {
namespace {

/// A program made of a shell script, removed at the end.
class Script {
public:
    explicit Script(std::string_view body) {
        path_ = ::testing::TempDir() + "/millrace-child-" + std::to_string(::getpid());
        std::ofstream{path_} << "#!/bin/sh\n" << body << "\n";
        ::chmod(path_.c_str(), 0700);
    }
    Script(const Script&) = delete;
    Script& operator=(const Script&) = delete;
    ~Script() { ::unlink(path_.c_str()); }
    const std::string& path() const { return path_; }

private:
    std::string path_;
};

/// What one conversation with a child saw.
struct Seen {
    std::string text;
    std::optional<Error> error;
};

/// What is said to a child, and what it is given.
struct Words {
    std::string_view say;
    SpawnWish wish{};
};

Task<> talk(Worker& worker, Spawner& spawner, Words words, Seen& seen) {
    Answer<std::unique_ptr<Child>> answer{worker};
    spawner.spawn(worker, words.wish, answer.reply());
    const auto child = co_await answer.within(worker.now() + testing::patience);
    if (!child) {
        seen.error = child.error();
        co_return;
    }
    Connection& link = (*child)->link();
    [[maybe_unused]] const Result<> written = co_await testing::write_all(link, worker, as_bytes(words.say));
    std::array<std::byte, 1024> buffer;
    while (seen.text.find('\n') == std::string::npos) {
        const Result<> ready = co_await readable(link, worker, worker.now() + testing::patience);
        const Result<std::size_t> read = ready ? link.try_read(buffer) : std::unexpected(ready.error());
        if (!read && read.error().code != Errc::would_block) {
            seen.error = read.error();
            co_return;
        }
        seen.text += as_text(std::span{buffer}.first(read.value_or(0)));
    }
}

Task<> talk_and_stop(Worker& worker, Spawner& spawner, Words words, Seen& seen) {
    co_await talk(worker, spawner, words, seen);
    ::kill(::getpid(), SIGTERM);
}

/// Runs the conversation on a worker, with this thread as the main one.
Seen meet(const std::string& program, Words words = {}) {
    Seen seen;
    WorkerPool pool{1};
    MainLoop main;
    ChildSpawner spawner{main, program};
    pool.start();
    Worker& worker = *pool.workers()[0];
    worker.post([&] { worker.tasks().spawn(talk_and_stop(worker, spawner, words, seen)); });
    main.run();
    pool.stop();
    return seen;
}

}   // namespace

TEST(Child, speaks_over_its_link_and_holds_nothing_else_of_ours) {
    constexpr int leaky = 57;
    ASSERT_EQ(::dup2(STDERR_FILENO, leaky), leaky);   // open, and not close-on-exec
    const Script script{"read line <&3; set -- $1 /proc/$$/fd/*; echo \"$line $*\" >&3; sleep 60"};
    const Seen seen = meet(script.path(), {"hello\n"});
    ::close(leaky);
    EXPECT_TRUE(seen.text.starts_with("hello --parent /proc/")) << seen.text;
    EXPECT_NE(seen.text.find("/fd/3"), std::string::npos) << seen.text;
    EXPECT_EQ(seen.text.find("/fd/57"), std::string::npos) << seen.text;
}

TEST(Child, is_given_memory_and_our_stdin_only_where_that_is_wished) {
    const Descriptor memory{::memfd_create("gift", MFD_CLOEXEC)};
    ASSERT_TRUE(memory);
    constexpr std::string_view within = "in memory";
    ASSERT_EQ(::write(memory.number(), within.data(), within.size()), 9);
    std::array<int, 2> pipe{-1, -1};
    ASSERT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
    ASSERT_EQ(::write(pipe[1], "typed\n", 6), 6);
    ::close(pipe[1]);
    const Descriptor ours{::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 10)};
    ::dup2(pipe[0], STDIN_FILENO);
    ::close(pipe[0]);
    const Script script{"read line; echo \"$line, $(cat /proc/self/fd/4)\" >&3; sleep 60"};
    const Seen without = meet(script.path());
    const Seen with = meet(script.path(), {.say = "", .wish = {.stdin = true, .memory = memory.number()}});
    ours ? ::dup2(ours.number(), STDIN_FILENO) : ::close(STDIN_FILENO);
    EXPECT_EQ(with.text, "typed, in memory\n");
    EXPECT_EQ(without.text, ", \n");
}

TEST(Child, row_4_21_what_it_says_stands_in_our_log_line_by_line) {
    const Script script{
        "echo first >&2; printf 'second\\n' >&2; echo out; echo >&3; printf half >&2; exec sleep 60"};
    ::testing::internal::CaptureStderr();
    meet(script.path());
    const std::string said = ::testing::internal::GetCapturedStderr();
    EXPECT_NE(said.find(": first\n"), std::string::npos) << said;
    EXPECT_NE(said.find(": second\n"), std::string::npos) << said;
    EXPECT_NE(said.find(": out\n"), std::string::npos) << said;
}

TEST(Child, row_4_21_its_lines_reach_our_log_within_100_ms) {
    const Script script{"for i in 1 2 3 4 5; do echo \"at $(date +%s%3N).\" >&2; sleep 0.05; done; echo >&3"};
    ::testing::internal::CaptureStderr();
    meet(script.path());
    std::istringstream said{::testing::internal::GetCapturedStderr()};
    std::int64_t soonest = INT64_MAX;   // a busy machine may hold some of them up
    for (std::string line; std::getline(said, line);) {
        std::tm moment{};
        int milliseconds = 0;
        std::istringstream{line} >> std::get_time(&moment, "%Y-%m-%dT%H:%M:%S");
        const std::size_t written = line.find(": at ");
        if (written == std::string::npos || std::sscanf(line.c_str() + 20, "%d", &milliseconds) != 1) {
            continue;
        }
        const std::int64_t logged = std::int64_t{timegm(&moment)} * 1000 + milliseconds;
        soonest = std::min<std::int64_t>(soonest, logged - std::stoll(line.substr(written + 5)));
    }
    EXPECT_LE(soonest, 100);
}

/// Whether a process group is empty; what was killed counts until the kernel's first process has taken it.
bool empties(int group) {
    for (int patience = 300; patience > 0; --patience) {
        if (::kill(-group, 0) == -1) {
            return true;
        }
        ::poll(nullptr, 0, 10);
    }
    return false;
}

TEST(Child, row_4_22_nothing_of_it_outlives_its_owner) {
    const Script script{"echo $$ >&3; trap '' TERM; sleep 60 & wait; sleep 60"};
    const Seen seen = meet(script.path());
    const int process = std::stoi(seen.text);
    EXPECT_TRUE(empties(process));
}

TEST(Child, its_end_is_the_links_end) {
    const Script script{"exit 7"};
    ::testing::internal::CaptureStderr();
    const Seen seen = meet(script.path());
    const std::string said = ::testing::internal::GetCapturedStderr();
    ASSERT_TRUE(seen.error);
    EXPECT_EQ(seen.error->code, Errc::closed);
    EXPECT_NE(said.find("code 7"), std::string::npos) << said;
}

TEST(Child, a_program_that_is_missing_is_said_so) {
    ::testing::internal::CaptureStderr();
    const Seen seen = meet("/nonexistent/millrace-media");
    const std::string said = ::testing::internal::GetCapturedStderr();
    ASSERT_TRUE(seen.error);
    EXPECT_EQ(seen.error->code, Errc::not_found);
    EXPECT_NE(said.find("/nonexistent/millrace-media"), std::string::npos);
}

TEST(Child, is_looked_for_beside_our_own_program) {
    const std::string program = program_beside_us("millrace-media");
    EXPECT_TRUE(program.starts_with('/'));
    EXPECT_TRUE(program.ends_with("/millrace-media"));
}

}   // namespace millrace::net
