#include "apps/millrace/secret_input.hpp"
#include "apps/millrace/verbs.hpp"
#include "apps/node/process.hpp"
#include "base/hex.hpp"
#include "control/json.hpp"
#include "net/connector.hpp"
#include "net/drive.hpp"
#include "net/main_loop.hpp"
#include "net/system_random.hpp"
#include "net/worker_pool.hpp"
#include "protocol/http/client_machine.hpp"
#include "session/link_enrol.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

namespace millrace::apps {

namespace {

constexpr Duration patience = 15s;
constexpr std::size_t key_size = 32;

/// What answers came to, or why none did.
struct Told {
    int status = 0;
    std::string text;
};

template <class T>
Task<> tell(Task<T> conversation, T& into, net::MainLoop& main) {
    into = co_await conversation;
    main.leave();
}

/// Runs one conversation on a worker of its own, until it gives what it found; the value as it is where a
/// signal ends it before.
template <class T, class Begin>
T carry_out(T value, Begin begin) {
    net::MainLoop main;
    net::WorkerPool pool{1};
    net::Connector connector;
    // Somebody typed the address: it may be anywhere.
    connector.use({.outgoing = OutgoingRules{{*IpPrefix::parse("0.0.0.0/0"), *IpPrefix::parse("::/0")}}});
    Executor& worker = *pool.executors().front();
    pool.start();
    worker.post([&] { worker.tasks().spawn(tell(begin(worker, connector), value, main)); });
    main.run();
    pool.stop();
    return value;
}

Task<Told> post(Executor& executor, Connector& connector, http::ClientRequest request) {
    Answer<std::unique_ptr<Connection>> answer{executor};
    const Instant deadline = executor.now() + patience;
    connector.connect(executor, {request.url.endpoint(), request.url.scheme == "https", deadline},
                      answer.reply());
    Result<std::unique_ptr<Connection>> connection = co_await answer.within(deadline);
    if (!connection) {
        co_return Told{.text = std::string{connection.error().what}};
    }
    http::ClientMachine machine{{.body_size_max = 1U << 20U}};
    Result<> going = machine.ask(request, executor.now());
    std::vector<std::byte> buffer(16U << 10U);
    Told told;
    while (going) {
        while (auto event = machine.next_event()) {
            if (const auto* const head = std::get_if<http::ResponseHead>(&*event)) {
                told.status = head->status;
            } else if (const auto* const part = std::get_if<http::BodyPart>(&*event)) {
                told.text += as_text(part->bytes);
            } else {
                co_return told;
            }
        }
        auto turn = net::drive(**connection, machine, executor, buffer);
        going = co_await turn;
    }
    co_return Told{.text = std::string{going.error().what}};
}

/// At the server: asks the node for a token.
int print_token(const EnrollOptions& options) {
    Result<Url> url = parse_url(options.node);
    if (!url || (url->scheme != "http" && url->scheme != "https")) {
        fmt::print(stderr,
                   "millrace: --node: wanted is http://HOST:PORT of the node, with USER@ of an "
                   "administrator where it asks for one\n");
        return wrong_usage;
    }
    if (url->has_user && !url->user.empty() && url->password.empty()) {
        url->password = secret_input(fmt::format("Password of {}: ", url->user));
    }
    url->target = "/api/v1/enrolments";
    control::YamlNode body = control::map_node();
    put(body, "stream", control::text_node(options.what));
    put(body, "hours", control::plain_node(std::to_string(options.hours)));
    for (const auto& [key, value] : {std::pair{"name", options.name}, std::pair{"server", options.server}}) {
        if (!value.empty()) {
            put(body, key, control::text_node(value));
        }
    }
    http::ClientRequest request{.method = "POST",
                                .url = *url,
                                .headers = {{"Content-Type", "application/json"}},
                                .body = control::json_text(body)};
    const Told told = carry_out(Told{.text = "interrupted"}, [&](Executor& executor, Connector& connector) {
        return post(executor, connector, std::move(request));
    });
    const Result<control::YamlNode> answer =
        told.status == 0 ? fail(Errc::closed, "") : control::parse_json(told.text);
    const control::YamlNode* const token = answer ? control::find(*answer, "token") : nullptr;
    if (told.status != 201 || token == nullptr) {
        const control::YamlNode* const why = answer ? control::find(*answer, "detail") : nullptr;
        fmt::print(stderr, "millrace: {}: {}\n", url->authority(),
                   why != nullptr       ? why->text
                   : told.status == 401 ? "it wants an administrator: --node http://USER@HOST:PORT"
                   : told.status == 0   ? told.text
                                        : fmt::format("the node answers {}", told.status));
        return failed;
    }
    fmt::print("{}\n", token->text);
    fmt::print(stderr,
               "Good once, for {} hours. On the box: millrace enroll '{}'\n"
               "Whoever has it first is that box: keep it to yourself.\n",
               options.hours, "…");
    return 0;
}

/// Appends the box's line to a file that nobody else may read.
void keep_key(const std::string& path, std::string_view line) {
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    const bool kept = file >= 0 && ::fchmod(file, 0600) == 0 &&
                      ::write(file, line.data(), line.size()) == static_cast<ssize_t>(line.size()) &&
                      ::fsync(file) == 0;
    if (file >= 0) {
        ::close(file);
    }
    if (!kept) {
        throw std::runtime_error(fmt::format("{}: the key cannot be kept there", path));
    }
}

/// At the box: makes a key, has the server know it, and keeps it.
int use_token(const EnrollOptions& options) {
    const Result<Url> url = parse_url(options.what);
    if (!url || url->user.empty()) {
        fmt::print(stderr, "millrace: this is no token: wanted is kcp://NAME:KEY@HOST:PORT/STREAM\n");
        return wrong_usage;
    }
    net::SystemRandom random;
    session::Enrolling enrolling{.token = options.what, .key = std::vector<std::byte>(key_size)};
    random.fill(enrolling.key);
    const std::string line = fmt::format("{}:{}\n", url->user, hex_text(enrolling.key));
    keep_key(options.keys, line);   // first: the token is good once
    const std::string refused =
        carry_out(std::string{"interrupted"}, [&](Executor& executor, Connector& connector) {
            return session::link_enrol({executor, connector, random}, std::move(enrolling));
        });
    if (!refused.empty()) {
        // The line stays out of use: the server knows no such key.
        const auto size = std::filesystem::file_size(options.keys);
        std::filesystem::resize_file(options.keys, size - line.size());
        fmt::print(stderr, "millrace: {}\n", refused);
        return failed;
    }
    const std::string path = std::filesystem::absolute(options.keys).lexically_normal().string();
    fmt::print(
        "# This box is {} at {} now; its key is in {}. For its configuration:\n"
        "kcp: {{ psk_file: {} }}\n"
        "streams:\n"
        "  {}: {{ source: \"v4l2:/dev/video0\", record: true,\n"
        "    uplink: \"kcp://{}{}?identity={}\" }}\n",
        url->user, url->authority(), path, path, url->target.substr(1), url->authority(), url->target,
        url->user);
    return 0;
}

}   // namespace

int enroll(const EnrollOptions& options) {
    prepare_process();
    return options.what.starts_with("kcp://") ? use_token(options) : print_token(options);
}

}   // namespace millrace::apps
