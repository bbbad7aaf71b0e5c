#pragma once

#include "base/bytes.hpp"
#include "base/connection.hpp"
#include "base/time.hpp"
#include "net/descriptor.hpp"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace millrace::loadgen {

/// `http://HOST:PORT/NAME.flv` (or `.mp4`, `.mjpeg`), `ws://HOST:PORT/NAME.mp4` (or `.flv`),
/// `rtmp://HOST:PORT/APP/KEY`, `rtsp://HOST:PORT/NAME`, the same inside TLS (`https`, `wss`, `rtmps`,
/// `rtsps`), `rtsp-udp://…` for its packets over UDP, or `tcp://HOST:PORT` and `udp://HOST:PORT` for a floor.
struct Url {
    std::string scheme;
    Endpoint server;
    std::string path;   ///< with its slash
};
Url parse_url(const std::string& text);
/// The same with `number` for the `{}` in its path, if there is one.
Url numbered(Url url, std::size_t number);

/// A picture or a sound as it came out of a form.
struct CodedFrame {
    bool video = false;
    bool key = false;
    bool broken = false;   ///< its form could not be read
    Bytes coded;           ///< of a picture: NAL units with 4-byte lengths
};

/// A viewer's end of a conversation: what it says until it plays, and the frames it is sent then.
class Dialogue {
public:
    virtual ~Dialogue() = default;
    virtual Result<> receive(ByteSpan bytes, Instant now) = 0;
    virtual std::vector<std::byte> next_output() = 0;
    virtual bool playing() const = 0;
    /// Its own sockets for datagrams, to be polled once it plays. A viewer that only counts takes them away.
    std::vector<net::Descriptor>& ears() { return ears_; }
    /// A datagram that came to one of them.
    virtual void hear(std::size_t /*ear*/, ByteSpan /*packet*/, Instant /*now*/) {}
    std::vector<CodedFrame> take_frames() { return std::exchange(frames_, {}); }

protected:
    std::vector<net::Descriptor> ears_;
    std::vector<CodedFrame> frames_;
};

/// Throws Hindrance for a scheme that we do not speak.
std::unique_ptr<Dialogue> make_dialogue(const Url& url, Instant now);

}   // namespace millrace::loadgen
