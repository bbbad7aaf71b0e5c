#include "protocol/rtsp/client.hpp"

#include "protocol/rtp/rtcp.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace millrace::rtsp {

Client::Client(ClientOptions options, Random& random, Instant now)
    : options_{std::move(options)},
      random_{random},
      base_{options_.url},
      aggregate_{options_.url},
      now_{now} {
    ask("OPTIONS", options_.url);
}

Result<> Client::receive(ByteSpan bytes, Instant now) {
    now_ = now;
    while (state_ != State::ended) {
        Result<std::optional<Element>> element = reader_.next(bytes);
        if (!element) {
            state_ = State::ended;
            return std::unexpected(element.error());
        }
        if (!*element) {
            return {};
        }
        if (auto* frame = std::get_if<Frame>(&**element)) {
            take_frame(std::move(*frame));
        } else if (const auto* request = std::get_if<Request>(&**element)) {
            take_request(*request);
        } else if (const Result<> taken = take_response(std::move(std::get<Response>(**element)), now);
                   !taken) {
            state_ = State::ended;
            return taken;
        }
    }
    return fail(Errc::closed, "the conversation was ended");
}

Result<> Client::advance(Instant now) {
    now_ = now;
    if (now >= answer_due_) {
        state_ = State::ended;
        return fail(Errc::timed_out, "the server did not answer");
    }
    if (now >= stray_due_) {
        server_miscounts_ = true;
        const Response answer = *std::exchange(stray_, std::nullopt);
        if (const Result<> taken = take_answer(answer, now); !taken) {
            state_ = State::ended;
            return taken;
        }
    }
    if (now >= keep_alive_due_) {
        keep_alive(now);
    }
    return {};
}

std::optional<Client::Event> Client::next_event() {
    if (events_.empty()) {
        return std::nullopt;
    }
    Event event = std::move(events_.front());
    events_.pop_front();
    return event;
}

std::vector<std::byte> Client::next_output() {
    const ByteSpan bytes = as_bytes(output_);
    std::vector<std::byte> out(bytes.begin(), bytes.end());
    output_.clear();
    return out;
}

void Client::ask(std::string_view method, const std::string& url, Headers headers, std::string body) {
    proofs_ = 0;
    send_request(
        {.method = std::string{method}, .url = url, .headers = std::move(headers), .body = std::move(body)});
}

void Client::send_request(Request request) {
    asked_ = std::move(request);
    asked_.cseq = ++cseq_;
    Request sent = asked_;
    sent.headers.push_back({"User-Agent", options_.user_agent});
    if (!session_.empty()) {
        sent.headers.push_back({"Session", session_});
    }
    std::string proof = access_.next({options_.user, options_.password}, asked_.method, asked_.url, random_);
    if (!proof.empty()) {
        sent.headers.push_back({"Authorization", std::move(proof)});
    }
    output_ += write(sent);
    waiting_ = true;
    // Some cameras never answer what keeps the session alive; whether they live is seen by their packets.
    answer_due_ = state_ == State::started ? Instant::never() : now_ + answer_time_max;
}

/// Asks again with a proof, once a request; once more where only the nonce was too old.
Result<> Client::authenticate(const Response& response) {
    constexpr unsigned proofs_max = 2;
    const bool can = access_.take(response.headers) && !options_.user.empty();
    if (!can || (proofs_ > 0 && (!access_.is_stale() || proofs_ >= proofs_max))) {
        return fail(Errc::unauthenticated, options_.user.empty() ? "the server wants a user and a password"
                                                                 : "the server refuses user or password");
    }
    ++proofs_;
    send_request(std::move(asked_));
    return {};
}

Result<> Client::take_response(Response response, Instant now) {
    if (!waiting_ || response.status < 200) {
        return {};
    }
    if (response.cseq && *response.cseq != asked_.cseq && !server_miscounts_) {
        // An answer to something else came late, or twice; or the server has numbers of its own. Answers to
        // what only keeps the session alive are not worth the doubt.
        if (state_ != State::started) {
            stray_ = std::move(response);
            stray_due_ = now + stray_answer_wait;
        }
        return {};
    }
    return take_answer(response, now);
}

Result<> Client::take_answer(const Response& response, Instant now) {
    stray_.reset();
    stray_due_ = Instant::never();
    waiting_ = false;
    answer_due_ = Instant::never();
    if (response.status == unauthorized) {
        return authenticate(response);
    }
    const bool courtesy = asked_.method == "OPTIONS" || asked_.method == "GET_PARAMETER";
    if (response.status < 300 || (courtesy && response.status != session_not_found)) {
        return take_success(response, now);
    }
    status_ = response.status;
    reason_ = response.reason;
    if (response.status < 400) {
        events_.emplace_back(Redirected{std::string{find_header(response.headers, "Location")}});
        return {};
    }
    switch (response.status) {
        case not_found: return fail(Errc::not_found, "the server has no such stream");
        case forbidden: return fail(Errc::unauthenticated, "the server forbids it");
        case unsupported_transport: return fail(Errc::unsupported, "the server refuses the transport");
        default: return fail(Errc::refused, "the server said no");
    }
}

void Client::take_request(const Request& request) {
    Response response{.headers = {}, .cseq = request.cseq};
    if (request.method == "REDIRECT") {
        events_.emplace_back(Redirected{std::string{find_header(request.headers, "Location")}});
    } else if (request.method != "OPTIONS" && request.method != "GET_PARAMETER" &&
               request.method != "SET_PARAMETER") {
        response.status = not_implemented;
    }
    output_ += write(response);
}

void Client::take_frame(Frame frame) {
    for (const SetupTrack& setup : setups_) {
        const std::optional<Channels>& channels = setup.transport.channels;
        if (channels && (channels->rtp == frame.channel || channels->rtcp == frame.channel)) {
            events_.emplace_back(Packet{.track = setup.track,
                                        .control = channels->rtcp == frame.channel,
                                        .payload = std::move(frame.payload)});
            return;
        }
    }
}

void Client::keep_alive(Instant now) {
    ask(has_get_parameter_ ? "GET_PARAMETER" : "OPTIONS", aggregate_);
    keep_alive_due_ = now + std::max(timeout_ / 2, keep_alive_min);
}

void Client::send_control(unsigned track, ByteSpan packet) {
    const auto setup = std::ranges::find(setups_, track, &SetupTrack::track);
    if (state_ != State::started || setup == setups_.end() || !setup->transport.channels ||
        packet.size() > rtp::packet_size_max) {
        return;
    }
    std::vector<std::byte> head;
    ByteWriter writer{head};
    rtp::write_interleaved_head(writer, setup->transport.channels->rtcp, packet.size());
    output_ += as_text(head);
    output_ += as_text(packet);
}

void Client::tear_down() {
    if (state_ != State::ended && !session_.empty()) {
        ask("TEARDOWN", aggregate_);
    }
    state_ = State::ended;
    answer_due_ = keep_alive_due_ = stray_due_ = Instant::never();
}

}   // namespace millrace::rtsp
