#pragma once

#include "base/connector.hpp"
#include "base/task.hpp"
#include "protocol/rtsp/server.hpp"
#include "session/readable_set.hpp"

#include <functional>
#include <span>
#include <vector>

namespace millrace::session {

/// Our UDP ports of one RTSP session elsewhere: for each media line a pair, RTP on an even port and RTCP on
/// the next. Only what the server's own address sends is taken (RTP from strangers is no new speaker). Owned
/// by the session's conversation, own thread only.
class RtspPorts {
public:
    /// Larger datagrams are dropped: cut by the network layer they seldom arrive anyway.
    static constexpr std::size_t datagram_max = 4096;
    /// Rounds of reading of one socket before others have their turn.
    static constexpr int rounds_max = 8;

    struct Counters {
        std::uint64_t strangers = 0;   ///< datagrams from another address
        std::uint64_t truncated = 0;
    };

    /// `server` is the address of the session's TCP connection.
    explicit RtspPorts(const PeerAddress& server) : server_{server.host()} {}

    /// Opens a pair for a media line; its ports, or why not.
    Task<Result<rtsp::Ports>> open(Executor& executor, Connector& connector, unsigned media);
    bool empty() const { return pairs_.empty(); }

    /// What a SETUP said of where the server sends from: opens the way back through routers by a packet of
    /// nothing each way, once.
    void reach(const rtsp::SetupTrack& setup);
    void send_control(unsigned media, ByteSpan packet);

    /// Adds its sockets to the set; `drain` then reads those that rang.
    void add_to(ReadableSet& set);
    using Take = std::function<void(unsigned media, bool control, ByteSpan packet)>;
    /// `from` is the index of the first socket in the set; `buffer` is for one read.
    void drain(ReadableSet& set, std::size_t from, std::span<std::byte> buffer, const Take& take);

    const Counters& counters() const { return counters_; }

private:
    struct Pair {
        unsigned media = 0;
        DatagramLink link;
        PeerAddress rtp;    // the server's; nobody: not known
        PeerAddress rtcp;   // likewise, or where its RTCP came from
        bool reached = false;
    };
    void drain_one(Pair& pair, bool control, std::span<std::byte> buffer, const Take& take);
    static void send(Datagrams& socket, const PeerAddress& to, ByteSpan packet);

    PeerAddress server_;
    std::vector<Pair> pairs_;
    Counters counters_;
};

}   // namespace millrace::session
