#include "apps/loadgen/dialogue.hpp"

#include "apps/loadgen/rtsp_dialogue.hpp"
#include "apps/loadgen/socket.hpp"
#include "apps/loadgen/verbs.hpp"
#include "base/byte_reader.hpp"
#include "container/flv_body.hpp"
#include "container/flv_tag.hpp"
#include "net/system_random.hpp"
#include "protocol/rtmp/client.hpp"

namespace millrace::loadgen {

namespace {

constexpr std::size_t response_head_max = 16U << 10U;

/// What a tag of FLV brings; nothing for those that only describe.
std::optional<CodedFrame> frame_of(const flv::Tag& tag) {
    constexpr unsigned frame_type_key = 1;
    if (tag.type == flv::TagType::script || tag.body.empty()) {
        return std::nullopt;
    }
    const bool video = tag.type == flv::TagType::video;
    ByteReader reader{tag.body};
    const Result<flv::BodyHead> head = video ? flv::read_video_head(reader) : flv::read_audio_head(reader);
    if (!head) {
        return CodedFrame{.video = video, .broken = true, .coded = {}};
    }
    if (head->packet != flv::Packet::coded) {
        return std::nullopt;
    }
    const std::size_t at = tag.body.size() - reader.remaining();
    return CodedFrame{
        .video = video,
        .key = video && (std::to_integer<unsigned>(tag.body.span()[0]) >> 4U & 7U) == frame_type_key,
        .coded = tag.body.slice(at, reader.remaining())};
}

/// HTTP: reads the tags of FLV, and nothing of other forms.
class FlvDialogue final : public Dialogue {
public:
    explicit FlvDialogue(const Url& url)
        : request_{fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\n\r\n", url.path, url.server.text())},
          is_flv_{url.path.substr(0, url.path.find('?')).ends_with(".flv")} {}

    Result<> receive(ByteSpan bytes, Instant /*now*/) override {
        if (!playing_) {
            const Result<ByteSpan> rest = receive_head(bytes);
            if (!rest) {
                return std::unexpected(rest.error());
            }
            bytes = *rest;
        }
        while (is_flv_) {
            Result<std::optional<flv::Tag>> tag = splitter_.next(bytes);
            if (!tag) {
                return std::unexpected(tag.error());
            }
            if (!*tag) {
                return {};
            }
            if (std::optional<CodedFrame> frame = frame_of(**tag)) {
                frames_.push_back(std::move(*frame));
            }
        }
        return {};   // of another form only the amount counts
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
    flv::Splitter splitter_;
    bool is_flv_;
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
                .tc_url = fmt::format("rtmp://{}/{}", url.server.text(), app),
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

std::unique_ptr<Dialogue> make_dialogue(const Url& url, Instant now) {
    if (url.scheme == "http") {
        return std::make_unique<FlvDialogue>(url);
    }
    if (url.scheme == "rtmp") {
        return std::make_unique<RtmpDialogue>(url, now);
    }
    if (url.scheme == "tcp") {
        return std::make_unique<BareDialogue>();
    }
    if (url.scheme == "udp") {
        return std::make_unique<BareDatagramDialogue>();
    }
    if (url.scheme == "rtsp" || url.scheme == "rtsp-udp") {
        return std::make_unique<RtspDialogue>(url, now);
    }
    throw Hindrance{fmt::format("{}:// is not spoken here", url.scheme)};
}

}   // namespace millrace::loadgen
