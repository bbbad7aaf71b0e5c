#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace millrace {

/// An open file of a Folder. What was written is there for other readers at once, and after a power cut only
/// if `sync` said so. One thread at a time. Errors: Errc::exhausted (the disk is full), Errc::io.
class FolderFile {
public:
    FolderFile() = default;
    FolderFile(const FolderFile&) = delete;
    FolderFile& operator=(const FolderFile&) = delete;
    virtual ~FolderFile() = default;

    /// How many bytes there were; fewer than asked for only at the file's end.
    virtual Result<std::size_t> read(std::uint64_t offset, std::span<std::byte> into) = 0;
    virtual Result<> write(std::uint64_t offset, ByteSpan bytes) = 0;
    /// Lets the disk begin with what was written. Of many files that are to be synced, all are hastened
    /// first: then the disk works on all of them at once, and each sync waits only for its rest.
    virtual void hasten() {}
    /// Brings all that was written to the disk. One that failed leaves unknown what of it is there, and a
    /// later one that works says nothing about it: close the file then.
    virtual Result<> sync() = 0;
    virtual Result<> truncate(std::uint64_t size) = 0;
    virtual Result<std::uint64_t> size() = 0;
};

/// The seam to a folder of files that grow, as the archive keeps them; Storage has those that are replaced
/// whole. Names are plain file names of our own making, never a peer's; a link in a file's place is not
/// followed. Its calls block and come from any one thread at a time.
class Folder {
public:
    enum class Open : std::uint8_t { existing, existing_or_new, made_new };

    virtual ~Folder() = default;
    /// Errc::not_found, exists, exhausted, io.
    virtual Result<std::unique_ptr<FolderFile>> open(const std::string& name, Open how) = 0;
    /// One that is not there is gone already.
    virtual Result<> remove(const std::string& name) = 0;
    virtual Result<std::vector<std::string>> names() = 0;
    /// Brings names that were made or removed to the disk.
    virtual Result<> sync_names() = 0;
    virtual Result<std::uint64_t> free_bytes() = 0;
    /// Keeps the folder for this process alone, until it ends. Errc::exists: another one has it.
    virtual Result<> claim() = 0;
    /// Whether the folder is the one that files were opened in; Errc::not_found: somebody removed or replaced
    /// it. What is open is then of no use, and the next call begins with what is there now. Errc::refused: it
    /// is, and no file can be made in it any more; what is open goes on.
    virtual Result<> still_there() = 0;
};

}   // namespace millrace
