#include "protocol/http/request_parser.hpp"

#include "protocol/http/target.hpp"

#include <algorithm>

#include <boost/beast/http/basic_parser.hpp>

namespace millrace::http {

namespace beast = boost::beast;

namespace {

Refusal refusal_of(const beast::error_code& error) {
    using beast::http::error;
    if (error == error::body_limit) {
        return {413, "the request's body is too large"};
    }
    if (error == error::multiple_content_length || error == error::bad_content_length) {
        return {400, "Content-Length is not one number, or comes with Transfer-Encoding"};
    }
    if (error == error::bad_transfer_encoding) {
        return {400, "Transfer-Encoding comes twice or with Content-Length"};
    }
    if (error == error::bad_chunk || error == error::bad_chunk_extension) {
        return {400, "the chunked body is malformed"};
    }
    return {400, "the request's head is malformed"};
}

/// Whether the request line ends in a version, be it one we do not speak.
bool names_a_version(ByteSpan head) {
    const std::string_view line = as_text(head).substr(0, as_text(head).find('\r'));
    return line.size() > 8 && line.substr(line.size() - 8).starts_with("HTTP/");
}

}   // namespace

/// Beast calls back for each part as it is read.
class RequestParser::Parser final : public beast::http::basic_parser<true> {
public:
    Parser() {
        eager(false);
        header_limit(UINT32_MAX);   // HeadScan has limited it
        body_limit(boost::none);    // limit_body does, once it is known for whom it is
        request.headers.reserve(usual_headers);
    }

    Accepted<> check_head();

    web::Request request;
    Accepted<> target;
    bool http_1_0 = false;
    bool expects_continue = false;

private:
    void on_request_impl(beast::http::verb /*verb*/, beast::string_view method, beast::string_view text,
                         int version, beast::error_code& /*error*/) override {
        http_1_0 = version == 10;
        request.method = method;
        auto parsed = millrace::http::parse_target({text.data(), text.size()});
        if (parsed) {
            request.path = std::move(parsed->path);
            request.query = std::move(parsed->query);
        } else {
            target = std::unexpected(parsed.error());
        }
    }
    void on_response_impl(int, beast::string_view, int, beast::error_code&) override {}
    void on_field_impl(beast::http::field /*field*/, beast::string_view name, beast::string_view value,
                       beast::error_code& /*error*/) override {
        // RFC 9110 §7.8: Upgrade says nothing in HTTP/1.0.
        const bool ignored = http_1_0 && web::same_name({name.data(), name.size()}, "Upgrade");
        if (!is_header_done() && !ignored) {   // what follows a chunked body says nothing we need
            request.headers.push_back({std::string{name}, std::string{value}});
        }
    }
    void on_header_impl(beast::error_code& /*error*/) override {}
    void on_body_init_impl(const boost::optional<std::uint64_t>& /*length*/,
                           beast::error_code& /*error*/) override {}
    std::size_t on_body_impl(beast::string_view part, beast::error_code& /*error*/) override {
        request.body.append(part.data(), part.size());
        return part.size();
    }
    void on_chunk_header_impl(std::uint64_t /*size*/, beast::string_view extensions,
                              beast::error_code& error) override {
        chunk_extensions_size_ += extensions.size();
        if (chunk_extensions_size_ > chunk_extensions_size_max) {
            error = beast::http::error::bad_chunk_extension;
        }
    }
    std::size_t on_chunk_body_impl(std::uint64_t /*remain*/, beast::string_view part,
                                   beast::error_code& error) override {
        return on_body_impl(part, error);
    }
    void on_finish_impl(beast::error_code& /*error*/) override {}

    static constexpr std::size_t usual_headers = 16;

    std::size_t chunk_extensions_size_ = 0;
};

namespace {

/// RFC 9110 §7.2, RFC 3986 §3.2: of these characters a host and its port are made; it may be empty.
bool is_host(std::string_view text) {
    return std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view{"-._~%!$&'()*+,;=:[]"}.find(c) != std::string_view::npos;
    });
}

}   // namespace

Accepted<> RequestParser::Parser::check_head() {
    if (!target) {
        return target;
    }
    std::size_t hosts = 0;
    for (const auto& [name, value] : request.headers) {
        if (web::same_name(name, "Host")) {
            ++hosts;
            if (!is_host(value)) {
                return refuse(400, "Host is no host and port");
            }
        } else if (web::same_name(name, "Transfer-Encoding")) {
            // RFC 9112 §6.1: a coding we do not know is 501; in HTTP/1.0 its framing cannot be trusted.
            if (http_1_0) {
                return refuse(400, "Transfer-Encoding in HTTP/1.0");
            }
            if (!web::same_name(value, "chunked")) {
                return refuse(501, "only the transfer coding 'chunked' is known");
            }
        } else if (web::same_name(name, "Expect")) {
            if (!web::same_name(value, "100-continue")) {
                return refuse(417, "only the expectation 100-continue is known");
            }
            expects_continue = !http_1_0;   // RFC 9110 §10.1.1
        }
    }
    if (hosts > 1 || (hosts == 0 && !http_1_0)) {
        return refuse(400, "a request has exactly one Host");   // RFC 9112 §3.2
    }
    if (request.path == "*" && request.method != "OPTIONS") {
        return refuse(400, "the request-target '*' is for OPTIONS");
    }
    return {};
}

RequestParser::RequestParser(std::size_t body_size_max)
    : parser_{std::make_unique<Parser>()}, body_size_max_{body_size_max} {
}
RequestParser::RequestParser(RequestParser&&) noexcept = default;
RequestParser& RequestParser::operator=(RequestParser&&) noexcept = default;
RequestParser::~RequestParser() = default;

Accepted<> RequestParser::head(ByteSpan head) {
    beast::error_code error;
    const std::size_t used = parser_->put({head.data(), head.size()}, error);
    if (error == beast::http::error::bad_version && names_a_version(head)) {
        return refuse(505, "the request is not HTTP/1.0 or HTTP/1.1");
    }
    if (error) {
        return std::unexpected(refusal_of(error));
    }
    if (used != head.size() || !parser_->is_header_done()) {
        return refuse(400, "the request's head is malformed");
    }
    return parser_->check_head();
}

Accepted<std::size_t> RequestParser::body(ByteSpan bytes) {
    // Every rest of a chunked body is at least "0 CRLF CRLF" long, and Beast asserts on less than that when
    // it comes back to a last chunk. One element at a time, so that this holds for each.
    const std::size_t least = parser_->chunked() ? 5 : 1;
    ByteSpan rest = bytes;
    beast::error_code error;
    while (!error && !parser_->is_done() && rest.size() >= least) {
        rest = rest.subspan(parser_->put({rest.data(), rest.size()}, error));
    }
    if (error && error != beast::http::error::need_more) {
        return std::unexpected(refusal_of(error));
    }
    return bytes.size() - rest.size();
}

bool RequestParser::done() const {
    return parser_->is_done();
}
bool RequestParser::keep_alive() const {
    return parser_->keep_alive();
}
bool RequestParser::http_1_0() const {
    return parser_->http_1_0;
}
bool RequestParser::expects_continue() const {
    return parser_->expects_continue;
}
bool RequestParser::is_head() const {
    return parser_->request.method == "HEAD";
}
bool RequestParser::is_upload() const {
    const web::Request& request = parser_->request;
    return (request.method == "PUT" || request.method == "POST") &&
           (request.path.find("/upload/") != std::string::npos ||
            (request.method == "PUT" && request.path.starts_with("/api/v1/recordings/")));
}
Accepted<> RequestParser::limit_body() {
    const auto length = parser_->content_length();
    if (length && *length > body_size_max_) {
        return std::unexpected(refusal_of(beast::http::error::body_limit));
    }
    parser_->body_limit(body_size_max_);
    return {};
}
bool RequestParser::is_tunnel() const {
    return parser_->request.method == "POST" && parser_->request.header(web::tunnel_header).has_value();
}
web::Request RequestParser::take() {
    return std::move(parser_->request);
}

}   // namespace millrace::http
