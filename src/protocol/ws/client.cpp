#include "protocol/ws/client.hpp"

#include "base/byte_writer.hpp"
#include "protocol/ws/handshake.hpp"

#include <charconv>

namespace millrace::ws {

static_assert(ProtocolMachine<Client>);

namespace {

/// The value of a header in an answer's head; empty if it is not there.
std::string_view header_in(std::string_view head, std::string_view name) {
    while (!head.empty()) {
        const std::string_view line = head.substr(0, head.find("\r\n"));
        head.remove_prefix(std::min(line.size() + 2, head.size()));
        const std::size_t colon = line.find(':');
        if (colon != std::string_view::npos && web::same_name(line.substr(0, colon), name)) {
            const std::string_view value = line.substr(colon + 1);
            return value.substr(std::min(value.find_first_not_of(' '), value.size()));
        }
    }
    return {};
}

}   // namespace

Client::Client(const Options& options, Random& random, Instant now)
    : conversation_{{.message_size_max = options.message_size_max}, random}, deadline_{now + open_timeout} {
    std::array<std::byte, 16> nonce;
    random.fill(nonce);
    const std::string key = key_of(nonce);
    accept_ = accept_of(key);
    std::string more = options.origin.empty() ? "" : "Origin: " + options.origin + "\r\n";
    for (const web::Header& header : options.headers) {
        more += header.name + ": " + header.value + "\r\n";
    }
    ByteWriter{request_}.text(
        fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\n"
                    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                    "Sec-WebSocket-Key: {}\r\n{}\r\n",
                    options.target, options.host, key, more));
}

Result<> Client::receive(ByteSpan bytes, Instant now) {
    if (!open_) {
        if (auto read = read_answer(bytes); !read) {
            return read;
        }
    }
    return open_ ? conversation_.receive(bytes, now) : Result<>{};
}

Result<> Client::read_answer(ByteSpan& bytes) {
    while (!bytes.empty() && !answer_.ends_with("\r\n\r\n")) {
        if (answer_.size() == answer_size_max) {
            return fail(Errc::exhausted, "the server's answer is too long");
        }
        answer_ += static_cast<char>(bytes.front());
        bytes = bytes.subspan(1);
    }
    if (!answer_.ends_with("\r\n\r\n")) {
        return {};
    }
    constexpr std::size_t status_at = std::string_view{"HTTP/1.1 "}.size();
    if (answer_.starts_with("HTTP/1.") && answer_.size() > status_at) {
        std::from_chars(answer_.data() + status_at, answer_.data() + answer_.size(), status_);
    }
    if (status_ != 101) {
        return fail(Errc::refused, "the server does not open a WebSocket here");
    }
    if (header_in(answer_, "Sec-WebSocket-Accept") != accept_) {
        return fail(Errc::malformed, "the server's Sec-WebSocket-Accept is wrong");
    }
    open_ = true;
    return {};
}

Result<> Client::advance(Instant now) {
    if (open_) {
        return conversation_.advance(now);
    }
    return now < deadline_ ? Result<>{} : fail(Errc::timed_out, "the server does not answer");
}

std::optional<Client::Event> Client::next_event() {
    if (open_ && !std::exchange(told_, true)) {
        return Opened{};
    }
    auto event = conversation_.next_event();
    if (!event) {
        return std::nullopt;
    }
    return std::visit([](auto& one) { return Event{std::move(one)}; }, *event);
}

std::vector<std::byte> Client::next_output() {
    return open_ ? conversation_.next_output() : std::exchange(request_, {});
}

}   // namespace millrace::ws
