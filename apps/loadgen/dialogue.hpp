#pragma once

#include "base/connection.hpp"
#include "base/time.hpp"
#include "container/flv_tag.hpp"

#include <memory>
#include <string>
#include <vector>

namespace millrace::loadgen {

/// `http://HOST:PORT/NAME.flv` (or `.mjpeg`), `rtmp://HOST:PORT/APP/KEY`, or `tcp://HOST:PORT` for a floor.
struct Url {
    std::string scheme;
    Endpoint server;
    std::string path;   ///< with its slash
};
Url parse_url(const std::string& text);

/// A viewer's end of a conversation: what it says until it plays, and the tags it is sent then.
class Dialogue {
public:
    virtual ~Dialogue() = default;
    virtual Result<> receive(ByteSpan bytes, Instant now) = 0;
    virtual std::vector<std::byte> next_output() = 0;
    virtual bool playing() const = 0;
    std::vector<flv::Tag> take_tags() { return std::exchange(tags_, {}); }

protected:
    std::vector<flv::Tag> tags_;
};

/// Throws Hindrance for a scheme that we do not speak.
std::unique_ptr<Dialogue> make_dialogue(const Url& url, Instant now);

}   // namespace millrace::loadgen
