#pragma once

#include "protocol/rtsp/client.hpp"
#include "session/farewell_connection.hpp"
#include "session/rtp_intake.hpp"
#include "session/rtsp_ports.hpp"
#include "session/rtsp_target.hpp"
#include "session/source_publisher.hpp"
#include "session/tunnelled_connection.hpp"

#include <memory>
#include <optional>
#include <string>

namespace millrace::session {

/// For name, connection and handshake.
constexpr Duration rtsp_connect_deadline = 10s;
/// A camera that sends no packet for so long is lost.
constexpr Duration rtsp_patience = 10s;
/// From PLAY to the first packet by UDP, before TCP is tried.
constexpr Duration rtsp_udp_patience = 3s;

/// How one connection to a camera ended.
struct RtspCallEnding {
    Error error;
    std::string words;       ///< more than the error says, if any
    std::string elsewhere;   ///< where the camera sends us; empty: nowhere
    bool udp_failed = false;
    bool delivered = false;   ///< packets came
};

/// One connection to a camera that is played, from its name to its end. Owned by one try of a source; one
/// thread.
class RtspCall {
public:
    struct Means {
        Desk& desk;
        Connector& connector;
        SourcePublisher& publisher;   ///< not begun yet; it outlives the call
    };
    /// By UDP, over the connection itself, or over one dug through HTTP.
    RtspCall(const Means& means, RtspTarget target, SourceTransport by);
    RtspCall(const RtspCall&) = delete;
    RtspCall& operator=(const RtspCall&) = delete;
    ~RtspCall() {
        publisher_.use(nullptr);
        publisher_.on_key_frame_wanted = nullptr;
    }

    /// Once.
    Task<RtspCallEnding> run();

private:
    Task<Result<>> connect();
    Task<Result<std::unique_ptr<Connection>>> open(Instant deadline);
    Task<Result<>> converse();
    Task<Result<>> take_events();
    Task<Result<>> choose(const sdp::Description& description);
    void take_start(const rtsp::Client::Started& started);
    void take_packet(unsigned media, bool control, ByteSpan packet);
    Task<Result<>> hand_over();
    void report();
    Result<> check_patience();
    Result<> read();
    Instant deadline() const;
    void say_farewell();
    std::string words_of(const Error& error) const;

    Desk& desk_;
    Connector& connector_;
    SourcePublisher& publisher_;
    RtspTarget target_;
    bool by_udp_;
    std::optional<rtsp::TunnelClient> tunnel_;

    std::unique_ptr<Connection> connection_;
    std::optional<rtsp::Client> client_;
    std::optional<FarewellConnection> farewell_;
    std::optional<RtspPorts> ports_;
    RtpIntake intake_;
    ReadableSet readable_;   // of the connection, then of the ports

    std::string nothing_usable_;   // why
    std::string elsewhere_;
    bool chosen_ = false;
    bool udp_failed_ = false;
    std::uint64_t packets_ = 0;   // of them all, when it was looked last
    Instant newest_;              // packet, or the start
    std::size_t received_ = 0;    // bytes, not told yet
};

}   // namespace millrace::session
