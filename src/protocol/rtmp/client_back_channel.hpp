#pragma once

#include "protocol/machine.hpp"
#include "protocol/rtmp/client.hpp"
#include "protocol/rtmp/link.hpp"

#include <memory>

namespace millrace::rtmp {

/// What is left of a Client that publishes once its media comes from a shared log: it answers pings,
/// acknowledges, and ends (Errc::closed, refused) when the server says that it takes no more.
class PublisherBackChannel final : public BackChannel {
public:
    explicit PublisherBackChannel(Link link);

    Result<> receive(ByteSpan bytes, Instant now) override;
    std::vector<std::byte> next_output() override { return link_.take_output(); }

private:
    Link link_;
};

/// Of a Client after PublishStarted; take its last next_output() before or from the back channel after. Its
/// options must say `chunk_size_to_players`, as the log does.
std::unique_ptr<BackChannel> into_back_channel(Client&& client);

}   // namespace millrace::rtmp
