#pragma once

#include "base/connector.hpp"
#include "base/outgoing.hpp"
#include "net/tls.hpp"

#include <memory>
#include <optional>

namespace millrace::net {

/// One worker's side of the seam Connector. Addresses that the rules do not allow are left out before
/// anything is sent to them, and the connected socket's own peer is looked at again. That worker's thread
/// only; it outlives the worker's conversations.
class Connector final : public millrace::Connector {
public:
    /// How to connect from now on.
    struct Rules {
        OutgoingRules outgoing = {};
        bool verify = true;   ///< of a TLS server: its certificate
    };
    Connector() = default;
    Connector(const Connector&) = delete;
    Connector& operator=(const Connector&) = delete;

    void use(Rules rules) { rules_ = std::make_shared<const Rules>(std::move(rules)); }
    void connect(Executor& owner, Dial dial, Reply<std::unique_ptr<Connection>> reply) override;
    void open_datagrams(Executor& owner, DatagramDial dial, Reply<DatagramLink> reply) override;

private:
    const TlsClient& trust();

    std::shared_ptr<const Rules> rules_ = std::make_shared<const Rules>();
    // Made when they are needed: the system's list of authorities takes a while to read.
    std::optional<TlsClient> careful_;
    std::optional<TlsClient> trusting_;
};

}   // namespace millrace::net
