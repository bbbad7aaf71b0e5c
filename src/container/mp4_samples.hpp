#pragma once

#include "container/flv_samples.hpp"
#include "container/mp4_box.hpp"
#include "container/mp4_init.hpp"
#include "container/mp4_reader.hpp"
#include "media/segment.hpp"

#include <algorithm>
#include <string>
#include <vector>

/// MP4 for tests, made and taken apart.
namespace millrace::mp4::samples {

using flv::samples::bytes_of;
using flv::samples::track;
using flv::samples::units;

inline bool holds_boxes(FourCc type) {
    constexpr FourCc containers[] = {four_cc("moov"), four_cc("trak"), four_cc("mdia"),
                                     four_cc("minf"), four_cc("dinf"), four_cc("stbl"),
                                     four_cc("mvex"), four_cc("moof"), four_cc("traf")};
    return std::ranges::find(containers, type) != std::end(containers);
}

/// The boxes in order: "ftyp moov(mvhd trak(…))"; the error and its place where they are broken.
inline std::string tree(ByteSpan bytes) {
    std::string text;
    BoxPath path;
    const Result<> read = for_each_box(bytes, path, [&text](const Box& box) -> Result<> {
        text += text.empty() ? "" : " ";
        text += text_of(box.type);
        if (holds_boxes(box.type)) {
            text += "(" + tree(box.body) + ")";
        }
        return {};
    });
    return read ? text : path.text() + ": " + std::string{read.error().what};
}

/// The body of the first box of a type, at any depth that `tree` shows; empty if there is none.
inline ByteSpan find(ByteSpan bytes, FourCc type) {
    ByteSpan found;
    BoxPath path;
    (void)for_each_box(bytes, path, [&](const Box& box) -> Result<> {
        if (found.empty() && box.type == type) {
            found = box.body;
        }
        if (found.empty() && holds_boxes(box.type)) {
            found = find(box.body, type);
        }
        return {};
    });
    return found;
}

/// What a reader made of a file.
struct Read {
    std::vector<Opened> opened;
    std::vector<media::AccessUnit> units;
    std::string error;   ///< "moof/traf/trun: more samples than it has bytes"
    std::uint64_t refused = 0;

    std::vector<media::AccessUnit> units_of(media::TrackId track) const {
        std::vector<media::AccessUnit> of_track;
        std::ranges::copy_if(units, std::back_inserter(of_track),
                             [track](const media::AccessUnit& unit) { return unit.track == track; });
        return of_track;
    }
};

inline Read read_file(ByteSpan file, std::size_t piece_max = SIZE_MAX) {
    Reader reader;
    Read read;
    const auto note = [&](const Error& error) {
        read.error = reader.failed_in() + ": " + std::string{error.what};
    };
    while (read.error.empty() && !file.empty()) {
        ByteSpan piece = file.first(std::min(piece_max, file.size()));
        file = file.subspan(piece.size());
        while (true) {
            Result<std::optional<Item>> item = reader.next(piece);
            if (!item) {
                note(item.error());
                break;
            }
            if (!*item) {
                break;
            }
            if (auto* unit = std::get_if<media::AccessUnit>(&**item)) {
                read.units.push_back(std::move(*unit));
            } else {
                read.opened.push_back(std::get<Opened>(std::move(**item)));
            }
        }
    }
    if (const Result<> finished = reader.finish(); read.error.empty() && !finished) {
        note(finished.error());
    }
    read.refused = reader.samples_refused();
    return read;
}

inline std::vector<std::byte> joined(std::initializer_list<ByteSpan> parts) {
    std::vector<std::byte> all;
    for (const ByteSpan part : parts) {
        all.insert(all.end(), part.begin(), part.end());
    }
    return all;
}

/// A video track's segment of `count` pictures, one each `step` ticks from `begin`, keys every `key_every`.
inline media::SegmentTrack segment(const media::Track& track, std::int64_t begin, std::int64_t step,
                                   std::size_t count) {
    const std::vector<media::AccessUnit> kinds = units(track, 0);
    media::SegmentTrack segment{.track = track, .units = {}, .end = begin};
    for (std::size_t i = 0; i < count; ++i) {
        media::AccessUnit unit = kinds[i == 0 ? 0 : 1 + i % (kinds.size() - 1)];
        unit.dts = unit.pts = segment.end;
        segment.end += step;
        segment.units.push_back(std::make_shared<const media::AccessUnit>(std::move(unit)));
    }
    return segment;
}

}   // namespace millrace::mp4::samples
