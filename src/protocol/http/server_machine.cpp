#include "protocol/http/server_machine.hpp"

#include "base/check.hpp"

namespace millrace::http {

static_assert(ProtocolMachine<ServerMachine>);

namespace {

/// To copy less behind its head costs less than to send one piece more.
constexpr std::size_t copied_body_max = 2048;
/// More than most heads need, so that one is written without moving it.
constexpr std::size_t usual_head_size = 512;

}   // namespace

ServerMachine::ServerMachine(Instant now, WallTime utc, Limits limits)
    : limits_{limits},
      started_{now},
      utc_at_start_{utc},
      deadline_{now + limits.head_timeout},
      parser_{limits.body_size_max} {
}

Result<> ServerMachine::receive(ByteSpan bytes, Instant now) {
    if (state_ == State::finished) {
        return fail(Errc::closed, "the conversation is over");
    }
    unread_.insert(unread_.end(), bytes.begin(), bytes.end());
    return read_on(now);
}

Result<> ServerMachine::advance(Instant now) {
    if (now < deadline_) {
        return {};
    }
    if (state_ == State::head && unread_.empty()) {
        state_ = State::finished;   // nothing was asked, so nothing is said
        deadline_ = Instant::never();
        return head_begun_ ? fail(Errc::timed_out, "no request came") : fail(Errc::closed, "idle");
    }
    (void)refuse_request({408, "the request did not come in time"}, now);
    return fail(Errc::timed_out, "the request did not come in time");
}

Result<> ServerMachine::respond(const web::Response& response, Instant now) {
    check(state_ == State::answering, "http: an answer without a request");
    const bool keep_alive = parser_.keep_alive() && !leaves_body_;
    write(response, framing(keep_alive, now));
    if (!keep_alive) {
        state_ = State::finished;
        return {};
    }
    state_ = State::head;
    head_begun_ = false;
    deadline_ = now + limits_.idle_timeout;
    begin_head();
    return read_on(now);
}

std::vector<std::byte> ServerMachine::take_read_ahead() {
    state_ = State::finished;
    deadline_ = Instant::never();
    return std::exchange(unread_, {});
}

Result<> ServerMachine::read_on(Instant now) {
    if (state_ == State::head) {
        if (auto read = read_head(now); !read) {
            return read;
        }
    }
    if (state_ == State::body) {
        if (auto read = read_body(now); !read) {
            return read;
        }
    }
    if (state_ == State::answering && unread_.size() > limits_.pipelined_size_max) {
        state_ = State::finished;
        return fail(Errc::exhausted, "too many requests wait behind one that is being answered");
    }
    return {};
}

Result<> ServerMachine::read_head(Instant now) {
    // RFC 9112 §2.2: empty lines before a request are skipped.
    while (unread_.size() >= 2 && as_text(unread_).starts_with("\r\n")) {
        drop_front(2);
        scan_ = {};
    }
    if (unread_.empty()) {
        return {};
    }
    if (!head_begun_) {
        head_begun_ = true;
        deadline_ = now + limits_.head_timeout;
    }
    const auto size = scan_.scan(unread_);
    if (!size) {
        return refuse_request(size.error(), now);
    }
    if (*size == 0) {
        return {};
    }
    const auto read = parser_.head(ByteSpan{unread_}.first(*size));
    head_only_ = parser_.is_head();
    if (!read) {
        return refuse_request(read.error(), now);
    }
    drop_front(*size);
    leaves_body_ = parser_.is_upload() || parser_.is_tunnel();
    if (parser_.done() || leaves_body_) {
        complete();
        return {};
    }
    if (const auto limited = parser_.limit_body(); !limited) {
        return refuse_request(limited.error(), now);
    }
    state_ = State::body;
    deadline_ = now + limits_.body_timeout;
    if (parser_.expects_continue() && unread_.empty()) {
        const auto text = as_bytes("HTTP/1.1 100 Continue\r\n\r\n");
        output_.insert(output_.end(), text.begin(), text.end());
    }
    return {};
}

Result<> ServerMachine::read_body(Instant now) {
    const auto used = parser_.body(unread_);
    if (!used) {
        return refuse_request(used.error(), now);
    }
    drop_front(*used);
    if (parser_.done()) {
        complete();
    } else if (unread_.size() > HeadScan::head_size_max) {
        return refuse_request({400, "a chunk's header or the trailer is too large"}, now);
    }
    return {};
}

void ServerMachine::complete() {
    state_ = State::answering;
    deadline_ = Instant::never();
    event_ = parser_.take();
}

void ServerMachine::begin_head() {
    scan_ = {};
    head_only_ = false;
    parser_ = RequestParser{limits_.body_size_max};
}

Result<> ServerMachine::refuse_request(Refusal refusal, Instant now) {
    write(web::Response::problem(refusal.status, refusal.what), framing(false, now));
    state_ = State::finished;
    deadline_ = Instant::never();
    unread_.clear();
    return fail(Errc::malformed, refusal.what);
}

void ServerMachine::drop_front(std::size_t count) {
    unread_.erase(unread_.begin(), unread_.begin() + static_cast<std::ptrdiff_t>(count));
}

void ServerMachine::write(const web::Response& response, const Framing& framing) {
    const bool copied = response.body.size() <= copied_body_max;
    output_.reserve(output_.size() + usual_head_size + response.header_lines.size() +
                    (copied ? response.body.size() : 0));
    if (!write_head(output_, response, framing)) {
        return;
    }
    if (copied) {
        output_.insert(output_.end(), response.body.begin(), response.body.end());
    } else {
        pieces_.emplace_back(std::exchange(output_, {}));
        pieces_.push_back(response.body);
    }
}

std::vector<Bytes> ServerMachine::next_pieces() {
    if (!output_.empty()) {
        pieces_.emplace_back(std::exchange(output_, {}));
    }
    return std::exchange(pieces_, {});
}

std::vector<std::byte> ServerMachine::next_output() {
    std::vector<std::byte> whole;
    for (const Bytes& piece : next_pieces()) {
        whole.insert(whole.end(), piece.begin(), piece.end());
    }
    return whole;
}

Framing ServerMachine::framing(bool keep_alive, Instant now) const {
    return {.utc = {utc_at_start_.microseconds + (now - started_).count() / 1000},
            .head_only = head_only_,
            .keep_alive = keep_alive,
            .http_1_0 = parser_.http_1_0()};
}

}   // namespace millrace::http
