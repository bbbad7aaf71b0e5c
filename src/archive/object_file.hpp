#pragma once

#include "archive/index.hpp"
#include "archive/object_store.hpp"

#include <optional>
#include <string>

namespace millrace::archive {

/// What a file is called in the bucket: "live/cam/1763646000-1a2b3c4d/0000000123.mp4", the stream, its run
/// and the file's id; no two files of any archive share one.
std::string object_name(const FileRow& row);
/// The stream and the id that such a name has; nothing for other names. The run is not looked at.
struct ReadObjectName {
    std::string stream;
    std::uint64_t id = 0;
};
std::optional<ReadObjectName> read_object_name(std::string_view name);

/// The object that has the pinned ranges (`pins_bytes`). No name of a recording is like it, and it is the
/// first of all in their order: what is pinned is known before anything that may go.
inline constexpr std::string_view pins_object = "!pins";

/// A file as it was found in the bucket.
struct FoundFile {
    FileRow row;
    std::vector<Fragment> fragments;
};
/// Reads an object from its beginning to its end, a piece at a time, and says what is in it.
/// Errc::malformed: it is no file of an archive, or of another stream than its name says; and all that
/// ObjectStore::read says.
Result<FoundFile> read_object(ObjectStore& store, const ObjectStore::Object& object);

}   // namespace millrace::archive
