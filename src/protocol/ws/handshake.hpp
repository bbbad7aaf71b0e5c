#pragma once

#include "base/web.hpp"

#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::ws {

/// RFC 6455 §4.2.2: the answer to a client's Sec-WebSocket-Key.
std::string accept_of(std::string_view key);
/// A client's key: 16 random bytes in base64.
std::string key_of(std::span<const std::byte, 16> bytes);

/// Whether the request asks to become a WebSocket, well or badly.
bool asks_for_upgrade(const web::Request& request);

/// The headers of the 101 that accepts: Upgrade, Connection, Sec-WebSocket-Accept, and the first of `known`
/// that the client offers as Sec-WebSocket-Protocol. Extensions are declined. Else the answer that refuses:
/// 400, or 426 for another version of the protocol.
std::expected<std::vector<web::Header>, web::Response> accept(const web::Request& request,
                                                              std::span<const std::string_view> known);

}   // namespace millrace::ws
