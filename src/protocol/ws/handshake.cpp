#include "protocol/ws/handshake.hpp"

#include "base/check.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>

namespace millrace::ws {

namespace {

constexpr std::string_view magic = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";   // RFC 6455 §1.3

std::string base64(ByteSpan bytes) {
    std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
    const int size =
        EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                        reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
    text.resize(static_cast<std::size_t>(size));
    return text;
}

/// 16 bytes in base64: 22 characters and two signs of padding.
bool is_key(std::string_view key) {
    const auto in_alphabet = [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
               c == '/';
    };
    return key.size() == 24 && key.ends_with("==") && std::ranges::all_of(key.substr(0, 22), in_alphabet);
}

/// The elements of a comma-separated header, over all headers of that name.
std::vector<std::string_view> elements(const web::Request& request, std::string_view name) {
    std::vector<std::string_view> all;
    for (const auto& header : request.headers) {
        std::string_view rest = header.value;
        while (web::same_name(header.name, name) && !rest.empty()) {
            std::string_view element = rest.substr(0, rest.find(','));
            rest.remove_prefix(std::min(element.size() + 1, rest.size()));
            element.remove_prefix(std::min(element.find_first_not_of(" \t"), element.size()));
            element = element.substr(0, element.find_last_not_of(" \t") + 1);
            all.push_back(element);
        }
    }
    return all;
}

bool lists(const web::Request& request, std::string_view name, std::string_view token) {
    return std::ranges::any_of(elements(request, name),
                               [token](std::string_view one) { return web::same_name(one, token); });
}

}   // namespace

std::string accept_of(std::string_view key) {
    const std::string text = std::string{key} + std::string{magic};
    std::array<std::byte, 20> digest;
    const int done = EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(digest.data()),
                                nullptr, EVP_sha1(), nullptr);
    check(done == 1, "SHA-1 works");
    return base64(digest);
}

std::string key_of(std::span<const std::byte, 16> bytes) {
    return base64(bytes);
}

bool asks_for_upgrade(const web::Request& request) {
    return lists(request, "Upgrade", "websocket");
}

std::expected<std::vector<web::Header>, web::Response> accept(const web::Request& request,
                                                              std::span<const std::string_view> known) {
    const auto refuse = [](int status, std::string_view why) {
        return std::unexpected(web::Response::problem(status, why));
    };
    if (request.method != "GET" || !asks_for_upgrade(request) || !lists(request, "Connection", "upgrade")) {
        return refuse(400, "a WebSocket begins with GET, Upgrade: websocket and Connection: Upgrade");
    }
    if (request.header("Sec-WebSocket-Version") != "13") {
        auto response = refuse(426, "only version 13 of the WebSocket protocol is spoken");
        response.error().headers.push_back({"Sec-WebSocket-Version", "13"});
        response.error().headers.push_back({"Upgrade", "websocket"});   // RFC 9110 §15.5.22
        return response;
    }
    const std::string_view key = request.header("Sec-WebSocket-Key").value_or("");
    if (!is_key(key)) {
        return refuse(400, "Sec-WebSocket-Key is not 16 bytes in base64");
    }
    std::vector<web::Header> headers{
        {"Upgrade", "websocket"}, {"Connection", "Upgrade"}, {"Sec-WebSocket-Accept", accept_of(key)}};
    for (const std::string_view offered : elements(request, "Sec-WebSocket-Protocol")) {
        if (std::ranges::find(known, offered) != known.end()) {
            headers.push_back({"Sec-WebSocket-Protocol", std::string{offered}});
            break;
        }
    }
    return headers;
}

}   // namespace millrace::ws
