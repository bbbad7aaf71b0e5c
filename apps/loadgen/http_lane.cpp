#include "apps/loadgen/http_lane.hpp"

#include "base/web.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

namespace millrace::loadgen {

namespace {

constexpr int not_modified = 304;

std::uint64_t number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) {
        throw Hindrance{"an answer says no length"};
    }
    return value;
}

}   // namespace

HttpLane::HttpLane(const Endpoint& server) : host_{server.text()}, socket_{connect_to(server)} {
}

void HttpLane::ask(const std::string& path, Body body, const std::string& etag) {
    std::string request = fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\n", path, host_);
    if (!etag.empty()) {
        request += fmt::format("If-None-Match: {}\r\n", etag);
    }
    request += "\r\n";
    wanted_ = body;
    busy_ = true;
    in_body_ = false;
    head_.clear();
    answer_ = {};
    send_all(socket_.number(), as_bytes(request));
}

std::optional<HttpLane::Answer> HttpLane::read(std::span<std::byte> buffer) {
    const bool dropped = in_body_ && wanted_ == Body::dropped;
    const std::size_t at_most =
        in_body_ ? static_cast<std::size_t>(std::min<std::uint64_t>(missing_, buffer.size())) : buffer.size();
    const ssize_t count =
        ::recv(socket_.number(), buffer.data(), at_most, MSG_DONTWAIT | (dropped ? MSG_TRUNC : 0));
    if (count < 0 && errno == EAGAIN) {
        return std::nullopt;
    }
    if (count <= 0) {
        throw Hindrance{"the server closed a kept connection"};
    }
    if (!in_body_) {
        read_head(buffer.first(static_cast<std::size_t>(count)));
    } else {
        missing_ -= static_cast<std::uint64_t>(count);
        if (!dropped) {
            answer_.body += as_text(buffer.first(static_cast<std::size_t>(count)));
        }
    }
    if (!in_body_ || missing_ > 0) {
        return std::nullopt;
    }
    busy_ = false;
    return std::move(answer_);
}

void HttpLane::read_head(ByteSpan bytes) {
    const std::size_t known = head_.size();
    head_ += as_text(bytes);
    const std::size_t end = head_.find("\r\n\r\n");
    if (end == std::string::npos) {
        if (head_.size() > head_size_max) {
            throw Hindrance{"an endless response head"};
        }
        return;
    }
    const std::size_t past = end + 4;
    const ByteSpan rest = bytes.subspan(past - known);
    head_.resize(end);
    if (!head_.starts_with("HTTP/1.1 ") || head_.size() < 12) {
        throw Hindrance{"what answers does not speak HTTP/1.1"};
    }
    answer_.status = static_cast<int>(number(std::string_view{head_}.substr(9, 3)));
    answer_.etag = field("etag");
    answer_.location = field("location");
    const bool bodiless = answer_.status == not_modified || answer_.status / 100 == 1;
    answer_.size = bodiless ? 0 : number(field("content-length"));
    if (rest.size() > answer_.size || (wanted_ == Body::kept && answer_.size > kept_size_max)) {
        throw Hindrance{"an answer has another size than it says, or too large a one"};
    }
    if (wanted_ == Body::kept) {
        answer_.body = as_text(rest);
    }
    missing_ = answer_.size - rest.size();
    in_body_ = true;
}

/// A field of the head; empty if it is not there.
std::string HttpLane::field(std::string_view name) const {
    for (std::size_t at = head_.find("\r\n"); at != std::string::npos; at = head_.find("\r\n", at + 2)) {
        const std::string_view line =
            std::string_view{head_}.substr(at + 2, head_.find("\r\n", at + 2) - at - 2);
        const std::size_t colon = line.find(':');
        if (colon != std::string_view::npos && web::same_name(line.substr(0, colon), name)) {
            const std::size_t begin = line.find_first_not_of(" \t", colon + 1);
            return begin == std::string_view::npos ? std::string{} : std::string{line.substr(begin)};
        }
    }
    return {};
}

}   // namespace millrace::loadgen
