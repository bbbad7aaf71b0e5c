#include "protocol/link/log_sender.hpp"

#include <algorithm>

namespace millrace::link {

bool LogSender::has_room(bool fresh) const {
    std::size_t count = 0;
    std::size_t held = 0;
    for (const auto& [serial, one] : offers_) {
        count += one.goods.fresh == fresh ? 1 : 0;
        held += one.goods.fresh == fresh ? one.held() : 0;
    }
    return count == 0 || (count < offers_max && held < (fresh ? fresh_held_max : held_max));
}

Result<> LogSender::offer(const LogFile& file, const LogFragment& fragment, Goods goods) {
    if (goods.records.size() != fragment.size || fragment.size > log_fragment_max) {
        return fail(Errc::exhausted, "a fragment is larger than an uplink carries");
    }
    if (said_ != file) {
        if (Result<> said = write(output_, LogMessage{file}); !said) {
            return said;
        }
        said_ = file;
    }
    const std::uint32_t serial = next_serial_++;
    if (goods.lean.size() >= goods.records.size() || goods.lean.size() > log_lean_max) {
        goods.lean = {};
    }
    const auto lean_size = static_cast<std::uint32_t>(goods.lean.size());
    Result<> said = write(output_, LogMessage{LogOffer{serial, lean_size, fragment, goods.hash}});
    if (said) {
        offers_.emplace(serial, Offer{fragment, std::move(goods)});
    }
    return said;
}

bool LogSender::is_offered(std::uint64_t file, std::uint64_t place) const {
    return std::ranges::any_of(offers_, [&](const auto& one) {
        return one.second.fragment.file == file && one.second.fragment.place == place;
    });
}

Result<> LogSender::receive(ByteSpan bytes, Instant) {
    return reader_.read(bytes, [this](LogMessage message) { return take(std::move(message)); });
}

Result<> LogSender::take(LogMessage message) {
    if (const auto* const answer = std::get_if<LogAnswer>(&message)) {
        return take_answer(*answer);
    }
    if (auto* const refusal = std::get_if<Refusal>(&message)) {
        events_.emplace_back(std::move(*refusal));
        return {};
    }
    return fail(Errc::malformed, "a message that is not for an edge");
}

Result<> LogSender::take_answer(const LogAnswer& answer) {
    const auto found = offers_.find(answer.serial);
    if (found == offers_.end()) {
        return fail(Errc::malformed, "an answer to nothing that was offered");
    }
    if (answer.verdict == LogVerdict::want || answer.verdict == LogVerdict::lean) {
        Offer& one = found->second;
        const bool first = one.as == LogVerdict::later;
        const bool after_lean = one.as == LogVerdict::lean && one.at == one.goods.lean.size();
        if (answer.verdict == LogVerdict::lean ? !first || one.goods.lean.empty() : !first && !after_lean) {
            return fail(Errc::malformed, "a fragment that is wanted twice");
        }
        one.as = answer.verdict;
        one.at = 0;
        queue(answer.serial);
        return {};
    }
    events_.emplace_back(Settled{found->second.fragment, answer.verdict});
    std::erase(wanted_, answer.serial);
    offers_.erase(found);
    return {};
}

void LogSender::queue(std::uint32_t serial) {
    const bool fresh = offers_.at(serial).goods.fresh;
    const auto before = std::ranges::find_if(wanted_, [&](std::uint32_t other) {
        const Offer& one = offers_.at(other);
        return fresh && !one.goods.fresh && one.at == 0;
    });
    wanted_.insert(before, serial);
}

std::optional<LogSender::Event> LogSender::next_event() {
    if (events_.empty()) {
        return std::nullopt;
    }
    std::optional<Event> event{std::move(events_.front())};
    events_.pop_front();
    return event;
}

std::vector<std::byte> LogSender::next_output() {
    if (output_.empty() && allowed_ > 0 && !wanted_.empty()) {
        Offer& offer = offers_.at(wanted_.front());
        const Bytes& wanted = offer.wanted();
        const std::size_t size = std::min({log_piece_max, allowed_, wanted.size() - offer.at});
        // It fits: it is no larger than a piece.
        (void)write(output_, LogMessage{LogPiece{wanted_.front(), wanted.slice(offer.at, size)}});
        offer.at += size;
        allowed_ -= size;
        sent_ += size;
        if (offer.at == wanted.size()) {
            events_.emplace_back(Left{offer.fragment});
            wanted_.pop_front();
        }
    }
    return std::exchange(output_, {});
}

}   // namespace millrace::link
