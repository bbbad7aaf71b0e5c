#include "sim/ledger.hpp"

#include "base/check.hpp"
#include "sim/trace.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

namespace millrace::sim {

namespace {

constexpr std::size_t faults_max = 8;   // the first few say what is wrong

std::string text_of(const Ledger::Entry& entry) {
    return fmt::format("{} {} of publication {}", entry.kind == media::Kind::video ? "picture" : "sound",
                       entry.ordinal, entry.publication);
}

}   // namespace

std::uint32_t Ledger::new_publication(std::string key) {
    publications_.push_back({.key = std::move(key)});
    return static_cast<std::uint32_t>(publications_.size());
}

void Ledger::write(std::uint32_t number, const Shot& shot, Instant at) {
    Publication& publication = publications_.at(number - 1);
    const media::Kind kind = shot.type == flv::TagType::video ? media::Kind::video : media::Kind::audio;
    std::uint64_t& count = publication.of_kind.at(kind == media::Kind::video ? 0 : 1);
    ++count;
    if (kind == media::Kind::video && !shot.key && publication.first_key + 1 == count) {
        ++publication.first_key;
    }
    const Entry entry{.publication = number,
                      .place = publication.units++,
                      .ordinal = shot.ordinal,
                      .kind = kind,
                      .key = shot.key,
                      .epoch = shot.epoch,
                      .dts_ms = shot.dts_ms,
                      .cts_ms = shot.cts_ms,
                      .at = at};
    check(entries_.emplace(shot.hash, entry).second, "every unit is unlike any other");
}

const Ledger::Entry* Ledger::find(std::uint64_t hash) const {
    const auto found = entries_.find(hash);
    return found == entries_.end() ? nullptr : &found->second;
}

void Account::fault(std::string text) {
    if (faults_.size() < faults_max) {
        faults_.push_back(std::move(text));
    }
}

void Account::rejoin() {
    tracks_[0].last = nullptr;
    tracks_[1].last = nullptr;
}

void Account::take(const media::AccessUnit& unit, Instant now) {
    const Ledger::Entry* const sent = ledger_.find(hash_of(unit.payload));
    if (sent == nullptr || sent->kind != unit.kind()) {
        fault(fmt::format("a unit of {} bytes that nobody published", unit.payload.size()));
        return;
    }
    Track& track = tracks_.at(index(sent->kind));
    if (unit.key != sent->key) {
        fault(text_of(*sent) + " is marked wrongly as key or not");
    }
    if (ledger_.publication(sent->publication).key != key_) {
        fault(text_of(*sent) + " is of another stream");
    }
    check_order(track, *sent);
    check_times(track, *sent, unit);
    if (publications_.empty() || publications_.back() != sent->publication) {
        publications_.push_back(sent->publication);
    }
    track.last = sent;
    ++track.units;
    ++units_;
    last_ = sent;
    last_at_ = now;
    delay_max_ = std::max(delay_max_, now - sent->at);
}

void Account::check_order(const Track& track, const Ledger::Entry& sent) {
    const bool goes_on = track.last != nullptr && track.last->publication == sent.publication;
    const bool video = sent.kind == media::Kind::video;
    if (last_ != nullptr && last_->publication > sent.publication) {
        fault(text_of(sent) + " after one of a later publication");
    } else if (last_ != nullptr && last_->publication == sent.publication && last_->place >= sent.place) {
        fault(text_of(sent) + " after " + text_of(*last_));
    }
    std::uint64_t expected = sent.ordinal;   // a newcomer may begin anywhere
    if (goes_on) {
        expected = track.last->ordinal + 1;
    } else if (track.last != nullptr) {
        expected = video ? ledger_.publication(sent.publication).first_key : 0;
    }
    if (video && !sent.key && (!goes_on || sent.ordinal != expected)) {
        fault(text_of(sent) + " is no key picture and follows none");
    }
    if (sent.ordinal > expected) {
        missing_ += sent.ordinal - expected;
        ++holes_;
    }
}

void Account::check_times(Track& track, const Ledger::Entry& sent, const media::AccessUnit& unit) {
    const std::int64_t dts_ms = unit.dts_ms();
    if (track.last != nullptr) {
        if (dts_ms <= track.dts_ms) {
            fault(fmt::format("{} goes back in time, from {} to {} ms", text_of(sent), track.dts_ms, dts_ms));
        }
        step_max_ms_ = std::max(step_max_ms_, dts_ms - track.dts_ms);
    }
    if (unit.pts_ms() - dts_ms != sent.cts_ms) {
        fault(fmt::format("{} is shown {} ms after it is decoded, not {}", text_of(sent),
                          unit.pts_ms() - dts_ms, sent.cts_ms));
    }
    track.dts_ms = dts_ms;
    track.offset_ms = dts_ms - sent.dts_ms;
    const auto error = static_cast<std::int32_t>(static_cast<std::uint32_t>(track.offset_ms));
    // Audio advances by samples from the first frame's whole millisecond on.
    if (std::abs(error) > (sent.kind == media::Kind::video ? 0 : 1)) {
        ++moved_;
    }
    const Track& other = tracks_.at(sent.kind == media::Kind::video ? 1 : 0);
    if (other.last != nullptr && other.last->publication == sent.publication &&
        other.last->epoch == sent.epoch) {
        skew_max_ms_ = std::max(skew_max_ms_, std::abs(track.offset_ms - other.offset_ms));
    }
}

}   // namespace millrace::sim
