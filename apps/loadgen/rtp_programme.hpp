#pragma once

#include "apps/loadgen/synthetic_camera.hpp"
#include "base/random.hpp"
#include "container/flv_reader.hpp"
#include "protocol/rtp/packetiser.hpp"
#include "protocol/rtsp/track_payloads.hpp"

#include <deque>
#include <memory>
#include <vector>

namespace millrace::loadgen {

/// What a synthetic camera shows as packets between the answers of RTSP: written once, sent by all who
/// publish it, each in its own time. Its tracks' channels are 0 and 2, as they are set up one after the
/// other.
class RtpProgramme {
public:
    struct Message {
        Duration due;   ///< counted from the first
        Bytes bytes;
        bool picture = false;
    };

    RtpProgramme(const Rate& rate, bool sound);

    const sdp::Description& description() const { return offer_.description; }
    /// Made when it is first asked for; numbers begin at 0.
    const Message& at(std::uint64_t number);
    void forget_before(std::uint64_t number);

private:
    struct Track {
        media::TrackId id;
        std::unique_ptr<rtp::Sender> sender;
        Duration reported{};
    };

    std::optional<flv::Item> read(rtmp::Media media);
    void make();

    SyntheticCamera camera_;
    flv::TagReader reader_;
    SeededRandom random_{1};
    rtsp::Offer offer_;
    std::vector<Track> tracks_;
    std::deque<Message> messages_;
    std::uint64_t first_ = 0;   // the number of the oldest that is kept
};

}   // namespace millrace::loadgen
