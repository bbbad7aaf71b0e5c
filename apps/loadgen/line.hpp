#pragma once

#include "apps/loadgen/dialogue.hpp"
#include "base/bytes.hpp"
#include "base/ssl.hpp"
#include "net/descriptor.hpp"

#include <optional>
#include <span>

namespace millrace::loadgen {

/// Whether a scheme is spoken inside TLS: `https`, `wss`, `rtmps`, `rtsps`.
bool is_secure(const Url& url);

/// A viewer's TCP connection, inside TLS where its address says so (whatever the certificate).
class Line {
public:
    Line() = default;
    /// Connects; throws Hindrance.
    explicit Line(const Url& url);

    explicit operator bool() const { return static_cast<bool>(socket_); }
    int number() const { return socket_.number(); }
    /// Sends everything, waiting as long as it takes. Throws Hindrance.
    void send(ByteSpan bytes);
    /// How many bytes came; nothing if none wait. Throws Hindrance at the connection's end.
    std::optional<std::size_t> receive(std::span<std::byte> into);
    /// Drops at most so many bytes as they are on the wire, and says how many; as `receive` else.
    /// After it nothing can be read any more where there is TLS.
    std::optional<std::size_t> drop(std::span<std::byte> scratch, std::size_t at_most);

private:
    net::Descriptor socket_;
    UniqueSsl ssl_;
};

}   // namespace millrace::loadgen
