#pragma once

#include "archive/archive.hpp"
#include "archive/chunk_file.hpp"
#include "base/virtual_folder.hpp"
#include "base/virtual_time.hpp"

#include <fmt/core.h>

/// Small files of the archive for tests.
namespace millrace::archive {

inline std::vector<std::byte> body(std::uint64_t number, std::size_t size = 40) {
    std::vector<std::byte> bytes;
    for (std::size_t at = 0; at < size; ++at) {
        bytes.push_back(static_cast<std::byte>(number * 31 + at));
    }
    return bytes;
}

/// A chunk of 200 ms at that place of the run; every fifth begins a fragment.
inline PutChunk chunk(std::uint64_t place, WallTime begin = {1'800'000'000'000'000}) {
    const bool begins = place % 5 == 0;
    return {.head = {.track = 0,
                     .flags = static_cast<std::uint8_t>(begins ? RecordHead::begins_fragment | RecordHead::key
                                                               : 0),
                     .fragment = 1000 + place / 5,
                     .dts = static_cast<std::int64_t>(place) * 18'000,
                     .duration = 18'000,
                     .timescale = 90'000,
                     .utc = {begin.microseconds + static_cast<std::int64_t>(place) * 200'000}},
            .bytes = Bytes{body(place)}};
}

inline FileFacts facts(std::string stream = "live/cam", std::string cause = {}) {
    return {.stream = std::move(stream),
            .run = "1800000000-1a2b3c4d",
            .codecs = "avc1.64000a",
            .cause = std::move(cause)};
}

/// "1000 1001! 1002": the numbers of fragments; those that are damaged with a mark.
inline std::string numbers(const std::vector<Fragment>& fragments) {
    std::string text;
    for (const Fragment& fragment : fragments) {
        text += fmt::format("{}{}{}", text.empty() ? "" : " ", fragment.number, fragment.damaged ? "!" : "");
    }
    return text;
}

/// A file with that many chunks, sealed; its size.
inline void write_file(VirtualFolder& folder, std::uint64_t id, std::uint64_t chunks, bool sealed = true) {
    auto file = ChunkFile::make(folder, id, facts(), as_bytes("init"));
    check(file.has_value(), "a virtual file can be made");
    for (std::uint64_t place = 0; place < chunks; ++place) {
        const PutChunk one = chunk(place);
        file->append(one.head, one.bytes);
    }
    check((sealed ? file->seal("publisher gone") : file->sync()).has_value(), "a virtual file can be synced");
}

inline std::unique_ptr<FolderFile> open_file(VirtualFolder& folder, std::uint64_t id) {
    auto file = folder.open(file_name(id), Folder::Open::existing);
    check(file.has_value(), "the file is there");
    return std::move(*file);
}

}   // namespace millrace::archive
