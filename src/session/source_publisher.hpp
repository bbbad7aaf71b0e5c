#pragma once

#include "base/peer_address.hpp"
#include "hub/publication.hpp"
#include "session/source.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace millrace::session {

/// A source elsewhere in its role of publisher, as the registry and the hub reach it. Owned by one try of the
/// source, on its thread; the leash outlives it. Before `begin` has answered well, only `use`, `say` and
/// `is_over` may be called.
class SourcePublisher final : public hub::Sessions::Entry {
public:
    /// `protocol` is a literal.
    SourcePublisher(Desk& desk, SourceLeash& leash, std::string_view protocol, const std::string& stream);
    ~SourcePublisher() override { use(nullptr); }

    /// The connection under way, which a kick or the leash closes; null between two.
    void use(Connection* link);
    /// Who sends, where there is no connection that says it.
    void hear(const PeerAddress& sender) { facts_.peer = sender.endpoint(); }
    /// Becomes the stream's publisher, from the peer of the link in use. Once, with the first unit at hand:
    /// another source of the stream may have to make way for this one.
    Task<Result<>> begin();
    bool began() const { return publication_.has_value(); }
    /// Before it begins: who sends it, where somebody had to be let in.
    void came_from(Endpoint peer, hub::Identity who) {
        facts_.peer = std::move(peer);
        facts_.who = std::move(who);
    }
    /// Why nothing comes though it is connected, for those who look at the source; empty: something does.
    void say(std::string_view words) { leash_.say(words); }
    /// Before it begins: the nodes that its media came through.
    void came_through(Hops hops) { facts_.hops = std::move(hops); }
    /// Likewise: how far the sender's clock is from ours, where that was measured.
    void clocks_apart(std::optional<ClockOffset::Estimate> estimate) { facts_.clock = estimate; }
    /// When it began.
    Instant since() const { return since_; }

    hub::Publication& publication() { return *publication_; }
    /// Counts the unit and writes it.
    void write(media::AccessUnit unit);
    /// Hands over what was written; then waits while the stream's home has too much of it. Call once for all
    /// that one read brought.
    Task<> flush();
    /// The same without waiting: for those who look at `congested` themselves.
    void push();
    /// The try is over: where the sender said its end, or it is to end here, the stream ends in words, unless
    /// it goes on from another source.
    void finish(bool said);

    /// The leash was pulled, or somebody ended this session: the try is to end.
    bool is_over() const { return leash_.is_pulled() || ended_; }
    /// What to do where the stream wants a key frame; empty: nothing.
    std::function<void()> on_key_frame_wanted;

    void end(Error reason) override;
    void on_ask(hub::Ask ask) override;
    void on_taken(std::size_t bytes) override;
    hub::SessionReport report() const override { return {id(), facts(), bytes_, 0, 0, 0}; }

private:
    Desk& desk_;
    SourceLeash& leash_;
    Connection* link_ = nullptr;
    std::optional<hub::Publication> publication_;
    Instant since_;
    std::uint64_t bytes_ = 0;
    bool wrote_ = false;   // since the last flush
    bool ended_ = false;
};

}   // namespace millrace::session
