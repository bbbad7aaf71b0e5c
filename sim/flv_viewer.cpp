#include "sim/flv_viewer.hpp"

#include <charconv>

namespace millrace::sim {

FlvViewer::FlvViewer(World& world, ViewerPlan plan) : Viewer{world, std::move(plan)} {
    world_.start(run(*this));
}

Task<> FlvViewer::run(FlvViewer& self) {
    co_await self.wait_as_planned();
    self.come();
    const auto connection = self.world_.connect_http(self.plan_.link);
    Result<> going = co_await self.ask(*connection);
    while (going) {
        std::array<std::byte, 16U << 10U> buffer;
        const Result<std::size_t> count = co_await self.read(*connection, buffer);
        going = count ? self.receive(std::span{buffer}.first(*count)) : std::unexpected(count.error());
    }
    self.finish(going.error());
}

Task<Result<>> FlvViewer::ask(Connection& connection) {
    const std::string request = "GET /live/" + plan_.key + ".flv HTTP/1.1\r\nHost: host\r\n\r\n";
    co_return co_await write(connection, as_bytes(request));
}

Result<> FlvViewer::receive_head(ByteSpan& bytes) {
    while (!bytes.empty() && !head_.ends_with("\r\n\r\n")) {
        head_ += static_cast<char>(bytes.front());
        bytes = bytes.subspan(1);
    }
    if (!head_.ends_with("\r\n\r\n")) {
        return {};
    }
    constexpr std::size_t status_at = std::string_view{"HTTP/1.1 "}.size();
    std::from_chars(head_.data() + status_at, head_.data() + head_.size(), status_);
    if (status_ != 200) {
        state_ = State::refused;
        return fail(Errc::refused, "the server refused the viewer");
    }
    state_ = State::playing;
    return {};
}

Result<> FlvViewer::receive(ByteSpan bytes) {
    if (state_ == State::joining) {
        const Result<> read = receive_head(bytes);
        if (!read) {
            return read;
        }
    }
    while (!bytes.empty()) {
        const Result<std::optional<flv::Tag>> tag = splitter_.next(bytes);
        if (!tag) {
            return std::unexpected(tag.error());
        }
        if (*tag) {
            take(**tag);
        }
    }
    return {};
}

}   // namespace millrace::sim
