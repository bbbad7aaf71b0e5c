#include "protocol/rtsp/tunnel_client.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace millrace::rtsp {

namespace {

/// Devices write its last word with one l or two.
bool may_be_tunnel(const http::ResponseHead& head) {
    const std::string_view type = head.header("Content-Type").value_or("application/x-rtsp");
    constexpr std::string_view ours = "application/x-rtsp";
    return web::same_name(type.substr(0, ours.size()), ours);
}

}   // namespace

Result<bool> TunnelAnswer::receive(ByteSpan bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    const std::size_t end = http::head_end(as_text(bytes_).substr(0, head_size_max));
    if (end == 0) {
        return bytes_.size() < head_size_max ? Result<bool>{false}
                                             : fail(Errc::exhausted, "the head of an answer is too long");
    }
    Result<http::ResponseHead> head = http::read_head(as_text(bytes_).substr(0, end));
    if (!head) {
        return std::unexpected(head.error());
    }
    head_ = std::move(*head);
    bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(end));
    return true;
}

TunnelClient::TunnelClient(Url url, Random& random)
    : url_{std::move(url)},
      random_{random},
      cookie_{fmt::format("{:08x}{:08x}{:08x}", random.next_u32(), random.next_u32(), random.next_u32())} {
}

/// HTTP/1.0, as those who began it: neither end waits for a body's length to be true.
std::string TunnelClient::request(std::string_view method, std::string_view more) {
    const std::string proof = access_.next({url_.user, url_.password}, method, url_.target, random_);
    return fmt::format(
        "{} {} HTTP/1.0\r\nHost: {}\r\nUser-Agent: Millrace\r\n{}{}{}x-sessioncookie: {}\r\n{}"
        "Pragma: no-cache\r\nCache-Control: no-cache\r\n\r\n",
        method, url_.target, url_.endpoint().text(), proof.empty() ? "" : "Authorization: ", proof,
        proof.empty() ? "" : "\r\n", cookie_, more);
}

std::string TunnelClient::get() {
    answer_ = {};
    status_ = 0;
    proved_ = access_.asked();
    return request("GET", "Accept: application/x-rtsp-tunnelled\r\n");
}

std::string TunnelClient::post() {
    return request("POST",
                   "Content-Type: application/x-rtsp-tunnelled\r\nContent-Length: 32767\r\n"
                   "Expires: Sun, 9 Jan 1972 00:00:00 GMT\r\n");
}

Result<TunnelClient::Heard> TunnelClient::receive(ByteSpan bytes) {
    const Result<bool> whole = answer_.receive(bytes);
    if (!whole) {
        return std::unexpected(whole.error());
    }
    if (!*whole) {
        return Heard::part;
    }
    const http::ResponseHead& head = answer_.head();
    status_ = head.status;
    switch (status_) {
        case 200: break;
        case 401:
            if (proved_ || !url_.has_user || !access_.take(head.headers)) {
                return fail(Errc::unauthenticated, "over HTTP another user or password is wanted");
            }
            return Heard::again;
        case 403: return fail(Errc::unauthenticated, "over HTTP it is forbidden");
        case 404: return fail(Errc::not_found, "no RTSP is spoken over HTTP there");
        default: return fail(Errc::refused, "no tunnel is opened over HTTP");
    }
    return may_be_tunnel(head) ? Result<Heard>{Heard::open}
                               : fail(Errc::unsupported, "a web server answers, and no tunnel of RTSP");
}

}   // namespace millrace::rtsp
