#include "net/parting.hpp"

#include "base/waiting.hpp"
#include "net/tcp_connection.hpp"

#include <sys/socket.h>

#include <cerrno>

namespace millrace::net {

namespace {

constexpr std::size_t discard_at_once = 1U << 20U;
constexpr int discards_per_turn = 4;

enum class Incoming : std::uint8_t { more, ended };

/// Throws away what has come, without copying it (tcp(7): MSG_TRUNC).
Incoming discard(int socket) {
    for (int i = 0; i < discards_per_turn; ++i) {
        const ssize_t count = ::recv(socket, nullptr, discard_at_once, MSG_TRUNC | MSG_DONTWAIT);
        if (count < 0) {
            return errno == EAGAIN || errno == EINTR ? Incoming::more : Incoming::ended;
        }
        if (count == 0) {
            return Incoming::ended;
        }
    }
    return Incoming::more;
}

class Place {
public:
    explicit Place(Worker& worker) : worker_{worker} { ++worker_.partings(); }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() { --worker_.partings(); }

private:
    Worker& worker_;
};

Task<> leave(std::unique_ptr<TcpConnection> connection, std::move_only_function<bool()> finish) {
    Worker& worker = connection->worker();
    const Place place{worker};
    const Instant end = worker.now() + parting_time_max;
    while (finish && !finish()) {
        const Result<> ready = co_await writable(*connection, worker, end);
        if (!ready) {
            connection->drop();
            co_return;
        }
    }
    ::shutdown(connection->socket(), SHUT_WR);
    while (discard(connection->socket()) == Incoming::more) {
        const Result<> ready = co_await readable(*connection, worker, end);
        if (!ready) {
            break;
        }
    }
    connection->drop();
}

}   // namespace

void part(Worker& worker, Descriptor socket, std::move_only_function<bool()> finish) {
    if (!socket) {
        return;
    }
    const bool finished = !finish || finish();
    if (finished) {
        ::shutdown(socket.number(), SHUT_WR);
        if (discard(socket.number()) == Incoming::ended) {
            return;
        }
    }
    if (worker.stopping() || worker.partings() >= partings_max || !worker.is_current()) {
        return;
    }
    auto connection = std::make_unique<TcpConnection>(worker, std::move(socket));
    worker.tasks().spawn(leave(std::move(connection), finished ? nullptr : std::move(finish)));
}

}   // namespace millrace::net
