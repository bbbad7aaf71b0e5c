#include "session/http_fetch.hpp"

#include "base/log.hpp"
#include "net/drive.hpp"
#include "session/relays.hpp"

namespace millrace::session {

namespace {

std::string server_of(const Url& url) {
    return url.scheme + "://" + url.authority();
}

}   // namespace

Task<Result<std::unique_ptr<Connection>>> pull_connect(Desk& desk, Connector& connector, const Url& url,
                                                       const SourceLeash& leash) {
    Answer<std::unique_ptr<Connection>> answer{desk.executor};
    const Instant deadline = desk.executor.now() + pull_connect_deadline;
    const bool tls = url.scheme == "https" || url.scheme == "rtmps" || url.scheme == "wss";
    connector.connect(desk.executor, {url.endpoint(), tls, deadline}, answer.reply());
    Result<std::unique_ptr<Connection>> opened = co_await answer.within(deadline);
    if (opened && leash.is_pulled()) {
        co_return fail(Errc::cancelled, "the source was stopped");
    }
    co_return std::move(opened);
}

std::string unwelcome_answer(const http::ResponseHead& head) {
    return head.status == 401 || head.status == 403
               ? fmt::format("the server wants another user or password ({})", head.status)
               : fmt::format("the server answers {}", head.status);
}

void HttpFetch::work_for(SourcePublisher& publisher) {
    publisher_ = &publisher;
    publisher.came_through(heard_);
    publisher.clocks_apart(clocks_.estimate());
    hold(connection_.get());
}

void HttpFetch::hold(Connection* connection) {
    publisher_ != nullptr ? publisher_->use(connection) : leash_.hold(connection);
}

void HttpFetch::drop() {
    hold(nullptr);
    connection_.reset();
}

Task<Result<>> HttpFetch::open(const Url& url) {
    drop();
    machine_.emplace();
    Result<std::unique_ptr<Connection>> opened = co_await pull_connect(desk_, connector_, url, leash_);
    if (!opened) {
        co_return std::unexpected(opened.error());
    }
    if (is_over()) {
        co_return fail(Errc::cancelled, "the source was stopped");
    }
    connection_ = std::move(*opened);
    opened_ = url;
    co_return Result<>{};
}

/// Moves bytes until the machine has something to tell.
Task<Result<>> HttpFetch::turn() {
    const Result<> driven = co_await net::drive(*connection_, *machine_, desk_.executor, desk_.read_buffer);
    if (!driven && driven.error().code == Errc::closed && !is_over()) {
        co_return machine_->close();
    }
    co_return driven;
}

Task<Result<http::ResponseHead>> HttpFetch::get(Url url, std::vector<web::Header> headers) {
    bool challenged = false;
    for (int redirects = 0;;) {
        Result<http::ResponseHead> head = co_await ask(url, headers);
        if (!head) {
            co_return std::move(head);
        }
        if (head->is_redirect()) {
            Result<Url> next = resolve_url(url, *head->header("Location"));
            if (!next || (next->scheme != "http" && next->scheme != "https") ||
                ++redirects > pull_redirects_max) {
                co_return fail(Errc::refused, "the server sends us elsewhere, where we do not go");
            }
            url = std::move(*next);
            drop();
        } else if (head->status == 401 && !std::exchange(challenged, true) && take_challenge(url, *head)) {
            drop();
        } else {
            url_ = std::move(url);
            heard_ = Hops::parse(head->header(Hops::header).value_or(""));
            const Result<> foreign = refuse_own(desk_, heard_);
            if (!foreign) {
                co_return std::unexpected(foreign.error());
            }
            co_return std::move(head);
        }
    }
}

Task<Result<http::ResponseHead>> HttpFetch::ask(const Url& url, const std::vector<web::Header>& headers) {
    if (connection_ != nullptr && machine_->may_ask() && server_of(url) == server_of(opened_)) {
        while (machine_->next_event()) {
            // What nobody wanted of the last answer.
        }
        auto head = co_await ask_here(url, headers);
        // A server may have closed what it kept just as we asked (RFC 9112 §9.3.1).
        if (head || is_over() || head.error().code == Errc::timed_out) {
            co_return std::move(head);
        }
    }
    const Result<> opened = co_await open(url);
    if (!opened) {
        co_return std::unexpected(opened.error());
    }
    co_return co_await ask_here(url, headers);
}

Task<Result<http::ResponseHead>> HttpFetch::ask_here(const Url& url,
                                                     const std::vector<web::Header>& headers) {
    hold(connection_.get());
    const WallTime asked_at = desk_.executor.clock().utc();
    const Result<> asked = machine_->ask(request(url, headers), desk_.executor.now());
    if (!asked) {
        co_return std::unexpected(asked.error());
    }
    for (;;) {
        if (auto event = machine_->next_event()) {
            http::ResponseHead& head = std::get<http::ResponseHead>(*event);
            if (const auto theirs = read_clock_header(head.header(clock_header).value_or(""))) {
                clocks_.add({asked_at, *theirs, *theirs, desk_.executor.clock().utc()});
            }
            co_return std::move(head);
        }
        const Result<> turned = co_await turn();
        if (!turned) {
            co_return std::unexpected(turned.error());
        }
    }
}

/// Whether a refusal asks for what we can answer but have not said.
bool HttpFetch::take_challenge(const Url& url, const http::ResponseHead& head) {
    challenger_ = server_of(url);
    // The user went by Basic already.
    return access_.take(head.headers) && access_.is_digest() && url.has_user;
}

http::ClientRequest HttpFetch::request(const Url& url, const std::vector<web::Header>& headers) {
    http::ClientRequest request{.url = url, .headers = headers};
    if (!said_.empty()) {
        request.headers.push_back({std::string{Hops::header}, said_.text()});
    }
    if (access_.is_digest() && url.has_user && server_of(url) == challenger_) {
        request.headers.push_back({"Authorization", access_.next({url.user, url.password}, request.method,
                                                                 url.target, desk_.random)});
        request.url.has_user = false;   // no Basic beside it
    }
    return request;
}

Task<Result<BodyPieces>> HttpFetch::next() {
    BodyPieces pieces;
    for (;;) {
        while (auto event = machine_->next_event()) {
            if (auto* part = std::get_if<http::BodyPart>(&*event)) {
                pieces.bytes.push_back(std::move(part->bytes));
            } else {
                pieces.ended = true;
            }
        }
        if (pieces.ended || !pieces.bytes.empty()) {
            co_return std::move(pieces);
        }
        const Result<> turned = co_await turn();
        if (!turned) {
            co_return std::unexpected(turned.error());
        }
    }
}

Task<Result<std::vector<std::byte>>> HttpFetch::whole(std::size_t size_max, Instant deadline) {
    std::vector<std::byte> body;
    for (;;) {
        const Result<BodyPieces> pieces = co_await next();
        if (!pieces) {
            co_return std::unexpected(pieces.error());
        }
        for (const Bytes& piece : pieces->bytes) {
            if (piece.size() > size_max - body.size()) {
                co_return fail(Errc::exhausted, "the answer is larger than it may be");
            }
            body.insert(body.end(), piece.begin(), piece.end());
        }
        if (pieces->ended) {
            co_return std::move(body);
        }
        if (desk_.executor.now() > deadline) {
            co_return fail(Errc::timed_out, "the answer takes too long");
        }
    }
}

}   // namespace millrace::session
