#include "archive/lean.hpp"

#include "archive/chunk_file.hpp"
#include "archive/uplinked.hpp"
#include "container/mp4_box.hpp"
#include "container/mp4_chunk.hpp"

namespace millrace::archive {

namespace {

using mp4::four_cc;

constexpr auto cut = std::byte{0};
constexpr auto whole = std::byte{1};

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
                      const FindUnit& find) {
    const auto samples = samples_of(ByteSpan{out}.last(front), head.dts);
    if (!samples) {
        return std::unexpected(samples.error());
    }
    std::size_t left = head.body_size - front;
    for (const ListedSample& sample : *samples) {
        const media::AccessUnitRef unit = find(head.track, sample.dts);
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
        any_cut = any_cut || cuts;
        out.push_back(cuts ? cut : whole);
        append(out, head_bytes(record.head, file));
        append(out, cuts ? record.body.first(*front) : record.body);
    }
    return any_cut ? Bytes{std::move(out)} : Bytes{};
}

Result<Bytes> fill_records(ByteSpan lean, std::uint64_t file, std::size_t size, const FindUnit& find) {
    std::vector<std::byte> out;
    while (!lean.empty()) {
        const bool is_whole = lean.front() == whole;
        lean = lean.subspan(1);
        const Result<RecordHead> head = read_head(lean, file);
        if (!head) {
            return std::unexpected(head.error());
        }
        append(out, lean.first(head_size));
        lean = lean.subspan(head_size);
        const std::optional<std::size_t> front =
            is_whole ? std::size_t{head->body_size}
                     : front_size(*head, lean.first(std::min<std::size_t>(lean.size(), head->body_size)));
        if (!front || *front > lean.size()) {
            return fail(Errc::malformed, "a record that is cut where none is");
        }
        if (out.size() + head->body_size > size) {
            return fail(Errc::exhausted, "a fragment that is longer than was offered");
        }
        append(out, lean.first(*front));
        lean = lean.subspan(*front);
        if (is_whole) {
            continue;
        }
        if (Result<> filled = fill_samples(out, *head, *front, find); !filled) {
            return std::unexpected(filled.error());
        }
    }
    return out.size() == size ? Result<Bytes>{Bytes{std::move(out)}}
                              : fail(Errc::malformed, "a fragment that is shorter than was offered");
}

}   // namespace millrace::archive
