#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::rtsp {

/// Two neighbours: of RTP and RTCP.
template <class T>
struct Pair {
    T rtp = 0;
    T rtcp = 0;
    bool operator==(const Pair&) const = default;
};
using Channels = Pair<std::uint8_t>;
using Ports = Pair<std::uint16_t>;

/// One choice of a Transport header, RFC 2326 §12.39. A `destination` that a client names is never read:
/// where packets go is where it was proved that they are wanted.
struct Transport {
    enum class Lower : std::uint8_t { tcp, udp, multicast };
    Lower lower = Lower::udp;
    std::optional<Channels> channels;
    std::optional<Ports> client_ports;
    std::optional<Ports> server_ports;   ///< of multicast: its ports
    std::optional<std::uint32_t> ssrc;
    std::string source;        ///< what a server said of where it sends from
    std::string destination;   ///< of multicast, as a server says it
    std::uint8_t ttl = 0;      ///< of multicast, as a server says it; 0: not said
    bool record = false;
};

inline constexpr std::size_t transports_max = 16;

/// The choices that can be used, in order. Left out: other profiles than RTP/AVP, channels beyond 255, ports
/// that are odd, no neighbours, or beyond 65535.
std::vector<Transport> read_transports(std::string_view header);
std::string write(const Transport& transport);

}   // namespace millrace::rtsp
