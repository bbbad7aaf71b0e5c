#include "apps/loadgen/dialogue.hpp"

#include "apps/loadgen/form_reader.hpp"
#include "apps/loadgen/rtsp_dialogue.hpp"
#include "apps/loadgen/socket.hpp"
#include "apps/loadgen/verbs.hpp"
#include "net/system_random.hpp"
#include "protocol/rtmp/client.hpp"
#include "protocol/ws/client.hpp"

namespace millrace::loadgen {

namespace {

constexpr std::size_t response_head_max = 16U << 10U;

/// HTTP, of bodies that are sent as they are and not in chunks.
class HttpDialogue final : public Dialogue {
public:
    explicit HttpDialogue(const Url& url)
        : request_{fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\n\r\n", url.path, url.server.text())},
          reader_{form_reader(url.path)} {}

    Result<> receive(ByteSpan bytes, Instant /*now*/) override {
        if (!playing_) {
            const Result<ByteSpan> rest = receive_head(bytes);
            if (!rest) {
                return std::unexpected(rest.error());
            }
            bytes = *rest;
        }
        return reader_ == nullptr ? Result<>{} : reader_->read(bytes, frames_);
    }
    std::vector<std::byte> next_output() override {
        const ByteSpan request = as_bytes(request_);
        std::vector<std::byte> output(request.begin(), request.end());
        request_.clear();
        return output;
    }
    bool playing() const override { return playing_; }

private:
    /// What follows the response's head, or nothing while that is not whole.
    Result<ByteSpan> receive_head(ByteSpan bytes) {
        const std::size_t known = head_.size();
        head_ += as_text(bytes);
        const std::size_t end = head_.find("\r\n\r\n");
        if (end == std::string::npos) {
            return head_.size() > response_head_max
                       ? Result<ByteSpan>{fail(Errc::malformed, "an endless response head")}
                       : ByteSpan{};
        }
        if (!head_.starts_with("HTTP/1.1 200 ")) {
            return fail(Errc::refused, "the server did not answer 200");
        }
        playing_ = true;
        return bytes.subspan(end + 4 - known);
    }

    std::string request_;
    std::string head_;
    std::unique_ptr<FormReader> reader_;
    bool playing_ = false;
};

/// A WebSocket whose messages of bytes are the form's bytes; words are passed over.
class WebSocketDialogue final : public Dialogue {
public:
    WebSocketDialogue(const Url& url, Instant now)
        : client_{{.host = url.server.text(), .target = url.path}, random_, now},
          reader_{form_reader(url.path)} {}

    Result<> receive(ByteSpan bytes, Instant now) override {
        if (const Result<> received = client_.receive(bytes, now); !received) {
            return received;
        }
        while (std::optional<ws::Client::Event> event = client_.next_event()) {
            if (const Result<> taken = take(*event); !taken) {
                return taken;
            }
        }
        return {};
    }
    std::vector<std::byte> next_output() override { return client_.next_output(); }
    bool playing() const override { return playing_; }

private:
    Result<> take(const ws::Client::Event& event) {
        if (std::holds_alternative<ws::Closed>(event)) {
            return fail(Errc::closed, "the server ended the WebSocket");
        }
        playing_ = true;
        const auto* message = std::get_if<ws::Message>(&event);
        return message == nullptr || message->kind != ws::Opcode::binary || reader_ == nullptr
                   ? Result<>{}
                   : reader_->read(message->payload, frames_);
    }

    net::SystemRandom random_;
    ws::Client client_;
    std::unique_ptr<FormReader> reader_;
    bool playing_ = false;
};

class RtmpDialogue final : public Dialogue {
public:
    RtmpDialogue(const Url& url, Instant now) : client_{random_, options(url), now} {}

    Result<> receive(ByteSpan bytes, Instant now) override {
        if (const Result<> received = client_.receive(bytes, now); !received) {
            return received;
        }
        while (std::optional<rtmp::Client::Event> event = client_.next_event()) {
            if (auto* media = std::get_if<rtmp::Media>(&*event)) {
                if (std::optional<CodedFrame> frame = frame_of(rtmp::tag_of(std::move(*media)))) {
                    frames_.push_back(std::move(*frame));
                }
            } else if (std::holds_alternative<rtmp::Client::Refused>(*event)) {
                return fail(Errc::refused, "the server refused the player");
            } else if (std::holds_alternative<rtmp::Client::Ended>(*event)) {
                return fail(Errc::closed, "the stream ended");
            }
            playing_ = playing_ || std::holds_alternative<rtmp::Client::PlayStarted>(*event);
        }
        return {};
    }
    std::vector<std::byte> next_output() override { return client_.next_output(); }
    bool playing() const override { return playing_; }

private:
    static rtmp::Client::Options options(const Url& url) {
        const std::size_t slash = url.path.find('/', 1);
        if (slash == std::string::npos) {
            throw Hindrance{"an RTMP address has an application and a key: rtmp://HOST:PORT/live/cam"};
        }
        const std::string app = url.path.substr(1, slash - 1);
        return {.role = rtmp::Client::Role::play,
                .app = app,
                .tc_url = fmt::format("{}://{}/{}", url.scheme, url.server.text(), app),
                .key = url.path.substr(slash + 1)};
    }

    net::SystemRandom random_;
    rtmp::Client client_;
    bool playing_ = false;
};

/// A floor sends at once and says nothing that could be read.
class BareDialogue final : public Dialogue {
public:
    Result<> receive(ByteSpan, Instant) override { return {}; }
    std::vector<std::byte> next_output() override { return {}; }
    bool playing() const override { return true; }
};

/// A floor over UDP is told where to send.
class BareDatagramDialogue final : public Dialogue {
public:
    BareDatagramDialogue() {
        ears_.push_back(datagram_socket(0));
        hello_ = fmt::format("{:05}", local_port(ears_.front().number()));
    }
    Result<> receive(ByteSpan, Instant) override { return {}; }
    std::vector<std::byte> next_output() override {
        const ByteSpan hello = as_bytes(hello_);
        std::vector<std::byte> output(hello.begin(), hello.end());
        hello_.clear();
        return output;
    }
    bool playing() const override { return true; }

private:
    std::string hello_;
};

}   // namespace

Url parse_url(const std::string& text) {
    const std::size_t scheme = text.find("://");
    if (scheme == std::string::npos) {
        throw Hindrance{fmt::format("{} is no address such as http://127.0.0.1:8080/live/cam.flv", text)};
    }
    const std::size_t authority = scheme + 3;
    const std::size_t path = std::min(text.find('/', authority), text.size());
    return {.scheme = text.substr(0, scheme),
            .server = parse_endpoint(text.substr(authority, path - authority)),
            .path = path == text.size() ? "/" : text.substr(path)};
}

Url numbered(Url url, std::size_t number) {
    constexpr std::string_view mark = "{}";
    if (const std::size_t at = url.path.find(mark); at != std::string::npos) {
        url.path.replace(at, mark.size(), std::to_string(number));
    }
    return url;
}

std::unique_ptr<Dialogue> make_dialogue(const Url& url, Instant now) {
    if (url.scheme == "http" || url.scheme == "https") {
        return std::make_unique<HttpDialogue>(url);
    }
    if (url.scheme == "ws" || url.scheme == "wss") {
        return std::make_unique<WebSocketDialogue>(url, now);
    }
    if (url.scheme == "rtmp" || url.scheme == "rtmps") {
        return std::make_unique<RtmpDialogue>(url, now);
    }
    if (url.scheme == "tcp") {
        return std::make_unique<BareDialogue>();
    }
    if (url.scheme == "udp") {
        return std::make_unique<BareDatagramDialogue>();
    }
    if (url.scheme == "rtsp" || url.scheme == "rtsps" || url.scheme == "rtsp-udp") {
        return std::make_unique<RtspDialogue>(url, now);
    }
    throw Hindrance{fmt::format("{}:// is not spoken here", url.scheme)};
}

}   // namespace millrace::loadgen
