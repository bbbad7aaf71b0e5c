#pragma once

#include "base/connector.hpp"
#include "base/virtual_connection.hpp"
#include "base/virtual_network.hpp"
#include "base/virtual_time.hpp"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// Servers elsewhere that a test plays by hand.
namespace millrace::session::toys {

/// The far end of a connection that was made.
struct PlayedServer {
    Dial dial;
    std::unique_ptr<Connection> connection;
    std::string heard{};   ///< and not looked at yet

    /// Takes in what came since.
    const std::string& hear() {
        std::array<std::byte, 65536> buffer;
        while (const Result<std::size_t> read = connection->try_read(buffer)) {
            heard += as_text(ByteSpan{buffer}.first(*read));
        }
        return heard;
    }
    /// Whether the other end has closed.
    bool is_left() {
        hear();
        std::array<std::byte, 1> buffer;
        const Result<std::size_t> read = connection->try_read(buffer);
        return !read && read.error().code != Errc::would_block;
    }
    void say(std::string_view text) {
        const ByteSpan bytes = as_bytes(text);
        const Result<std::size_t> written = connection->try_write(std::span{&bytes, 1});
        EXPECT_EQ(written.value_or(0), text.size());
    }
};

/// Connects to servers that the test plays; with `refusal`, to none. Datagrams travel over `network`, to and
/// from "192.0.2.1" or "2001:db8::1" where the dial names no address of ours; without a network there is no
/// UDP. A group's address is a machine of its own there, with one listener.
class PlayedConnector final : public Connector {
public:
    explicit PlayedConnector(Executor& far_side) : far_side_{far_side} {}

    void connect(Executor& owner, Dial dial, Reply<std::unique_ptr<Connection>> reply) override {
        ++asked;
        if (refusal) {
            reply.give(std::unexpected(*refusal));
            return;
        }
        auto [theirs, ours] =
            virtual_connection(far_side_, owner, {.window = 1U << 20U}, {}, dial.to, {"192.0.2.1", 40000});
        servers.push_back({std::move(dial), std::move(theirs)});
        reply.give(std::move(ours));
    }

    void open_datagrams(Executor& owner, DatagramDial dial, Reply<DatagramLink> reply) override {
        dials.push_back(dial);
        reply.give(open_link(owner, std::move(dial)));
    }

    int asked = 0;
    std::optional<Error> refusal;
    VirtualNetwork* network = nullptr;
    std::map<std::string, std::string> hosts;   ///< names and their numeric addresses
    std::vector<DatagramDial> dials;            ///< those for datagrams
    std::vector<PlayedServer> servers;

private:
    Result<DatagramLink> open_link(Executor& owner, DatagramDial dial) {
        if (refusal) {
            return std::unexpected(*refusal);
        }
        if (network == nullptr) {
            return fail(Errc::unsupported, "there is no UDP here");
        }
        DatagramLink link;
        if (dial.to) {
            const auto known = hosts.find(dial.to->address);
            const auto to =
                PeerAddress::parse(known == hosts.end() ? *dial.to : Endpoint{known->second, dial.to->port});
            if (!to) {
                return fail(Errc::not_found, "no address for that host name");
            }
            link.to = *to;
        }
        if (dial.local.address.empty()) {
            dial.local.address = dial.to && !link.to.is_ipv4() ? "2001:db8::1" : "192.0.2.1";
        }
        const bool any = dial.local.port == 0;
        std::uint16_t port = any && dial.pair ? VirtualNetwork::first_free_port : dial.local.port;
        for (Result<> opened = fail(Errc::exists, "not tried"); !opened; port += 2) {
            opened = open_sockets(owner, {dial.local.address, port}, dial.pair, link);
            if (!opened && (opened.error().code != Errc::exists || !any)) {
                return std::unexpected(opened.error());
            }
        }
        return link;
    }
    Result<> open_sockets(Executor& owner, const Endpoint& at, bool pair, DatagramLink& link) {
        auto first = network->open(owner, at);
        auto second = first && pair
                          ? network->open(owner, {at.address, static_cast<std::uint16_t>(at.port + 1)})
                          : Result<std::unique_ptr<Datagrams>>{nullptr};
        if (!first || !second) {
            return std::unexpected(!first ? first.error() : second.error());
        }
        link.first = std::move(*first);
        link.second = std::move(*second);
        return {};
    }

    Executor& far_side_;
};

}   // namespace millrace::session::toys
