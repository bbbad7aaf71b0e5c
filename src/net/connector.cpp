#include "net/connector.hpp"

#include "base/check.hpp"
#include "net/connect.hpp"
#include "net/datagram_link.hpp"

namespace millrace::net {

namespace {

using Opened = Result<std::unique_ptr<Connection>>;

/// Everything one attempt needs for as long as it runs.
struct Attempt {
    Worker& worker;
    Dial dial;
    std::shared_ptr<const Connector::Rules> rules;
    const TlsClient* tls;
    Reply<std::unique_ptr<Connection>> reply;
};

Task<> open(Attempt attempt) {
    Opened opened = co_await net::connect(attempt.worker, attempt.dial.to, attempt.dial.deadline,
                                          {attempt.tls, &attempt.rules->outgoing});
    attempt.reply.give(std::move(opened));
}

/// The rules may be replaced meanwhile; this attempt goes by those it began with.
Task<> open_sockets(Worker& worker, DatagramDial dial, std::shared_ptr<const Connector::Rules> rules,
                    Reply<DatagramLink> reply) {
    const OutgoingRules* const outgoing = &rules->outgoing;
    auto link = co_await open_link(worker, std::move(dial), {std::move(rules), outgoing});
    reply.give(std::move(link));
}

Worker& worker_of(Executor& owner) {
    auto* const worker = dynamic_cast<Worker*>(&owner);
    check(worker != nullptr, "net: an outgoing connection belongs to a worker");
    return *worker;
}

}   // namespace

const TlsClient& Connector::trust() {
    std::optional<TlsClient>& client = rules_->verify ? careful_ : trusting_;
    if (!client) {
        client.emplace(TlsClient::Trust{.anyone = !rules_->verify});
    }
    return *client;
}

void Connector::connect(Executor& owner, Dial dial, Reply<std::unique_ptr<Connection>> reply) {
    const TlsClient* const tls = dial.tls ? &trust() : nullptr;
    owner.tasks().spawn(open({worker_of(owner), std::move(dial), rules_, tls, std::move(reply)}));
}

void Connector::open_datagrams(Executor& owner, DatagramDial dial, Reply<DatagramLink> reply) {
    owner.tasks().spawn(open_sockets(worker_of(owner), std::move(dial), rules_, std::move(reply)));
}

}   // namespace millrace::net
