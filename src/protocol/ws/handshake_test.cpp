#include "protocol/ws/handshake.hpp"

#include <gtest/gtest.h>

namespace millrace::ws {
namespace {

constexpr std::array<std::string_view, 2> known{"wfs", "chat"};

web::Request request_with(std::vector<web::Header> changes = {}) {
    web::Request request;
    request.method = "GET";
    request.headers = std::move(changes);
    // The first header of a name counts, so these stand where no change does.
    for (const auto& [name, value] :
         {web::Header{"Host", "x"}, web::Header{"Upgrade", "websocket"},
          web::Header{"Connection", "keep-alive, Upgrade"}, web::Header{"Sec-WebSocket-Version", "13"},
          web::Header{"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}}) {
        if (!request.header(name)) {
            request.headers.push_back({name, value});
        }
    }
    return request;
}

std::string value_of(const std::vector<web::Header>& headers, std::string_view name) {
    for (const auto& header : headers) {
        if (web::same_name(header.name, name)) {
            return header.value;
        }
    }
    return {};
}

TEST(WebSocketHandshake, answers_the_key_as_the_rfc_does) {
    EXPECT_EQ(accept_of("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");   // RFC 6455 §1.3
    const auto accepted = accept(request_with(), known);
    ASSERT_TRUE(accepted);
    EXPECT_EQ(value_of(*accepted, "Sec-WebSocket-Accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    EXPECT_EQ(value_of(*accepted, "Connection"), "Upgrade");
    EXPECT_EQ(value_of(*accepted, "Upgrade"), "websocket");
    EXPECT_EQ(value_of(*accepted, "Sec-WebSocket-Protocol"), "");
}

TEST(WebSocketHandshake, makes_keys_that_it_takes) {
    std::array<std::byte, 16> nonce{};
    EXPECT_TRUE(accept(request_with({{"Sec-WebSocket-Key", key_of(nonce)}}), known));
}

TEST(WebSocketHandshake, declines_extensions_and_names_a_protocol_it_knows) {
    const auto accepted = accept(request_with({{"Sec-WebSocket-Extensions", "permessage-deflate"},
                                               {"Sec-WebSocket-Protocol", "flv, chat"},
                                               {"Sec-WebSocket-Protocol", "wfs"}}),
                                 known);
    ASSERT_TRUE(accepted);
    EXPECT_EQ(value_of(*accepted, "Sec-WebSocket-Extensions"), "");
    EXPECT_EQ(value_of(*accepted, "Sec-WebSocket-Protocol"), "chat");
    const auto none = accept(request_with({{"Sec-WebSocket-Protocol", "Chat"}}), known);
    ASSERT_TRUE(none);
    EXPECT_EQ(value_of(*none, "Sec-WebSocket-Protocol"), "") << "names of protocols have a case";
}

TEST(WebSocketHandshake, refuses_other_versions_and_broken_requests) {
    struct Row {
        web::Header change;
        int status;
    };
    for (const Row& row : std::vector<Row>{
             {{"Sec-WebSocket-Version", "8"}, 426},
             {{"Sec-WebSocket-Version", ""}, 426},
             {{"Sec-WebSocket-Key", ""}, 400},
             {{"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ"}, 400},
             {{"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZSEh"}, 400},
             {{"Connection", "keep-alive"}, 400},
             {{"Upgrade", "h2c"}, 400},
         }) {
        const auto refused = accept(request_with({row.change}), known);
        ASSERT_FALSE(refused) << row.change.name;
        EXPECT_EQ(refused.error().status, row.status) << row.change.name << ": " << row.change.value;
        if (row.status == 426) {
            EXPECT_EQ(value_of(refused.error().headers, "Sec-WebSocket-Version"), "13");
        }
    }
    web::Request post = request_with();
    post.method = "POST";
    EXPECT_FALSE(accept(post, known));
}

TEST(WebSocketHandshake, knows_who_asks) {
    EXPECT_TRUE(asks_for_upgrade(request_with({{"Upgrade", "h2c, WebSocket"}})));
    EXPECT_FALSE(asks_for_upgrade(request_with({{"Upgrade", "h2c"}})));
    EXPECT_FALSE(asks_for_upgrade({}));
}

}   // namespace
}   // namespace millrace::ws
