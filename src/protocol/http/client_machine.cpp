#include "protocol/http/client_machine.hpp"

#include "base/base64.hpp"
#include "base/byte_writer.hpp"

#include <fmt/format.h>

namespace millrace::http {

static_assert(ProtocolMachine<ClientMachine>);

namespace {

std::string authorization(const Url& url) {
    return url.user.empty() ? "Bearer " + url.password
                            : "Basic " + encode_base64(as_bytes(url.user + ':' + url.password));
}

}   // namespace

Result<> ClientMachine::ask(const ClientRequest& request, Instant now) {
    if (state_ != State::idle) {
        return fail(Errc::refused, "this connection takes no request now");
    }
    ByteWriter out{output_};
    const auto field = [&out](std::string_view name, std::string_view value) {
        out.text(name);
        out.text(": ");
        out.text(value);
        out.text("\r\n");
    };
    out.text(fmt::format("{} {} HTTP/1.1\r\n", request.method, request.url.target));
    field("Host", request.url.authority());
    field("User-Agent", "millrace");
    field("Accept-Encoding", "identity");
    if (request.url.has_user) {
        field("Authorization", authorization(request.url));
    }
    for (const web::Header& header : request.headers) {
        field(header.name, header.value);
    }
    if (!request.body.empty()) {
        field("Content-Length", fmt::format("{}", request.body.size()));
    }
    out.text("\r\n");
    out.text(request.body);
    method_ = request.method;
    interim_ = 0;
    state_ = State::head;
    deadline_ = now + limits_.head_timeout;
    return read_on(now);
}

Result<> ClientMachine::receive(ByteSpan bytes, Instant now) {
    if (state_ == State::finished) {
        return fail(Errc::closed, "the conversation is over");
    }
    if (state_ == State::idle) {
        return stop({Errc::malformed, "the server speaks without having been asked"});
    }
    unread_.insert(unread_.end(), bytes.begin(), bytes.end());
    return read_on(now);
}

Result<> ClientMachine::advance(Instant now) {
    if (now < deadline_) {
        return {};
    }
    return stop({Errc::timed_out,
                 state_ == State::head ? "the server did not answer in time" : "the server fell silent"});
}

std::optional<ClientMachine::Event> ClientMachine::next_event() {
    if (events_.empty()) {
        return std::nullopt;
    }
    Event event = std::move(events_.front());
    events_.pop_front();
    return event;
}

Result<> ClientMachine::close() {
    if (state_ == State::body && body_.ends_with_connection()) {
        keep_alive_ = false;
        complete();
        return {};
    }
    const bool asked = state_ == State::head || state_ == State::body;
    return asked ? stop({Errc::closed, "the server closed the connection in the middle of its answer"})
                 : Result<>{};
}

Result<> ClientMachine::stop(Error error) {
    state_ = State::finished;
    deadline_ = Instant::never();
    unread_.clear();
    return std::unexpected(error);
}

Result<> ClientMachine::read_on(Instant now) {
    while (state_ == State::head) {
        const std::size_t before = unread_.size();
        if (const auto read = read_whole_head(now); !read || unread_.size() == before) {
            return read;
        }
    }
    return state_ == State::body ? read_body(now) : Result<>{};
}

Result<> ClientMachine::read_whole_head(Instant now) {
    const std::string_view text = as_text(unread_);
    const std::size_t size = head_end(text.substr(0, limits_.head_size_max));
    if (size == 0) {
        return text.size() < limits_.head_size_max
                   ? Result<>{}
                   : stop({Errc::exhausted, "the head of the answer is longer than 32 KiB"});
    }
    Result<ResponseHead> head = read_head(text.substr(0, size));
    if (!head) {
        return stop(head.error());
    }
    unread_.erase(unread_.begin(), unread_.begin() + static_cast<std::ptrdiff_t>(size));
    if (head->status < 200) {
        // RFC 9110 §15.2; a change of protocol (101) was not asked for.
        return head->status != 101 && ++interim_ <= limits_.interim_max
                   ? Result<>{}
                   : stop({Errc::malformed, "the server gives no final answer"});
    }
    const Result<BodyFraming> framing = framing_of(*head, method_);
    if (!framing) {
        return stop(framing.error());
    }
    keep_alive_ = framing->keep_alive;
    body_ = BodyReader{*framing};
    body_size_ = 0;
    state_ = State::body;
    deadline_ = now + limits_.silence_max;
    events_.emplace_back(std::move(*head));
    return {};
}

Result<> ClientMachine::read_body(Instant now) {
    ByteSpan rest{unread_};
    while (!rest.empty() && !body_.done()) {
        const Result<BodyReader::Piece> piece = body_.take(rest);
        if (!piece) {
            return stop(piece.error());
        }
        rest = rest.subspan(piece->used);
        body_size_ += piece->body.size();
        if (limits_.body_size_max > 0 && body_size_ > limits_.body_size_max) {
            return stop({Errc::exhausted, "the answer is larger than it may be"});
        }
        if (!piece->body.empty()) {
            events_.emplace_back(BodyPart{Bytes::copy(piece->body)});
            deadline_ = now + limits_.silence_max;
        }
    }
    if (body_.done()) {
        const bool more = !rest.empty();
        complete();
        return more ? stop({Errc::malformed, "the server says more than it was asked"}) : Result<>{};
    }
    unread_.clear();
    return {};
}

void ClientMachine::complete() {
    events_.emplace_back(BodyEnd{});
    unread_.clear();
    deadline_ = Instant::never();
    state_ = keep_alive_ ? State::idle : State::finished;
}

}   // namespace millrace::http
