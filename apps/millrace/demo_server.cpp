#include "apps/millrace/demo_server.hpp"

#include "base/date_time.hpp"
#include "control/json.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <fstream>
#include <stdexcept>

namespace millrace::apps {

namespace {

constexpr std::uint16_t first_port = 8081;
constexpr std::uint16_t port_tries = 100;
/// Another demo may have taken the port between our look and our start.
constexpr int starts_max = 5;
constexpr int start_max_ms = 20'000;
constexpr timeval answer_max{.tv_sec = 2, .tv_usec = 0};
constexpr std::size_t answer_size_max = 1 << 20;
constexpr std::size_t line_max = 4096;
/// How often it is looked at: whether it runs, and what it says.
constexpr int look_every_ms = 250;
/// Of the recordings that it is asked for.
constexpr std::int64_t back_us = 600'000'000;

struct Place {
    sockaddr_storage address{};
    socklen_t size = 0;
    const sockaddr* plain() const { return reinterpret_cast<const sockaddr*>(&address); }
};

/// A numeric address as the kernel wants it; one of all interfaces becomes that of this machine.
Place place_of(const Endpoint& endpoint) {
    addrinfo hints{};
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    Place place;
    if (getaddrinfo(endpoint.address.c_str(), fmt::format("{}", endpoint.port).c_str(), &hints, &found) ==
        0) {
        std::copy_n(reinterpret_cast<const char*>(found->ai_addr), found->ai_addrlen,
                    reinterpret_cast<char*>(&place.address));
        place.size = found->ai_addrlen;
        freeaddrinfo(found);
    }
    return place;
}

Endpoint called(Endpoint endpoint) {
    if (endpoint.address == "0.0.0.0") {
        endpoint.address = "127.0.0.1";
    } else if (endpoint.address == "::") {
        endpoint.address = "::1";
    }
    return endpoint;
}

/// The first from `from` on that nobody has; 0: none.
std::uint16_t free_port(const std::string& address, std::uint16_t from) {
    for (std::uint16_t port = from; port < first_port + port_tries; ++port) {
        const Place place = place_of({address, port});
        const net::Descriptor probe{socket(place.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0)};
        const int yes = 1;
        setsockopt(probe.number(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        if (probe && bind(probe.number(), place.plain(), place.size) == 0 && listen(probe.number(), 1) == 0) {
            return port;
        }
    }
    return 0;
}

std::string program() {
    std::array<char, 4096> path{};
    const ssize_t size = readlink("/proc/self/exe", path.data(), path.size());
    return {path.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
}

/// What one process starts another with: nothing of ours, `output` as its stdout, its log in a file.
class Spawning {
public:
    Spawning(int output, const std::string& log) {
        posix_spawn_file_actions_init(&files_);
        posix_spawn_file_actions_addopen(&files_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_adddup2(&files_, output, STDOUT_FILENO);
        posix_spawn_file_actions_addopen(&files_, STDERR_FILENO, log.c_str(), O_WRONLY | O_CREAT | O_APPEND,
                                         S_IRUSR | S_IWUSR);
        posix_spawn_file_actions_addclosefrom_np(&files_, STDERR_FILENO + 1);
        posix_spawnattr_init(&how_);
        // A group of its own: a key of the terminal is for the demo, which then ends its server.
        posix_spawnattr_setflags(&how_,
                                 POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        sigset_t none;
        sigemptyset(&none);
        posix_spawnattr_setsigmask(&how_, &none);
        sigset_t all;
        sigfillset(&all);
        posix_spawnattr_setsigdefault(&how_, &all);
    }
    Spawning(const Spawning&) = delete;
    Spawning& operator=(const Spawning&) = delete;
    ~Spawning() {
        posix_spawn_file_actions_destroy(&files_);
        posix_spawnattr_destroy(&how_);
    }
    /// 0: it could not be started.
    pid_t start(std::vector<std::string> words) {
        std::vector<char*> pointers;
        std::ranges::transform(words, std::back_inserter(pointers), [](auto& word) { return word.data(); });
        pointers.push_back(nullptr);
        pid_t process = 0;
        return posix_spawn(&process, program().c_str(), &files_, &how_, pointers.data(), environ) == 0
                   ? process
                   : 0;
    }

private:
    posix_spawn_file_actions_t files_{};
    posix_spawnattr_t how_{};
};

std::string log_of(const DemoServer::Wish& wish) {
    return wish.folder + ".log";
}

std::string text_of(const std::string& path) {
    std::ifstream file{path};
    return {std::istreambuf_iterator<char>{file}, {}};
}

std::string text_at(const control::YamlNode& map, std::string_view key) {
    const control::YamlNode* const found = control::find(map, key);
    return found == nullptr ? std::string{} : found->text;
}

}   // namespace

DemoServer::DemoServer(Wish wish) : wish_{std::move(wish)}, http_{wish_.address, 0} {
    std::atomic<bool> begun = false;
    thread_ = std::jthread{[this, &begun](const std::stop_token& stop) { run(stop, begun); }};
    begun.wait(false);
    if (http_.port == 0) {
        throw std::runtime_error{
            fmt::format("no port from {} on is free on {} for the demo's server; choose "
                        "another address with --listen",
                        first_port, wish_.address)};
    }
    if (fingerprint_.empty()) {
        throw std::runtime_error{fmt::format("the demo's server did not start:\n{}", text_of(log_of(wish_)))};
    }
}

DemoServer::~DemoServer() = default;

void DemoServer::run(const std::stop_token& stop, std::atomic<bool>& begun) {
    const bool started = begin();
    begun = true;
    begun.notify_one();
    while (started && !stop.stop_requested()) {
        if (process_ != 0 && (!wanted_ || has_ended())) {
            kill();
        } else if (process_ == 0 && wanted_ && !start()) {
            kill();
        }
        look();
        poll(nullptr, 0, look_every_ms);
    }
    kill();
}

bool DemoServer::begin() {
    std::uint16_t from = first_port;
    for (int count = 0; count < starts_max; ++count) {
        http_.port = free_port(wish_.address, from);
        if (http_.port == 0 || start()) {
            return http_.port != 0;
        }
        kill();
        from = http_.port + 1;
    }
    return false;
}

bool DemoServer::start() {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) {
        return false;
    }
    output_ = net::Descriptor{ends[0]};
    const net::Descriptor theirs{ends[1]};
    std::vector<std::string> words{program(), "serve", "--end-with-parent", fmt::format("{}", getpid())};
    const auto set = [&words](std::string_view key, std::string_view value) {
        words.emplace_back("--set");
        words.push_back(fmt::format("{}={}", key, value));
    };
    for (const std::string& option : wish_.options) {
        words.push_back(option);
    }
    set("http.listen", http_.text());
    set("kcp.listen", fmt::format("127.0.0.1:{}", link_port_));
    set("rtsp.udp", "off");
    set("rtmp.listen", "off");
    set("rtsp.listen", "off");
    set("storage.path", wish_.folder);
    set("streams", fmt::format("{{ {}: {{ record: true }} }}", wish_.stream));
    process_ = Spawning{theirs.number(), log_of(wish_)}.start(std::move(words));
    return process_ != 0 && read_listeners(output_);
}

void DemoServer::kill() {
    if (process_ != 0) {
        ::kill(process_, SIGKILL);
        waitpid(process_, nullptr, 0);
        process_ = 0;
    }
    output_ = net::Descriptor{};
}

bool DemoServer::has_ended() {
    siginfo_t seen{};
    return waitid(P_PID, static_cast<id_t>(process_), &seen, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           seen.si_pid != 0;
}

bool DemoServer::read_listeners(const net::Descriptor& from) {
    std::string line;
    while (line.empty() || line.back() != '\n') {
        pollfd end{from.number(), POLLIN, 0};
        char next = 0;
        if (line.size() == line_max || poll(&end, 1, start_max_ms) <= 0 ||
            read(from.number(), &next, 1) != 1) {
            return false;
        }
        line += next;
    }
    const Result<control::YamlNode> said = control::parse_json(line);
    const control::YamlNode* const listeners = said ? control::find(*said, "listeners") : nullptr;
    if (listeners == nullptr) {
        return false;
    }
    const std::string links = text_at(*listeners, "kcp");
    const std::size_t port = links.rfind(':') + 1;
    std::from_chars(links.data() + port, links.data() + links.size(), link_port_);
    fingerprint_ = text_at(*said, "kcp_fingerprint");
    return link_port_ != 0;
}

std::string DemoServer::ask(const std::string& path) const {
    const Place place = place_of(called(http_));
    const net::Descriptor connection{socket(place.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    setsockopt(connection.number(), SOL_SOCKET, SO_RCVTIMEO, &answer_max, sizeof answer_max);
    setsockopt(connection.number(), SOL_SOCKET, SO_SNDTIMEO, &answer_max, sizeof answer_max);
    const std::string proof =
        wish_.token.empty() ? "" : fmt::format("Authorization: Bearer {}\r\n", wish_.token);
    // HTTP/1.0: the answer ends with the connection and comes in one piece.
    const std::string request =
        fmt::format("GET {} HTTP/1.0\r\nHost: {}\r\n{}\r\n", path, called(http_).text(), proof);
    if (connect(connection.number(), place.plain(), place.size) != 0 ||
        send(connection.number(), request.data(), request.size(), MSG_NOSIGNAL) !=
            static_cast<ssize_t>(request.size())) {
        return "null";
    }
    std::string answer;
    std::array<char, 16'384> piece;
    for (ssize_t got = 1; got > 0 && answer.size() < answer_size_max;) {
        got = recv(connection.number(), piece.data(), piece.size(), 0);
        answer.append(piece.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
    }
    const std::size_t head = answer.find("\r\n\r\n");
    const bool good = head != answer.npos && answer.find(" 200 ") < answer.find("\r\n");
    // What it says goes into our own answer: it is JSON, or it is not there.
    return good && control::parse_json(std::string_view{answer}.substr(head + 4)) ? answer.substr(head + 4)
                                                                                  : "null";
}

void DemoServer::look() {
    Said said{.runs = process_ != 0};
    if (said.runs) {
        timespec now{};
        clock_gettime(CLOCK_REALTIME, &now);
        const WallTime from{static_cast<std::int64_t>(now.tv_sec) * 1'000'000 - back_us};
        said.stream = ask("/api/v1/streams/" + wish_.stream);
        said.recordings =
            ask(fmt::format("/api/v1/recordings/{}?from={}", wish_.stream, date_time_text(from)));
    }
    said_ = std::make_shared<const Said>(std::move(said));
}

}   // namespace millrace::apps
