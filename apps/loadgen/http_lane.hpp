#pragma once

#include "apps/loadgen/socket.hpp"

#include <optional>
#include <string>

namespace millrace::loadgen {

/// A kept HTTP/1.1 connection: one request at a time, its answer's body kept or dropped unread. Answers must
/// say their length.
class HttpLane {
public:
    enum class Body : std::uint8_t { dropped, kept };
    struct Answer {
        int status = 0;
        std::string etag;         ///< as it stands; empty: none
        std::string location;     ///< of a redirection
        std::uint64_t size = 0;   ///< of the body
        std::string body;         ///< if it is kept
    };
    static constexpr std::size_t head_size_max = 16U << 10U;
    static constexpr std::size_t kept_size_max = 8U << 20U;

    /// Connects, blocking. Throws Hindrance.
    explicit HttpLane(const Endpoint& server);

    /// `etag`: only if it is no longer that one. Not while an answer is under way.
    void ask(const std::string& path, Body body, const std::string& etag = {});
    /// Reads once, into `buffer` or nowhere: the answer, if it is whole by then. Throws Hindrance when the
    /// connection ended or the answer is none.
    std::optional<Answer> read(std::span<std::byte> buffer);

    int socket() const { return socket_.number(); }
    bool busy() const { return busy_; }

private:
    void read_head(ByteSpan bytes);
    std::string field(std::string_view name) const;

    std::string host_;
    net::Descriptor socket_;
    std::string head_;
    Body wanted_ = Body::dropped;
    bool busy_ = false;
    bool in_body_ = false;
    std::uint64_t missing_ = 0;
    Answer answer_;
};

}   // namespace millrace::loadgen
