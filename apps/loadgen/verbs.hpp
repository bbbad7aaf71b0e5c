#pragma once

#include "base/connection.hpp"
#include "base/time.hpp"

#include <cstddef>
#include <string>

/// The load generator's verbs. Each runs to its end, prints JSON lines and returns the exit code; a setting
/// that makes no sense and a peer that is not there are exceptions, which `main` prints.
namespace millrace::loadgen {

/// The bytes of one second of video: a key frame, and the rest of the rate in equal pictures.
struct Rate {
    static constexpr std::size_t key_size_max = 80'000;
    std::size_t kbps = 2'000;
    double frames_per_second = 30;
    double gop_seconds = 1;

    std::size_t bytes_per_gop() const;
    std::size_t key_size() const;
    std::size_t picture_size() const;
    int pictures_per_gop() const;
};

/// `loadgen publish`: a synthetic stream over RTMP, or over RTSP by TCP, by many at once.
struct PublishOptions {
    std::string rtmp;   ///< HOST:PORT; one of the two
    std::string rtsp;
    std::string name;   ///< APP/KEY; of several publishers with a number behind
    std::size_t publishers = 1;
    Rate rate;
    bool audio = false;
    double seconds = 0;   ///< 0: until SIGINT or SIGTERM
};
int publish_by_rtmp(const PublishOptions& options);
int publish_by_rtsp(const PublishOptions& options);

/// `loadgen view`: many viewers of a stream, or of many, and what they got.
struct ViewOptions {
    std::string url;
    std::size_t viewers = 1;
    std::size_t streams =
        1;   ///< that they are dealt to, by a number for the `{}` of the URL; probes: the first
    std::size_t probes = 2;    ///< further ones, which read what they get
    std::size_t stalled = 0;   ///< of the viewers: read nothing once they play
    std::size_t slow = 0;      ///< of the viewers: read `slow_kbps` at most
    std::size_t slow_kbps = 500;
    double ramp = 500;      ///< connections a second
    double rest = 3;        ///< seconds between the last connection and the window
    double seconds = 8;     ///< of the window; a whole number of GOPs measures best
    double lazy_ms = 4;     ///< sleep between two looks at the sockets, which keeps our wakes off the server
    bool patient = false;   ///< stays after the window until standard input ends
};
int view(const ViewOptions& options);

/// `loadgen hls`: many viewers of a live HLS stream, each on a connection of its own, as players do it: the
/// list every half target duration, then the segments that are new.
struct HlsOptions {
    std::string url;   ///< of the list, multivariant or not
    std::size_t viewers = 1;
    double ramp = 200;    ///< connections a second
    double rest = 3;      ///< seconds between the last connection and the window
    double seconds = 8;   ///< of the window
    double lazy_ms = 4;
};
int watch_hls(const HlsOptions& options);

/// `loadgen ask`: the same request over and over on kept connections.
struct AskOptions {
    std::string url;
    std::size_t connections = 1;
    double seconds = 5;
    bool conditional = false;   ///< with the tag of the last answer
};
int ask(const AskOptions& options);

/// `loadgen floor`: what no server can undercut.
struct FloorOptions {
    std::size_t viewers = 1;
    double beat_ms = 1000.0 / 30;
    Rate rate;
    std::size_t extra_kbps = 0;   ///< audio and framing, spread over all beats
    bool datagrams = false;       ///< by UDP, in packets of one size that the kernel cuts
};
int floor(const FloorOptions& options);

/// `loadgen sink`: the same for who publishes: it lets them in, and then only reads what comes.
struct SinkOptions {
    bool rtsp = false;   ///< else RTMP
};
int sink(const SinkOptions& options);

/// `HOST:PORT` or `[HOST]:PORT`, numeric.
Endpoint parse_endpoint(const std::string& text);
/// The monotonic clock.
Instant now();

}   // namespace millrace::loadgen
