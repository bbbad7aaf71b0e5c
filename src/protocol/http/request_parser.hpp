#pragma once

#include "base/bytes.hpp"
#include "base/web.hpp"
#include "protocol/http/refusal.hpp"

#include <cstddef>
#include <memory>

namespace millrace::http {

/// Reads one request with Boost.Beast's parser, which is kept behind this header because it is slow to
/// compile. Give it a head that HeadScan has passed, then the body. After a refusal it is finished.
class RequestParser {
public:
    /// A chunked body's extensions, all together: nobody uses them.
    static constexpr std::size_t chunk_extensions_size_max = 1024;

    explicit RequestParser(std::size_t body_size_max);
    RequestParser(RequestParser&&) noexcept;
    RequestParser& operator=(RequestParser&&) noexcept;
    ~RequestParser();

    /// The whole head, up to and with its empty line.
    Accepted<> head(ByteSpan head);
    /// As much of `bytes` as can be used now; the rest must come again with more behind it.
    Accepted<std::size_t> body(ByteSpan bytes);
    /// The request is complete.
    bool done() const;

    /// After head(): what the connection does next.
    bool keep_alive() const;
    bool http_1_0() const;
    bool expects_continue() const;
    bool is_head() const;   ///< method HEAD
    /// A PUT or POST of a file below an `upload` folder: its body is for whoever takes the connection over.
    bool is_upload() const;
    /// Refuses a body that is too large, or will be. After head(), where the body is to be read here.
    Accepted<> limit_body();
    /// A POST that carries RTSP: its body has no end, and is for whoever takes the connection over.
    bool is_tunnel() const;

    /// The request, without peer. Once, when done.
    web::Request take();

private:
    class Parser;
    std::unique_ptr<Parser> parser_;
    std::size_t body_size_max_;
};

}   // namespace millrace::http
