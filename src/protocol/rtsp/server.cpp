#include "protocol/rtsp/server.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace millrace::rtsp {

namespace {

constexpr std::string_view methods =
    "OPTIONS, DESCRIBE, ANNOUNCE, SETUP, PLAY, PAUSE, RECORD, TEARDOWN, GET_PARAMETER, SET_PARAMETER";

}   // namespace

Result<> Server::receive(ByteSpan bytes, Instant now) {
    now_ = now;
    if (state_ == State::closed) {
        return fail(Errc::closed, "the connection was ended");
    }
    while (true) {
        Result<std::optional<Element>> element = reader_.next(bytes);
        if (!element) {
            output_ +=
                write(Response{.status = reader_.status(), .headers = {}, .cseq = reader_.refused_cseq()});
            state_ = State::closed;
            return std::unexpected(element.error());
        }
        if (!*element) {
            break;
        }
        if (auto* frame = std::get_if<Frame>(&**element)) {
            take_frame(std::move(*frame), now);
        } else if (auto* request = std::get_if<Request>(&**element)) {
            if (waiting_.size() == requests_waiting_max) {
                state_ = State::closed;
                return fail(Errc::exhausted, "too many requests at once");
            }
            greeted_ = true;
            touch(now);
            waiting_.push_back(std::move(*request));
        }   // responses: we asked nothing
        const Result<> processed = process_waiting();
        if (!processed) {
            return processed;
        }
    }
    return {};
}

Result<> Server::advance(Instant now) {
    now_ = now;
    if (now < deadline()) {
        return {};
    }
    state_ = State::closed;
    return fail(Errc::timed_out, greeted_ ? "nothing was heard of the session" : "no request came");
}

std::optional<Server::Event> Server::next_event() {
    if (events_.empty()) {
        return std::nullopt;
    }
    return events_.pop();
}

std::vector<std::byte> Server::next_output() {
    const ByteSpan bytes = as_bytes(output_);
    std::vector<std::byte> out(bytes.begin(), bytes.end());
    output_.clear();
    return out;
}

void Server::touch(Instant now) {
    const bool over_tcp = std::ranges::all_of(
        setups_, [](const SetupTrack& one) { return one.transport.lower == Transport::Lower::tcp; });
    // Over TCP a player needs to say nothing: that it still reads is seen by who writes.
    deadline_ = state_ == State::playing && over_tcp ? Instant::never() : now + session_timeout;
}

void Server::keep_alive(Instant now) {
    touch(now);
}

void Server::take_frame(Frame frame, Instant now) {
    const auto of_channel = [&frame](const SetupTrack& one) {
        const auto& channels = one.transport.channels;
        return channels && (channels->rtp == frame.channel || channels->rtcp == frame.channel);
    };
    const auto setup = std::ranges::find_if(setups_, of_channel);
    if (setup == setups_.end() || (state_ != State::recording && state_ != State::playing)) {
        ++counters_.frames_ignored;
        return;
    }
    const bool control = setup->transport.channels->rtcp == frame.channel;
    if (state_ == State::playing && !control) {
        ++counters_.frames_ignored;
        return;
    }
    touch(now);
    events_.emplace_back(
        Packet{.track = setup->track, .control = control, .payload = std::move(frame.payload)});
}

Result<> Server::process_waiting() {
    while (!pending_ && !waiting_.empty() && state_ != State::closed) {
        Request request = std::move(waiting_.front());
        waiting_.pop_front();
        const Result<> processed = process(std::move(request));
        if (!processed) {
            state_ = State::closed;
            return processed;
        }
    }
    return {};
}

/// RFC 2326 §12.37: a session is named in each request of it. A name that is not this connection's finds
/// nothing, whoever else has it.
bool Server::known_session(const Request& request) {
    const std::string_view header = find_header(request.headers, "Session");
    const std::string_view id = header.substr(0, header.find_first_of("; \t"));
    if (id.empty() || (!session_.empty() && id == session_)) {
        return true;
    }
    ++counters_.sessions_refused;
    return false;
}

Result<> Server::process(Request request) {
    if (!known_session(request)) {
        answer(request, session_not_found);
    } else if (const std::string_view feature = find_header(request.headers, "Require"); !feature.empty()) {
        // RFC 2326 §12.32
        answer(request,
               Response{.status = option_not_supported, .headers = {{"Unsupported", std::string{feature}}}});
    } else if (request.method == "OPTIONS") {
        on_options(request);
    } else if (request.method == "DESCRIBE") {
        on_describe(std::move(request));
    } else if (request.method == "ANNOUNCE") {
        on_announce(std::move(request));
    } else if (request.method == "SETUP") {
        on_setup(std::move(request));
    } else if (request.method == "PLAY") {
        on_play(std::move(request));
    } else if (request.method == "RECORD") {
        on_record(request);
    } else if (request.method == "PAUSE") {
        on_pause(request);
    } else if (request.method == "TEARDOWN") {
        on_teardown(request);
    } else if (request.method == "GET_PARAMETER" || request.method == "SET_PARAMETER") {
        on_parameter(request);
    } else {
        answer(request, Response{.status = not_implemented, .headers = {{"Public", std::string{methods}}}});
    }
    return refusals_ > refusals_max ? fail(Errc::throttled, "too many requests that were refused")
                                    : Result<>{};
}

void Server::answer(const Request& request, Response response) {
    response.cseq = request.cseq;
    response.headers.push_back({"Server", "Millrace"});
    refusals_ += response.status >= 400 ? 1 : 0;
    output_ += write(response);
}

void Server::refuse_state(const Request& request) {
    const std::string_view allowed = state_ == State::idle ? "OPTIONS, DESCRIBE, ANNOUNCE" : methods;
    answer(request, Response{.status = method_not_valid, .headers = {{"Allow", std::string{allowed}}}});
}

void Server::ask(Request request, Event event) {
    pending_ = std::move(request);
    events_.push_back(std::move(event));
}

void Server::on_options(const Request& request) {
    answer(request, Response{.headers = {{"Public", std::string{methods}}}});
}

void Server::refuse(const Refusal& refusal) {
    if (!pending_) {
        return;
    }
    Response response{.status = refusal.status, .reason = std::string{refusal.reason}, .headers = {}};
    for (const std::string& challenge : refusal.challenges) {
        response.headers.push_back({"WWW-Authenticate", challenge});
    }
    const Request request = *std::exchange(pending_, std::nullopt);
    pending_setup_.reset();
    if (state_ == State::idle) {
        address_.reset();
    }
    touch(now_);
    answer(request, std::move(response));
    static_cast<void>(process_waiting());
}

void Server::forget_session() {
    session_.clear();
    setups_.clear();
    address_.reset();
    description_ = {};
    state_ = State::idle;
}

}   // namespace millrace::rtsp
