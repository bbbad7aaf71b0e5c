#include "protocol/http/head_scan.hpp"

#include <algorithm>
#include <cstring>

namespace millrace::http {

namespace {

/// Whether one of eight characters may be CR or below it.
bool may_hold_an_end(const char* eight) {
    constexpr std::uint64_t each = 0x0101'0101'0101'0101;
    std::uint64_t text = 0;
    std::memcpy(&text, eight, sizeof text);
    return ((text - each * ('\r' + 1)) & ~text & (each * 0x80)) != 0;
}

}   // namespace

Accepted<std::size_t> HeadScan::scan(ByteSpan head) {
    const std::string_view text = as_text(head);
    while (at_ < text.size()) {
        const std::size_t room =
            lines_ == 0 ? std::min(head_size_max, line_begin_ + request_line_size_max) : head_size_max;
        if (const std::size_t plain = plain_at(text.substr(0, std::min(room, text.size()))); plain != 0) {
            at_ += plain;
            previous_ = text[at_ - 1];
            continue;
        }
        const auto end = step(text[at_]);
        if (!end || *end != 0) {
            return end;
        }
    }
    return 0;
}

std::size_t HeadScan::plain_at(std::string_view text) const {
    std::size_t end = at_;
    if (previous_ != '\r' && at_ != line_begin_) {
        while (end + 8 <= text.size() && !may_hold_an_end(text.data() + end)) {
            end += 8;
        }
        while (end < text.size() && static_cast<unsigned char>(text[end]) > '\r') {
            ++end;
        }
    }
    return end - at_;
}

Accepted<std::size_t> HeadScan::step(char c) {
    const std::size_t in_line = at_ - line_begin_;
    if (at_ >= head_size_max) {
        return refuse(431, "the request's head is larger than 16 KiB");
    }
    if (lines_ == 0 && in_line >= request_line_size_max) {
        return refuse(414, "the request line is longer than 8 KiB");
    }
    if (c == '\0') {
        return refuse(400, "the request's head contains NUL");
    }
    // RFC 9112 §2.2: a bare CR is refused; a bare LF may be accepted, which is how requests get smuggled.
    if ((c == '\n') != (previous_ == '\r')) {
        return refuse(400, "a line of the request's head does not end in CR LF");
    }
    if (in_line == 0 && lines_ > 0 && (c == ' ' || c == '\t')) {
        return refuse(400, "a header is folded over two lines");   // RFC 9112 §5.2
    }
    ++at_;
    previous_ = c;
    if (c != '\n') {
        return 0;
    }
    if (in_line == 1) {
        return at_;
    }
    line_begin_ = at_;
    if (++lines_ > headers_max + 1) {
        return refuse(431, "the request has more than 100 headers");
    }
    return 0;
}

}   // namespace millrace::http
