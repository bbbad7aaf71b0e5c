#include "protocol/rtsp/message.hpp"

#include "base/byte_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace millrace::rtsp {

namespace {

constexpr std::string_view version = "RTSP/1.0";
constexpr std::size_t frame_head_size = 4;

template <class T>
std::optional<T> whole_number(std::string_view text) {
    T value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool digits = !text.empty() && text.front() >= '0' && text.front() <= '9';
    return digits && error == std::errc{} && end == text.data() + text.size() ? std::optional{value}
                                                                              : std::nullopt;
}

std::string_view trimmed(std::string_view text) {
    const std::size_t from = text.find_first_not_of(" \t\r");
    return from == std::string_view::npos ? std::string_view{}
                                          : text.substr(from, text.find_last_not_of(" \t\r") - from + 1);
}

std::string_view cut(std::string_view& rest, char separator) {
    const std::size_t end = std::min(rest.find(separator), rest.size());
    const std::string_view front = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return front;
}

bool is_method(std::string_view text) {
    return !text.empty() && text.size() <= 32 &&
           std::ranges::all_of(text, [](char c) { return (c >= 'A' && c <= 'Z') || c == '_'; });
}

/// The end of a head: behind the first empty line. RFC 2326 §4: CR, LF and both end lines.
std::size_t head_end(std::string_view head) {
    const std::size_t crlf = head.find("\n\r\n");
    const std::size_t lf = head.find("\n\n");
    return std::min(crlf == std::string_view::npos ? crlf : crlf + 3,
                    lf == std::string_view::npos ? lf : lf + 2);
}

void write_fields(std::string& out, const Headers& headers, const std::string& body) {
    for (const web::Header& header : headers) {
        out += header.name;
        out += ": ";
        std::ranges::copy_if(header.value, std::back_inserter(out),
                             [](char c) { return static_cast<unsigned char>(c) >= 0x20; });
        out += "\r\n";
    }
    if (!body.empty()) {
        out += fmt::format("Content-Length: {}\r\n", body.size());
    }
    out += "\r\n";
    out += body;
}

}   // namespace

std::string_view reason_of(unsigned status) {
    switch (status) {
        case ok: return "OK";
        case moved_permanently: return "Moved Permanently";
        case moved_temporarily: return "Moved Temporarily";
        case unauthorized: return "Unauthorized";
        case forbidden: return "Forbidden";
        case not_found: return "Not Found";
        case method_not_allowed: return "Method Not Allowed";
        case not_acceptable: return "Not Acceptable";
        case too_large: return "Request Entity Too Large";
        case uri_too_long: return "Request-URI Too Large";
        case unsupported_media_type: return "Unsupported Media Type";
        case parameter_not_understood: return "Parameter Not Understood";
        case not_enough_bandwidth: return "Not Enough Bandwidth";
        case session_not_found: return "Session Not Found";
        case invalid_range: return "Invalid Range";
        case method_not_valid: return "Method Not Valid in This State";
        case aggregate_not_allowed: return "Aggregate Operation Not Allowed";
        case unsupported_transport: return "Unsupported Transport";
        case not_implemented: return "Not Implemented";
        case service_unavailable: return "Service Unavailable";
        case version_not_supported: return "RTSP Version Not Supported";
        case option_not_supported: return "Option Not Supported";
        default: return "Bad Request";
    }
}

std::string_view find_header(const Headers& headers, std::string_view name) {
    const auto found = std::ranges::find_if(
        headers, [name](const web::Header& one) { return web::same_name(one.name, name); });
    return found == headers.end() ? std::string_view{} : found->value;
}

std::string write(const Request& request) {
    std::string out =
        fmt::format("{} {} {}\r\nCSeq: {}\r\n", request.method, request.url, version, request.cseq);
    write_fields(out, request.headers, request.body);
    return out;
}

std::string write(const Response& response) {
    const std::string_view reason = response.reason.empty() ? reason_of(response.status) : response.reason;
    std::string out = fmt::format("{} {} {}\r\n", version, response.status, reason);
    if (response.cseq) {
        out += fmt::format("CSeq: {}\r\n", *response.cseq);
    }
    write_fields(out, response.headers, response.body);
    return out;
}

std::unexpected<Error> MessageReader::refuse(Status status, std::string_view what) {
    status_ = status;
    return fail(Errc::malformed, what);
}

Result<std::optional<Element>> MessageReader::next(ByteSpan& input) {
    Result<std::optional<Element>> element = next_of(input);
    if (!element || input.empty()) {
        copy_ = {};   // the next bytes are others
    }
    return element;
}

Result<std::optional<Element>> MessageReader::next_of(ByteSpan& input) {
    while (!input.empty()) {
        const bool between = head_.empty() && frame_.empty() && !message_;
        if (!between) {
            return frame_.empty() ? next_message(input) : next_frame(input);
        }
        const char first = static_cast<char>(input.front());
        if (first == '$') {
            return next_frame(input);
        }
        if (first >= 'A' && first <= 'Z') {
            return next_message(input);
        }
        const bool line_end = first == '\r' || first == '\n';
        if ((!line_end && side_ == Side::server) || ++junk_ > junk_max) {
            return refuse(bad_request, "bytes that are no message");
        }
        input = input.subspan(1);
    }
    return std::nullopt;
}

/// Frames that came at once share one copy of those bytes.
Bytes MessageReader::copy_of(ByteSpan part, ByteSpan input) {
    if (copy_.empty()) {
        copy_ = Bytes::copy(input);
    }
    const auto behind = static_cast<std::size_t>(input.data() + input.size() - part.data());
    return copy_.slice(copy_.size() - behind, part.size());
}

// '$' | channel u8 | length u16 | packet
Result<std::optional<Element>> MessageReader::next_frame(ByteSpan& input) {
    if (frame_.empty()) {
        ByteReader reader{input};
        reader.skip(1);
        const std::uint8_t channel = reader.u8();
        const ByteSpan packet = reader.take(reader.u16());
        if (reader.ok()) {
            Frame frame{.channel = channel, .payload = packet.empty() ? Bytes{} : copy_of(packet, input)};
            input = reader.rest();
            junk_ = 0;
            return std::optional<Element>{std::move(frame)};
        }
    }
    const auto missing = [this](std::size_t size) { return frame_.size() < size ? size - frame_.size() : 0; };
    const auto gather = [&](std::size_t size) {
        const ByteSpan part = input.first(std::min(input.size(), missing(size)));
        frame_.insert(frame_.end(), part.begin(), part.end());
        input = input.subspan(part.size());
        return missing(size) == 0;
    };
    if (!gather(frame_head_size)) {
        return std::nullopt;
    }
    const std::size_t length =
        static_cast<std::size_t>(frame_[2]) << 8U | static_cast<std::size_t>(frame_[3]);
    if (!gather(frame_head_size + length)) {
        return std::nullopt;
    }
    Frame frame{.channel = static_cast<std::uint8_t>(frame_[1]),
                .payload = Bytes::copy(ByteSpan{frame_}.subspan(frame_head_size))};
    frame_.clear();
    junk_ = 0;
    return std::optional<Element>{std::move(frame)};
}

/// True: the head is whole, and input begins behind it.
Result<bool> MessageReader::gather_head(ByteSpan& input) {
    const std::size_t before = head_.size();
    const ByteSpan part = input.first(std::min(input.size(), head_size_max + 1 - before));
    head_ += as_text(part);
    const std::size_t end = head_end(head_);
    if (end == std::string::npos) {
        input = input.subspan(part.size());
        if (head_.size() > head_size_max) {
            return head_.find('\n') == std::string::npos
                       ? refuse(uri_too_long, "a request line beyond 16 KiB")
                       : refuse(bad_request, "headers beyond 16 KiB");
        }
        return false;
    }
    input = input.subspan(end - before);
    head_.resize(end);
    return true;
}

Result<std::optional<Element>> MessageReader::next_message(ByteSpan& input) {
    if (!message_) {
        const Result<bool> whole = gather_head(input);
        if (!whole) {
            return std::unexpected(whole.error());
        }
        if (!*whole) {
            return std::nullopt;
        }
        const Result<> read = read_head();
        head_.clear();
        if (!read) {
            return std::unexpected(read.error());
        }
    }
    const ByteSpan part = input.first(std::min(input.size(), body_size_ - body_.size()));
    body_ += as_text(part);
    input = input.subspan(part.size());
    if (body_.size() < body_size_) {
        return std::nullopt;
    }
    return finish();
}

Result<> MessageReader::read_start(std::string_view line) {
    if (line.starts_with("RTSP/")) {
        cut(line, ' ');
        const std::optional<unsigned> status = whole_number<unsigned>(cut(line, ' '));
        if (!status || *status < 100 || *status > 999) {
            return refuse(bad_request, "a response without a status");
        }
        message_ =
            Response{.status = *status, .reason = std::string{line}, .headers = {}, .body = {}, .cseq = {}};
        return {};
    }
    Request request;
    request.method = cut(line, ' ');
    request.url = cut(line, ' ');
    if (!is_method(request.method) || request.url.empty() || !line.starts_with("RTSP/")) {
        return refuse(bad_request, "a request line that is none");
    }
    message_ = std::move(request);
    return line == version ? Result<>{} : refuse(version_not_supported, "another version of RTSP than 1.0");
}

Result<> MessageReader::read_field(std::string_view name, std::string_view value) {
    if (web::same_name(name, "CSeq")) {
        const std::optional<std::uint32_t> number = whole_number<std::uint32_t>(value);
        if (!number && side_ == Side::server) {
            return refuse(bad_request, "a CSeq that is no number");
        }
        cseq_ = number;
        return {};
    }
    if (web::same_name(name, "Content-Length")) {
        const std::optional<std::size_t> length = whole_number<std::size_t>(value);
        if (!length || (length_said_ && length_said_ != length)) {
            return refuse(bad_request, "a Content-Length that is none, or two");
        }
        if (*length > body_size_max) {
            return refuse(too_large, "a body beyond 64 KiB");
        }
        length_said_ = length;
        return {};
    }
    Headers& headers = std::holds_alternative<Request>(*message_) ? std::get<Request>(*message_).headers
                                                                  : std::get<Response>(*message_).headers;
    if (headers.size() == headers_max) {
        return refuse(bad_request, "too many headers");
    }
    headers.push_back({std::string{name}, std::string{value}});
    return {};
}

Result<> MessageReader::read_head() {
    cseq_.reset();
    length_said_.reset();
    body_.clear();
    std::string_view rest = head_;
    const Result<> start = read_start(trimmed(cut(rest, '\n')));
    const Status start_status = status_;
    Result<> fields;   // read in any case: the answer repeats the CSeq
    while (fields && !rest.empty()) {
        std::string_view line = trimmed(cut(rest, '\n'));
        if (line.empty()) {
            continue;
        }
        const bool has_colon = line.find(':') != std::string_view::npos;
        if (!has_colon && side_ == Side::client) {
            continue;   // some cameras put words of their own there
        }
        const std::string_view name = trimmed(cut(line, ':'));
        fields = has_colon && message_ ? read_field(name, trimmed(line))
                                       : refuse(bad_request, "a header that is none");
    }
    if (!start) {
        status_ = start_status;
        return start;
    }
    if (!fields) {
        return fields;
    }
    if (!cseq_ && side_ == Side::server && std::holds_alternative<Request>(*message_)) {
        return refuse(bad_request, "a request without CSeq");
    }
    body_size_ = length_said_.value_or(0);
    return {};
}

Result<std::optional<Element>> MessageReader::finish() {
    std::optional<Element> whole = std::exchange(message_, std::nullopt);
    if (auto* request = std::get_if<Request>(&*whole)) {
        request->cseq = cseq_.value_or(0);
        request->body = std::move(body_);
    } else if (auto* response = std::get_if<Response>(&*whole)) {
        response->cseq = cseq_;
        response->body = std::move(body_);
    }
    body_.clear();
    body_size_ = 0;
    junk_ = 0;
    return whole;
}

}   // namespace millrace::rtsp
