#include "net/connector.hpp"

#include "base/check.hpp"
#include "net/connect.hpp"

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

}   // namespace

const TlsClient& Connector::trust() {
    std::optional<TlsClient>& client = rules_->verify ? careful_ : trusting_;
    if (!client) {
        client.emplace(TlsClient::Trust{.anyone = !rules_->verify});
    }
    return *client;
}

void Connector::connect(Executor& owner, Dial dial, Reply<std::unique_ptr<Connection>> reply) {
    auto* const worker = dynamic_cast<Worker*>(&owner);
    check(worker != nullptr, "net: an outgoing connection belongs to a worker");
    const TlsClient* const tls = dial.tls ? &trust() : nullptr;
    worker->tasks().spawn(open({*worker, std::move(dial), rules_, tls, std::move(reply)}));
}

}   // namespace millrace::net
