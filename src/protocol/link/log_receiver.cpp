#include "protocol/link/log_receiver.hpp"

#include <algorithm>

namespace millrace::link {

void LogReceiver::say(const LogMessage& message) {
    // Answers and refusals always fit.
    (void)write(output_, message);
}

void LogReceiver::refuse(Errc code, std::string words) {
    say(Refusal{code, std::move(words)});
}

Result<> LogReceiver::receive(ByteSpan bytes, Instant) {
    received_ += bytes.size();
    return reader_.read(bytes, [this](LogMessage message) { return take(std::move(message)); });
}

Result<> LogReceiver::take(LogMessage message) {
    if (auto* const file = std::get_if<LogFile>(&message)) {
        std::erase_if(files_, [&](const File& one) { return one->id == file->id; });
        files_.push_back(std::make_shared<const LogFile>(std::move(*file)));
        if (files_.size() > files_max) {
            files_.pop_front();
        }
        return {};
    }
    if (const auto* const offer = std::get_if<LogOffer>(&message)) {
        return take_offer(*offer);
    }
    if (const auto* const piece = std::get_if<LogPiece>(&message)) {
        return take_piece(*piece);
    }
    if (auto* const gap = std::get_if<LogGap>(&message)) {
        events_.emplace_back(std::move(*gap));
        return {};
    }
    if (auto* const refusal = std::get_if<Refusal>(&message)) {
        events_.emplace_back(std::move(*refusal));
        return {};
    }
    return fail(Errc::malformed, "a message that is not for a server");
}

Result<> LogReceiver::take_offer(const LogOffer& offer) {
    const auto file = std::ranges::find(files_, offer.fragment.file, [](const File& one) { return one->id; });
    if (file == files_.end()) {
        return fail(Errc::malformed, "an offer from a file that was not said");
    }
    if (offers_.size() >= offers_max) {
        return fail(Errc::exhausted, "more offers at once than an uplink has");
    }
    if (!offers_.emplace(offer.serial, Offer{offer, *file}).second) {
        return fail(Errc::malformed, "two offers with one number");
    }
    events_.emplace_back(Offered{offer, *file});
    return {};
}

Result<> LogReceiver::take_piece(const LogPiece& piece) {
    const auto found = offers_.find(piece.serial);
    if (found == offers_.end() || !found->second.asked || found->second.whole) {
        return fail(Errc::malformed, "a piece of what was not wanted");
    }
    Offer& one = found->second;
    const std::uint64_t size = size_of(one);
    if (piece.bytes.size() > size - one.records.size()) {
        return fail(Errc::malformed, "a fragment that is longer than was offered");
    }
    one.records.insert(one.records.end(), piece.bytes.begin(), piece.bytes.end());
    if (one.records.size() == size) {
        one.whole = true;
        events_.emplace_back(
            Arrived{one.offer, one.file, Bytes{std::exchange(one.records, {})}, one.as == LogVerdict::lean});
    }
    return {};
}

/// Bytes that come of it.
std::uint64_t LogReceiver::size_of(const Offer& one) {
    return one.as == LogVerdict::lean ? one.offer.lean_size : one.offer.fragment.size;
}

void LogReceiver::want(Offer& one, std::uint32_t serial, LogVerdict as) {
    wanting_ -= std::exchange(one.asked, false) ? one.offer.fragment.size : 0;
    one.as = as == LogVerdict::lean && one.offer.lean_size > 0 ? as : LogVerdict::want;
    one.whole = false;
    wanted_.push_back(serial);
}

void LogReceiver::answer(std::uint32_t serial, LogVerdict verdict) {
    const auto found = offers_.find(serial);
    if (found == offers_.end()) {
        return;
    }
    if (verdict == LogVerdict::want || verdict == LogVerdict::lean) {
        want(found->second, serial, verdict);
    } else {
        std::erase(wanted_, serial);
        wanting_ -= found->second.asked ? found->second.offer.fragment.size : 0;
        offers_.erase(found);
        say(LogAnswer{serial, verdict});
    }
    ask_for_more();
}

void LogReceiver::ask_for_more() {
    while (!wanted_.empty()) {
        Offer& one = offers_.at(wanted_.front());
        const std::uint64_t size = one.offer.fragment.size;
        if (wanting_ > 0 && wanting_ + size > wanting_max) {
            return;
        }
        wanting_ += size;
        one.asked = true;
        say(LogAnswer{wanted_.front(), one.as});
        wanted_.pop_front();
    }
}

std::optional<LogReceiver::Event> LogReceiver::next_event() {
    if (events_.empty()) {
        return std::nullopt;
    }
    std::optional<Event> event{std::move(events_.front())};
    events_.pop_front();
    return event;
}

}   // namespace millrace::link
