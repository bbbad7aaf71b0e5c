#include "hub/segment_log.hpp"

#include <algorithm>
#include <ranges>

namespace millrace::hub {

namespace {

Duration duration_of(double seconds) {
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

}   // namespace

double SegmentEntry::seconds() const {
    double longest = parts.empty() ? lasts : 0;
    for (const media::SegmentPart& part : parts) {
        longest = std::max(longest, static_cast<double>(part.duration) / static_cast<double>(part.timescale));
    }
    return longest;
}

std::size_t SegmentEntry::bytes() const {
    std::size_t bytes = 0;
    for (const media::SegmentPart& part : parts) {
        bytes += part.bytes.size();
    }
    return bytes;
}

namespace {

media::SegmentPart init_part(std::string_view name, const Bytes& bytes) {
    media::SegmentPart part;
    part.name = name;
    part.bytes = bytes;
    return part;
}

}   // namespace

std::optional<media::SegmentPart> SegmentList::find(std::string_view name) const {
    for (const SegmentEntryRef& entry : segments | std::views::reverse) {
        for (const media::SegmentPart& part : entry->parts) {
            if (part.name == name) {
                return part;
            }
            if (part.init_name == name && !name.empty()) {
                return init_part(name, part.init);
            }
        }
    }
    return std::nullopt;
}

void SegmentLog::add(SegmentEntryRef entry, Facts facts, Instant now) {
    advance(now);
    if (list_ == nullptr && entry->parts.empty()) {
        return;   // nothing could be played of a list of gaps alone
    }
    // What lies between is not known here: the list begins anew, as if that had left it.
    while (!listed_.empty() && entry->cut.number != listed_.back().entry->cut.number + 1) {
        leave_list(now);
    }
    enter(*entry);
    listed_.push_back({std::move(entry)});
    while (listed_.size() > window_) {
        leave_list(now);
    }
    while (entries() > entries_max && !kept_.empty()) {
        drop_oldest_kept();
    }
    while (bytes_ > bytes_max && (!kept_.empty() || listed_.size() > listed_min)) {
        if (kept_.empty()) {
            leave_list(now);
        }
        drop_oldest_kept();
    }
    publish(std::move(facts));
}

// RFC 8216 §6.2.2: for its own duration and that of the longest list it stood in.
void SegmentLog::leave_list(Instant now) {
    Listed& oldest = listed_.front();
    const Duration span = duration_of(oldest.entry->seconds() + oldest.longest_list);
    kept_.push_back({std::move(oldest.entry), now + span});
    listed_.pop_front();
}

void SegmentLog::drop_oldest_kept() {
    forget(*kept_.front().entry);
    kept_.pop_front();
}

void SegmentLog::enter(const SegmentEntry& entry) {
    for (std::size_t i = 0; i < entry.parts.size(); ++i) {
        const media::SegmentPart& part = entry.parts[i];
        parts_[part.name] = {&entry, i};
        bytes_ += part.bytes.size();
        if (!part.init_name.empty()) {
            Init& init = inits_[part.init_name];
            init.bytes = part.init;
            ++init.users;
        }
    }
}

void SegmentLog::forget(const SegmentEntry& entry) {
    for (const media::SegmentPart& part : entry.parts) {
        bytes_ -= part.bytes.size();
        if (const auto found = parts_.find(part.name);
            found != parts_.end() && found->second.first == &entry) {
            parts_.erase(found);
        }
        const auto init = inits_.find(part.init_name);
        if (init != inits_.end() && --init->second.users == 0) {
            inits_.erase(init);
        }
    }
}

std::vector<media::Track> SegmentLog::tracks_of(const std::deque<Listed>& listed) {
    std::vector<media::Track> tracks;
    for (const Listed& one : listed) {
        for (const media::SegmentPart& part : one.entry->parts) {
            for (const media::Track& track : part.tracks) {
                const auto known = std::ranges::find(tracks, track.id, &media::Track::id);
                if (known == tracks.end()) {
                    tracks.push_back(track);
                } else {
                    *known = track;
                }
            }
        }
    }
    std::ranges::sort(tracks, {}, &media::Track::id);
    return tracks;
}

void SegmentLog::publish(Facts facts) {
    auto list = std::make_shared<SegmentList>();
    double seconds = 0;
    for (const Listed& one : listed_) {
        list->segments.push_back(one.entry);
        list->independent = list->independent && one.entry->cut.independent;
        seconds += one.entry->seconds();
    }
    for (Listed& one : listed_) {
        one.longest_list = std::max(one.longest_list, seconds);
    }
    list->target_duration = facts.target_duration;
    list->tracks = tracks_of(listed_);
    if (list->tracks.empty() && list_ != nullptr) {
        list->tracks = list_->tracks;   // gaps alone: it still carries what it did
    }
    list->rates = std::move(facts.rates);
    list->frame_rate = facts.frame_rate;
    list_ = std::move(list);
    give_to_parked();
}

void SegmentLog::give_to_parked() {
    for (Parked& parked : std::exchange(parked_, {})) {
        parked.reply.give(list_);
        given_ = true;
    }
    show();
}

void SegmentLog::end() {
    if (list_ != nullptr && !list_->ended) {
        auto ended = std::make_shared<SegmentList>(*list_);
        ended->ended = true;
        list_ = std::move(ended);
        give_to_parked();
    }
}

void SegmentLog::restart(Instant now) {
    while (!listed_.empty()) {
        leave_list(now);
    }
    list_.reset();
    given_ = false;
    show();
}

void SegmentLog::ask(Reply<SegmentListRef> reply, Patience patience) {
    if (list_ != nullptr && (given_ || list_->ended || listed_.size() >= listed_first)) {
        if (!std::exchange(given_, true)) {
            show();
        }
        reply.give(list_);
        return;
    }
    if (parked_.size() >= parked_max) {
        reply.give(fail(Errc::exhausted, "too many wait for the first segment of this stream"));
        return;
    }
    parked_.push_back({std::move(reply), list_ == nullptr ? patience.for_any : patience.for_second});
}

void SegmentLog::refuse_parked(Error error) {
    for (Parked& parked : std::exchange(parked_, {})) {
        parked.reply.give(std::unexpected(error));
    }
}

Result<media::SegmentPart> SegmentLog::find(const std::string& name, Instant now) {
    advance(now);
    if (const auto part = parts_.find(name); part != parts_.end()) {
        return part->second.first->parts[part->second.second];
    }
    if (const auto init = inits_.find(name); init != inits_.end()) {
        return init_part(name, init->second.bytes);
    }
    return fail(Errc::not_found, "no such segment, or no longer");
}

void SegmentLog::advance(Instant now) {
    while (!kept_.empty() && now >= kept_.front().until) {
        drop_oldest_kept();
    }
    if (list_ != nullptr && now >= deadline()) {
        give_to_parked();
    }
    while (!parked_.empty() && now >= parked_.front().deadline) {
        parked_.front().reply.give(fail(Errc::timed_out, "this stream has no segment yet"));
        parked_.pop_front();
    }
}

Instant SegmentLog::deadline() const {
    return parked_.empty() ? Instant::never() : parked_.front().deadline;
}

Duration SegmentLog::keeps_for() const {
    return listed_.empty() ? Duration{}
                           : duration_of(listed_.back().entry->seconds() + listed_.back().longest_list);
}

}   // namespace millrace::hub
