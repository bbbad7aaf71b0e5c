#include "archive/lean.hpp"

#include "archive/chunk_file.hpp"
#include "archive/uplinked.hpp"
#include "base/byte_writer.hpp"
#include "container/mp4_box.hpp"
#include "container/mp4_chunk.hpp"
#include "container/mp4_event.hpp"

#include <algorithm>

namespace millrace::archive {

namespace {

using mp4::four_cc;

constexpr auto cut = std::byte{0};
constexpr auto whole = std::byte{1};
constexpr auto named = std::byte{2};   // results, by their keys

void append(std::vector<std::byte>& out, ByteSpan bytes) {
    out.insert(out.end(), bytes.begin(), bytes.end());
}

/// A sample of a chunk as its trun has it.
struct ListedSample {
    std::int64_t dts = 0;
    std::size_t size = 0;
};

/// trun, ISO/IEC 14496-12 §8.8.8, as we write it (mp4::fragment_head).
Result<std::vector<ListedSample>> read_trun(const mp4::Box& box, std::int64_t dts) {
    constexpr std::uint32_t data_offset_duration_size_flags = 0x701;
    constexpr std::uint32_t composition_offset = 0x800;
    constexpr std::size_t flags_size = 4;
    mp4::FullBox trun{box};
    const std::size_t count = trun.reader.u32();
    trun.reader.skip(flags_size);   // data offset
    const std::size_t behind = flags_size * ((trun.flags & composition_offset) != 0 ? 2 : 1);
    const std::size_t entry = 2 * flags_size + behind;
    if ((trun.flags & ~composition_offset) != data_offset_duration_size_flags ||
        count * entry != trun.reader.remaining()) {
        return fail(Errc::malformed, "samples that are not listed as ours are");
    }
    std::vector<ListedSample> samples;
    while (!trun.reader.at_end()) {
        const std::uint32_t duration = trun.reader.u32();
        samples.push_back({dts, trun.reader.u32()});
        trun.reader.skip(behind);
        dts += duration;
    }
    return samples;
}

/// The samples of a chunk whose boxes up to its mdat's header are these.
Result<std::vector<ListedSample>> samples_of(ByteSpan front, std::int64_t dts) {
    std::vector<ListedSample> samples;
    mp4::BoxPath path;
    const std::function<Result<>(const mp4::Box&)> visit = [&](const mp4::Box& box) -> Result<> {
        if (box.type == four_cc("moof") || box.type == four_cc("traf")) {
            return mp4::for_each_box(box.body, path, visit);
        }
        if (box.type != four_cc("trun")) {
            return {};
        }
        Result<std::vector<ListedSample>> read = read_trun(box, dts);
        if (!read || !samples.empty()) {
            return read ? fail(Errc::malformed, "a chunk of more than one run of samples")
                        : std::unexpected(read.error());
        }
        samples = std::move(*read);
        return {};
    };
    const Result<> read = mp4::for_each_box(front.first(front.size() - mp4::box_header_size), path, visit);
    return read ? Result<std::vector<ListedSample>>{std::move(samples)} : std::unexpected(read.error());
}

/// Puts the samples of one chunk behind its front, which stands at the end of `out`.
Result<> fill_samples(std::vector<std::byte>& out, const RecordHead& head, std::size_t front,
                      const LiveMedia& live) {
    const auto samples = samples_of(ByteSpan{out}.last(front), head.dts);
    if (!samples) {
        return std::unexpected(samples.error());
    }
    std::size_t left = head.body_size - front;
    for (const ListedSample& sample : *samples) {
        const media::AccessUnitRef unit = live.unit(head.track, sample.dts);
        if (unit == nullptr) {
            return fail(Errc::not_found, "a unit of it did not come live");
        }
        const ByteSpan before = mp4::sequence_header_before(*unit);
        const std::size_t size = before.size() + unit->payload.size();
        if (size != sample.size || size > left) {
            return fail(Errc::not_found, "a unit of it came otherwise");
        }
        append(out, before);
        append(out, unit->payload);
        left -= size;
    }
    return left == 0 ? Result<>{} : fail(Errc::malformed, "a chunk of fewer samples than bytes");
}

struct LeanHead {
    RecordHead head;
    std::byte how;
};

void write_event(std::vector<std::byte>& out, const media::TimedMessage& message, std::uint32_t id) {
    mp4::write_event_head(out, message, id);
    append(out, message.body);
}

/// Names the results of a chunk instead of repeating them; nothing where these names would not make it again.
std::optional<std::vector<std::byte>> name_results(ByteSpan chunk) {
    constexpr std::size_t before_id = 28;   // of an emsg, from its size on
    const auto results = mp4::read_events(chunk);
    ByteReader reader{chunk};
    reader.skip(before_id);
    const std::uint32_t first = reader.u32();
    if (!results || !reader.ok()) {
        return std::nullopt;
    }
    std::vector<std::byte> names;
    std::vector<std::byte> again;
    ByteWriter writer{names};
    writer.u32(first);
    std::uint32_t id = first;
    for (const media::TimedMessage& one : *results) {
        writer.u64(static_cast<std::uint64_t>(one.pts));
        writer.u64(media::key_of(one));
        write_event(again, one, id++);
    }
    return std::ranges::equal(again, chunk) ? std::optional{std::move(names)} : std::nullopt;
}

/// Puts a chunk of `size` bytes behind `out` that has the results which are named in front of `lean`, and
/// takes their names off.
Result<> fill_results(std::vector<std::byte>& out, ByteSpan& lean, std::size_t size, const LiveMedia& live) {
    ByteReader reader{lean};
    const std::size_t end = out.size() + size;
    for (std::uint32_t id = reader.u32(); out.size() < end; ++id) {
        const auto pts = static_cast<std::int64_t>(reader.u64());
        const std::uint64_t key = reader.u64();
        if (!reader.ok()) {
            return fail(Errc::malformed, "results that are not all named");
        }
        std::optional<media::TimedMessage> message = live.message(key);
        if (!message) {
            return fail(Errc::would_block, "a result of it did not come live");
        }
        message->pts = pts;
        write_event(out, *message, id);
    }
    lean = reader.rest();
    return out.size() == end ? Result<>{}
                             : fail(Errc::malformed, "results that are not as long as their chunk");
}

/// Puts the body of a record behind `out`, with what came live, and takes what there is of it off `lean`.
Result<> fill_record(std::vector<std::byte>& out, ByteSpan& lean, const LeanHead& one,
                     const LiveMedia& live) {
    const auto& [head, how] = one;
    if (how == named) {
        return fill_results(out, lean, head.body_size, live);
    }
    const std::optional<std::size_t> front =
        how == whole ? std::size_t{head.body_size}
                     : front_size(head, lean.first(std::min<std::size_t>(lean.size(), head.body_size)));
    if (!front || *front > lean.size()) {
        return fail(Errc::malformed, "a record that is cut where none is");
    }
    append(out, lean.first(*front));
    lean = lean.subspan(*front);
    return how == whole ? Result<>{} : fill_samples(out, head, *front, live);
}

}   // namespace

Bytes lean_records(ByteSpan records, std::uint64_t file) {
    const auto views = read_records(records, file);
    if (!views) {
        return {};
    }
    std::vector<std::byte> out;
    bool any_cut = false;
    for (const RecordView& record : *views) {
        const std::optional<std::size_t> front = front_size(record.head, record.body);
        const bool cuts =
            front && *front < record.body.size() && record.body.size() - *front >= lean_samples_min;
        const auto names = record.head.track == results_track ? name_results(record.body) : std::nullopt;
        any_cut = any_cut || cuts || names;
        out.push_back(names ? named : cuts ? cut : whole);
        append(out, head_bytes(record.head, file));
        append(out, names ? ByteSpan{*names} : cuts ? record.body.first(*front) : record.body);
    }
    return any_cut ? Bytes{std::move(out)} : Bytes{};
}

Result<Bytes> fill_records(ByteSpan lean, std::uint64_t file, std::size_t size, const LiveMedia& live) {
    std::vector<std::byte> out;
    while (!lean.empty()) {
        const std::byte how = lean.front();
        lean = lean.subspan(1);
        const Result<RecordHead> head = read_head(lean, file);
        if (!head || how > named) {
            return head ? fail(Errc::malformed, "a record that goes in no way")
                        : std::unexpected(head.error());
        }
        append(out, lean.first(head_size));
        lean = lean.subspan(head_size);
        if (out.size() + head->body_size > size) {
            return fail(Errc::exhausted, "a fragment that is longer than was offered");
        }
        if (Result<> filled = fill_record(out, lean, {*head, how}, live); !filled) {
            return std::unexpected(filled.error());
        }
    }
    return out.size() == size ? Result<Bytes>{Bytes{std::move(out)}}
                              : fail(Errc::malformed, "a fragment that is shorter than was offered");
}

}   // namespace millrace::archive
