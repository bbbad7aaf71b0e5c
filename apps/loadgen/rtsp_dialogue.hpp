#pragma once

#include "apps/loadgen/dialogue.hpp"
#include "net/system_random.hpp"
#include "protocol/rtp/receiver.hpp"
#include "protocol/rtsp/client.hpp"

#include <vector>

namespace millrace::loadgen {

/// Plays by RTSP, with packets between the answers, or by UDP to ports of its own: `rtsp-udp://`.
class RtspDialogue final : public Dialogue {
public:
    RtspDialogue(const Url& url, Instant now);

    Result<> receive(ByteSpan bytes, Instant now) override;
    std::vector<std::byte> next_output() override { return client_.next_output(); }
    bool playing() const override { return client_.started(); }
    void hear(std::size_t ear, ByteSpan packet, Instant now) override;

private:
    struct Track {
        unsigned number;   // among the media lines
        bool video;
        rtp::Receiver receiver;
    };

    Result<> choose(const sdp::Description& description, Instant now);
    void take(Track& track, ByteSpan packet, Instant now);

    bool datagrams_;
    net::SystemRandom random_;
    rtsp::Client client_;
    std::vector<Track> tracks_;   // each has two ears, of RTP and RTCP
};

}   // namespace millrace::loadgen
