#include "container/ts_reader.hpp"

#include "container/ts_elementary.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace millrace::ts {
namespace {

/// A stream of a map that we read.
struct Wanted {
    const MapEntry* entry;
    media::Codec codec;
    media::ConfigRef config;   ///< where the map itself says it
};

/// At most streams_max, each PID once.
std::vector<Wanted> choose(const ProgrammeMap& map, Pid map_pid) {
    std::vector<Wanted> wanted;
    for (const MapEntry& entry : map.streams) {
        const std::optional<media::Codec> codec = codec_of(entry.stream_type, entry.descriptors);
        const bool again = std::ranges::any_of(
            wanted, [&entry](const Wanted& stream) { return stream.entry->pid == entry.pid; });
        if (codec && !again && entry.pid != map_pid && wanted.size() < streams_max) {
            wanted.push_back({&entry, *codec, config_of(*codec, entry.descriptors)});
        }
    }
    return wanted;
}

auto find(Streams& streams, Pid pid) {
    return std::ranges::find_if(
        streams, [pid](const auto& stream) { return stream != nullptr && stream->pid() == pid; });
}

bool goes_on(const ElementaryReader& reader, const Wanted& stream) {
    const bool same_config = stream.config == nullptr || (reader.track().config != nullptr &&
                                                          reader.track().config->same_coding(*stream.config));
    return reader.codec() == stream.codec && same_config;
}

/// The first such stream.
auto klv_of(const ProgrammeMap& map) {
    return std::ranges::find_if(map.streams,
                                [](const MapEntry& one) { return is_klv(one.stream_type, one.descriptors); });
}

std::unique_ptr<ElementaryReader> make_stream(const Wanted& stream, media::TrackId id, ReaderShared& shared) {
    const media::Kind kind = media::kind_of(stream.codec);
    const auto make = kind == media::Kind::video ? read_pictures : read_frames;
    return make({.pid = stream.entry->pid,
                 .codec = stream.codec,
                 .track = {.id = id, .kind = kind, .config = stream.config}},
                shared);
}

}   // namespace

std::optional<Item> Reader::next(ByteSpan& input) {
    for (;;) {
        if (!shared_->items.empty()) {
            Item item = std::move(shared_->items.front());
            shared_->items.pop_front();
            return item;
        }
        const std::uint64_t losses = finder_.losses();
        const ByteSpan packet = finder_.next(input);
        if (finder_.losses() != losses) {
            // The packet before may have been cut short, and nothing in it says so.
            std::ranges::for_each(streams_, [](const auto& stream) { stream->lose(); });
            if (klv_ != nullptr) {
                klv_->lose();
            }
        }
        if (!packet.empty()) {
            take(packet);
        } else if (!flush()) {
            return std::nullopt;
        }
    }
}

void Reader::end() {
    finder_.end();
    ended_ = true;
}

/// Once, when all packets are read after the end. Whether it was now.
bool Reader::flush() {
    if (!std::exchange(ended_, false)) {
        return false;
    }
    for (const auto& stream : streams_) {
        stream->flush();
    }
    return true;
}

ReaderCounters Reader::counters() const {
    ReaderCounters counters = shared_->counters;
    counters.sync_losses = finder_.losses();
    counters.sections_refused =
        tables_refused_ + programmes_.refused() + map_.refused() + services_.refused();
    return counters;
}

void Reader::take(ByteSpan bytes) {
    const Result<Packet> packet = read_packet(bytes);
    ++shared_->counters.packets;
    if (!packet || packet->damaged || packet->scrambled) {
        ++shared_->counters.packets_refused;
        return;
    }
    if (packet->pid == pat_pid) {
        take_programmes(*packet);
        return;
    }
    if (packet->pid == sdt_pid) {
        take_services(*packet);
        return;
    }
    if (programme_ && packet->pid == programme_->map_pid) {
        for (const Bytes& section : map_.take(*packet)) {
            take_map(section);
        }
        return;
    }
    const bool carries_clock = packet->pid == clock_pid_;
    const auto stream = std::ranges::find(streams_, packet->pid, &ElementaryReader::pid);
    if (stream != streams_.end()) {
        (*stream)->take(*packet, carries_clock);
    } else if (klv_ != nullptr && klv_->pid() == packet->pid) {
        klv_->take(*packet);
    } else if (carries_clock && packet->discontinuity) {
        ++shared_->discontinuities;
    }
}

void Reader::take_programmes(const Packet& packet) {
    for (const Bytes& section : programmes_.take(packet)) {
        const Result<std::vector<Programme>> programmes = read_pat(section);
        if (!programmes) {
            ++tables_refused_;
            continue;
        }
        const bool goes_on = programme_ && std::ranges::find(*programmes, *programme_) != programmes->end();
        if (!goes_on && !programmes->empty()) {
            running_ = Running::undefined;
            tables_refused_ += map_.refused();
            map_ = {};
            map_section_ = {};
            programme_ = programmes->front();
        }
    }
}

void Reader::take_map(ByteSpan section) {
    if (std::ranges::equal(section, map_section_)) {
        return;
    }
    const Result<ProgrammeMap> map = read_pmt(section);
    if (!map || map->programme != programme_->number) {
        ++tables_refused_;
        return;
    }
    map_section_ = Bytes::copy(section);
    clock_pid_ = map->clock_pid;
    take_streams(*map);
    take_klv(*map);
}

void Reader::take_klv(const ProgrammeMap& map) {
    const auto entry = klv_of(map);
    if (entry == map.streams.end() || entry->pid == programme_->map_pid) {
        klv_.reset();
        return;
    }
    const bool in_cells = entry->stream_type == static_cast<std::uint8_t>(StreamType::metadata);
    if (klv_ == nullptr || klv_->pid() != entry->pid || klv_->in_cells() != in_cells) {
        klv_ = std::make_unique<KlvReader>(entry->pid, in_cells, *shared_);
    }
}

/// A service is believed to have stopped only if it ran before: many senders never say it well.
void Reader::take_services(const Packet& packet) {
    for (const Bytes& section : services_.take(packet)) {
        const Result<Running> running = programme_ ? read_running(section, programme_->number)
                                                   : fail(Errc::not_found, "no programme yet");
        if (!running) {
            continue;   // it may describe other transport streams
        }
        const Running before = std::exchange(running_, *running);
        if (before == Running::yes && running_ == Running::no) {
            std::ranges::for_each(streams_, [](const auto& stream) { stream->flush(); });
            shared_->items.emplace_back(Stopped{});
        }
    }
}

/// Streams that go on keep what they have begun; of the others the last unit is given, if it is whole. A PID
/// keeps its track, also with another codec.
void Reader::take_streams(const ProgrammeMap& map) {
    const std::vector<Wanted> wanted = choose(map, programme_->map_pid);
    Streams before = std::exchange(streams_, {});
    std::array<bool, streams_max> used{};
    for (const Wanted& stream : wanted) {
        const auto known = find(before, stream.entry->pid);
        if (known != before.end()) {
            used.at((*known)->track().id) = true;
        }
    }
    for (const Wanted& stream : wanted) {
        const auto known = find(before, stream.entry->pid);
        if (known != before.end() && goes_on(**known, stream)) {
            streams_.push_back(std::move(*known));
            continue;
        }
        const auto unused = static_cast<std::size_t>(std::ranges::find(used, false) - used.begin());
        const std::size_t id = known != before.end() ? (*known)->track().id : unused;
        used.at(id) = true;
        streams_.push_back(make_stream(stream, static_cast<media::TrackId>(id), *shared_));
    }
    bool changed = streams_.size() != before.size();
    for (const auto& stream : before) {
        if (stream != nullptr) {
            stream->flush();
            changed = true;
        }
    }
    if (!changed) {
        return;   // another version that says the same
    }
    Announced announced{.tracks = {}, .klv = klv_of(map) != map.streams.end()};
    for (const auto& stream : streams_) {
        announced.tracks.push_back(stream->track());
    }
    shared_->items.emplace_back(std::move(announced));
}

}   // namespace millrace::ts
