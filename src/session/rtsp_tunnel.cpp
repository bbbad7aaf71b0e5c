#include "session/rtsp_tunnel.hpp"

#include "base/base64.hpp"
#include "base/waiting.hpp"
#include "base/web.hpp"
#include "protocol/rtsp/server.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace millrace::session {

namespace {

constexpr std::size_t group_size = 4;
/// POSTs of one tunnel that bring something at once.
constexpr std::size_t posts_max = 4;
/// So often a POST that says nothing asks whether its GET is still there.
constexpr Duration look_every = 5s;

std::string_view trimmed(std::string_view text) {
    const std::size_t from = text.find_first_not_of(" \t\r");
    return from == std::string_view::npos ? std::string_view{}
                                          : text.substr(from, text.find_last_not_of(" \t\r") - from + 1);
}

Result<TunnelHead> with_cookie(TunnelHead head) {
    if (head.cookie.empty() || head.cookie.size() > RtspTunnels::cookie_size_max) {
        return fail(Errc::malformed, "this port speaks RTSP; over HTTP it needs an x-sessioncookie");
    }
    return head;
}

/// A GET and what its POST brings, as one connection.
class TunnelConnection final : public Connection, TunnelEnd, Waitable::Waiter, Timer {
public:
    TunnelConnection(Desk& desk, std::unique_ptr<Connection> get)
        : desk_{desk}, get_{std::move(get)}, id_{desk.tunnel_ends.add(*this)} {
        get_->wait_readable(this);
    }
    ~TunnelConnection() override {
        desk_.tunnel_ends.remove(id_);
        get_->wait_readable(nullptr);
        if (!cookie_.empty()) {
            desk_.tunnels->close(std::move(cookie_));
        }
    }

    TunnelRef ref() const { return {&desk_.executor, &desk_.tunnel_ends, id_}; }
    /// It is open under this cookie, which it gives back at its end.
    void opened(std::string cookie) { cookie_ = std::move(cookie); }

    Result<std::size_t> try_read(std::span<std::byte> into) override;
    Result<std::size_t> try_write(std::span<const ByteSpan> slices) override {
        return get_->try_write(slices);
    }
    void wait_readable(Waitable::Waiter* waiter) override {
        waiter_ = waiter;
        wake();
    }
    void wait_writable(Waitable::Waiter* waiter) override { get_->wait_writable(waiter); }
    void close() override {
        closed_ = true;
        get_->close();
        wake();
    }
    const Endpoint& peer() const override { return get_->peer(); }
    const Endpoint& local() const override { return get_->local(); }
    bool encrypted() const override { return get_->encrypted(); }
    void let_in() override {
        get_->let_in();
        let_in_ = true;
    }

private:
    void hear(std::vector<std::byte> bytes, Reply<bool> reply) override;
    /// The GET: its player has gone, or says more, which ends it too.
    void on_ready(Result<> ready) override;
    void on_time() override;
    void wake();
    void answer_heard();

    Desk& desk_;
    std::unique_ptr<Connection> get_;
    std::uint64_t id_;
    std::string cookie_;
    std::vector<std::byte> bytes_;
    std::vector<Reply<bool>> replies_;   // for those, once they were read
    Waitable::Waiter* waiter_ = nullptr;
    bool let_in_ = false;
    bool ended_ = false;
    bool closed_ = false;
};

/// Tells who waits, soon, where there is something to tell.
void TunnelConnection::wake() {
    const bool ready = waiter_ != nullptr && (closed_ || ended_ || !bytes_.empty());
    desk_.executor.timers().arm(*this, ready ? desk_.executor.now() : Instant::never());
}

/// It may be the end of this object.
void TunnelConnection::on_time() {
    if (auto* const waiter = std::exchange(waiter_, nullptr)) {
        waiter->on_ready(closed_ ? Result<>{fail(Errc::cancelled, "connection closed by us")} : Result<>{});
    }
}

Result<std::size_t> TunnelConnection::try_read(std::span<std::byte> into) {
    if (closed_) {
        return fail(Errc::cancelled, "connection closed by us");
    }
    if (bytes_.empty()) {
        return ended_ ? fail(Errc::closed, "the peer closed the connection")
                      : fail(Errc::would_block, "the player says nothing");
    }
    const std::size_t count = std::min(into.size(), bytes_.size());
    std::copy_n(bytes_.begin(), count, into.begin());
    bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(count));
    answer_heard();
    return count;
}

void TunnelConnection::hear(std::vector<std::byte> bytes, Reply<bool> reply) {
    if (replies_.size() >= posts_max) {
        return;   // the reply is dropped, and that POST ends
    }
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    replies_.push_back(std::move(reply));
    answer_heard();
    wake();
}

void TunnelConnection::answer_heard() {
    if (bytes_.empty()) {
        for (Reply<bool>& reply : std::exchange(replies_, {})) {
            reply.give(let_in_);
        }
    }
}

void TunnelConnection::on_ready(Result<> ready) {
    std::array<std::byte, 64> buffer;
    const Result<std::size_t> count = ready ? get_->try_read(buffer) : std::unexpected(ready.error());
    if (!count && count.error().code == Errc::would_block) {
        get_->wait_readable(this);
        return;
    }
    ended_ = true;
    wake();
}

}   // namespace

Result<TunnelHead> read_tunnel_head(std::string_view head) {
    TunnelHead read;
    const std::string_view line = head.substr(0, head.find('\n'));
    read.post = line.starts_with("POST ");
    if ((!read.post && !line.starts_with("GET ")) || line.find(" HTTP/1.") == std::string_view::npos) {
        return fail(Errc::malformed, "no RTSP, and no tunnel of it");
    }
    while (!head.empty()) {
        const std::size_t end = std::min(head.find('\n'), head.size());
        const std::string_view field = head.substr(0, end);
        head.remove_prefix(std::min(end + 1, head.size()));
        const std::size_t colon = field.find(':');
        if (colon != std::string_view::npos && web::same_name(field.substr(0, colon), web::tunnel_header)) {
            read.cookie = trimmed(field.substr(colon + 1));
        }
    }
    return with_cookie(std::move(read));
}

Result<TunnelHead> tunnel_head_of(const web::Request& request) {
    if (request.method != "GET" && request.method != "POST") {
        return fail(Errc::malformed, "a tunnel of RTSP is made of a GET and a POST");
    }
    return with_cookie({.post = request.method == "POST",
                        .cookie = std::string{trimmed(request.header(web::tunnel_header).value_or(""))}});
}

bool Base64Stream::decode(ByteSpan text, std::vector<std::byte>& out) {
    for (const char c : as_text(text)) {
        if (c == '\r' || c == '\n' || c == ' ' || c == '\t') {
            continue;
        }
        group_ += c;
        if (group_.size() == group_size) {
            const auto bytes = decode_base64_loosely(group_);
            if (!bytes) {
                return false;
            }
            out.insert(out.end(), bytes->begin(), bytes->end());
            group_.clear();
        }
    }
    return true;
}

namespace {

constexpr std::string_view head_end = "\r\n\r\n";
constexpr std::string_view welcome =
    "HTTP/1.0 200 OK\r\nServer: Millrace\r\nConnection: close\r\nCache-Control: no-store\r\n"
    "Pragma: no-cache\r\nContent-Type: application/x-rtsp-tunnelled\r\n\r\n";
constexpr std::string_view refused =
    "HTTP/1.0 400 Bad Request\r\nServer: Millrace\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

/// Whether it begins as HTTP does; nothing while that cannot be told.
std::optional<bool> is_http(std::string_view text) {
    for (const std::string_view method : {"GET ", "POST "}) {
        if (text.starts_with(method)) {
            return true;
        }
        if (method.starts_with(text)) {
            return std::nullopt;
        }
    }
    return false;
}

void say(Connection& connection, std::string_view text) {
    const ByteSpan bytes = as_bytes(text);
    [[maybe_unused]] const Result<std::size_t> written = connection.try_write(std::span{&bytes, 1});
}

}   // namespace

Task<Result<RtspOpening>> read_opening(Desk& desk, Connection& connection) {
    const Instant deadline = desk.executor.now() + rtsp::opening_time_max;
    RtspOpening opening;
    for (;;) {
        const std::string_view text = as_text(opening.bytes);
        const std::optional<bool> http = is_http(text);
        if (http) {
            opening.http = *http;
            if (!*http || text.find(head_end) != std::string_view::npos) {
                co_return opening;
            }
        }
        if (opening.bytes.size() > TunnelHead::size_max) {
            say(connection, refused);
            co_return fail(Errc::malformed, "the head of an HTTP request is too large");
        }
        const Result<> ready = co_await readable(connection, desk.executor, deadline);
        if (!ready) {
            co_return ready.error().code == Errc::timed_out ? fail(Errc::timed_out, "no request came")
                                                            : std::unexpected(ready.error());
        }
        const Result<std::size_t> count = connection.try_read(desk.read_buffer);
        if (count) {
            const auto end = desk.read_buffer.begin() + static_cast<std::ptrdiff_t>(*count);
            opening.bytes.insert(opening.bytes.end(), desk.read_buffer.begin(), end);
        } else if (count.error().code != Errc::would_block) {
            co_return std::unexpected(count.error());
        }
    }
}

namespace {

/// A POST, from behind its head until it or its GET ends.
Task<> carry_up(Desk& desk, Connection& post, TunnelRef get, std::vector<std::byte> text) {
    Base64Stream base64;
    for (;;) {
        std::vector<std::byte> bytes;
        if (!base64.decode(text, bytes)) {
            co_return;
        }
        Answer<bool> heard{desk.executor};
        get.hear(std::move(bytes), heard.reply());
        const Result<bool> answered = co_await heard.within(Instant::never());
        if (!answered) {
            co_return;
        }
        if (*answered) {
            post.let_in();
        }
        text.clear();
        const Result<> ready = co_await readable(post, desk.executor, desk.executor.now() + look_every);
        const Result<std::size_t> count =
            ready ? post.try_read(desk.read_buffer) : Result<std::size_t>{std::unexpected(ready.error())};
        if (count) {
            const auto end = desk.read_buffer.begin() + static_cast<std::ptrdiff_t>(*count);
            text.assign(desk.read_buffer.begin(), end);
        } else if (count.error().code != Errc::would_block && count.error().code != Errc::timed_out) {
            co_return;
        }
    }
}

Task<Result<>> begin_get(Desk& desk, std::unique_ptr<Connection>& connection, std::string cookie) {
    auto tunnel = std::make_unique<TunnelConnection>(desk, std::move(connection));
    Answer<TunnelRef> opened{desk.executor};
    desk.tunnels->open(cookie, tunnel->peer().address, tunnel->ref(), opened.reply());
    const Result<TunnelRef> answer = co_await opened.within(Instant::never());
    if (answer) {
        tunnel->opened(std::move(cookie));
    }
    say(*tunnel, answer ? welcome : refused);
    connection = std::move(tunnel);
    co_return answer ? Result<>{} : std::unexpected(answer.error());
}

Task<Result<>> begin_post(Desk& desk, std::unique_ptr<Connection>& connection, std::string cookie,
                          std::vector<std::byte> text) {
    Answer<TunnelRef> found{desk.executor};
    desk.tunnels->find(std::move(cookie), connection->peer().address, found.reply());
    const Result<TunnelRef> get = co_await found.within(Instant::never());
    if (!get) {
        say(*connection, refused);
        co_return std::unexpected(get.error());
    }
    co_await carry_up(desk, *connection, *get, std::move(text));
    connection.reset();
    co_return Result<>{};
}

}   // namespace

Task<Result<>> join_tunnel(Desk& desk, std::unique_ptr<Connection>& connection, RtspOpening opening) {
    const std::size_t end = as_text(opening.bytes).find(head_end) + head_end.size();
    Result<TunnelHead> head = read_tunnel_head(as_text(opening.bytes).substr(0, end));
    opening.bytes.erase(opening.bytes.begin(), opening.bytes.begin() + static_cast<std::ptrdiff_t>(end));
    co_return co_await join_tunnel(desk, connection, std::move(head), std::move(opening.bytes));
}

Task<Result<>> join_tunnel(Desk& desk, std::unique_ptr<Connection>& connection, Result<TunnelHead> head,
                           std::vector<std::byte> behind) {
    if (head && desk.tunnels == nullptr) {
        head = fail(Errc::unsupported, "RTSP over HTTP is not spoken here");
    }
    if (head && !head->post && !behind.empty()) {
        head = fail(Errc::malformed, "a GET of a tunnel that says more");
    }
    if (!head) {
        say(*connection, refused);
        co_return std::unexpected(head.error());
    }
    if (head->post) {
        co_return co_await begin_post(desk, connection, std::move(head->cookie), std::move(behind));
    }
    co_return co_await begin_get(desk, connection, std::move(head->cookie));
}

}   // namespace millrace::session
