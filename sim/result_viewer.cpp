#include "sim/result_viewer.hpp"

#include "container/mp4_box.hpp"
#include "sim/trace.hpp"

#include <algorithm>
#include <charconv>

namespace millrace::sim {

ResultViewer::ResultViewer(World& world, ViewerPlan plan) : Viewer{world, std::move(plan)} {
    world_.start(run(*this));
}

Task<> ResultViewer::run(ResultViewer& self) {
    co_await self.wait_as_planned();
    self.come();
    const auto connection = self.world_.connect_http(self.plan_.link);
    Result<> going =
        co_await self.write(*connection, as_bytes("GET /live/cam.mp4 HTTP/1.1\r\nHost: host\r\n\r\n"));
    while (going) {
        std::array<std::byte, 16U << 10U> buffer;
        const Result<std::size_t> count = co_await self.read(*connection, buffer);
        going = count ? self.receive(std::span{buffer}.first(*count)) : std::unexpected(count.error());
    }
    self.finish(going.error());
}

Result<> ResultViewer::receive(ByteSpan bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    if (state_ == State::joining) {
        const std::size_t head = as_text(bytes_).find("\r\n\r\n");
        if (head == std::string_view::npos) {
            return {};
        }
        state_ = State::playing;
        bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(head + 4));
    }
    while (bytes_.size() >= mp4::box_header_size) {
        ByteReader reader{bytes_};
        const std::size_t size = reader.u32();
        const std::uint32_t type = reader.u32();
        if (size > bytes_.size()) {
            return {};
        }
        const Result<> taken = take_box(type, ByteSpan{bytes_}.first(size));
        bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(size));
        if (!taken) {
            return taken;
        }
    }
    return {};
}

Result<> ResultViewer::take_box(std::uint32_t type, ByteSpan box) {
    if (type == mp4::four_cc("emsg")) {
        constexpr std::string_view key = R"("frame":)";
        const std::string_view text = as_text(box);
        const std::size_t at = text.find(key) + key.size();
        std::uint64_t ordinal = 0;
        std::from_chars(text.data() + at, text.data() + text.size(), ordinal);
        results.emplace(ordinal, world_.now());
        return {};
    }
    for (;;) {
        const auto item = reader_.next(box);
        if (!item) {
            return std::unexpected(item.error());
        }
        if (!*item) {
            return {};
        }
        const auto* const unit = std::get_if<media::AccessUnit>(&**item);
        const Ledger::Entry* const sent =
            unit == nullptr ? nullptr : world_.ledger().find(hash_of(unit->payload));
        if (sent != nullptr && sent->kind == media::Kind::video) {
            pictures.emplace(sent->ordinal, world_.now());
        }
    }
}

std::vector<Duration> ResultViewer::delays(Instant from, Instant to) const {
    std::vector<Duration> delays;
    world_.ledger().each([&](std::uint64_t, const Ledger::Entry& sent) {
        const auto came = pictures.find(sent.ordinal);
        const bool meant = sent.kind == media::Kind::video && sent.at >= from && sent.at < to;
        if (meant && came != pictures.end()) {
            delays.push_back(came->second - sent.at);
        }
    });
    std::ranges::sort(delays);
    return delays;
}

}   // namespace millrace::sim
