#include "archive/sqlite_folder.hpp"

#include "archive/checksum.hpp"
#include "base/byte_reader.hpp"
#include "base/byte_writer.hpp"

#include <fmt/core.h>
#include <sqlite3.h>

#include <cstring>
#include <new>

namespace millrace::archive {

namespace {

/// What SQLite hands back to us with each call.
struct Seams {
    Folder* folder;
    Random* random;
};
Seams& seams(sqlite3_vfs* vfs) {
    return *static_cast<Seams*>(vfs->pAppData);
}

constexpr int path_max = 64;
constexpr double epoch_in_julian_days = 2440587.5;

/// SQLite has the memory of it, and begins it with its own struct.
struct OpenedFile {
    sqlite3_file base;
    FolderFile* file;
    Folder* folder;
    bool named;     // its name is on the disk
    bool checked;   // its pages end with checksums: the database itself, not its WAL, which has its own
};

OpenedFile& opened(sqlite3_file* file) {
    return *reinterpret_cast<OpenedFile*>(file);
}

int code_of(const Error& error, int otherwise) {
    return error.code == Errc::exhausted ? SQLITE_FULL : otherwise;
}

int close_file(sqlite3_file* file) {
    delete std::exchange(opened(file).file, nullptr);
    return SQLITE_OK;
}

constexpr std::size_t page_size = SqliteFolder::page_size;
constexpr std::size_t sum_size = 4;
constexpr std::size_t header_size = 100;   // of the database's first page, which is read by itself, too

/// The checksum of a page, which its number is part of: one in another's place is none.
std::uint32_t page_sum(ByteSpan page, sqlite3_int64 offset) {
    std::vector<std::byte> number;
    ByteWriter{number}.u64(static_cast<std::uint64_t>(offset));
    return checksum(page.first(page.size() - sum_size), checksum(number));
}

/// Whether what was read of the database is as it was written.
bool is_sound(ByteSpan read, sqlite3_int64 offset) {
    if (read.size() <= header_size) {
        return true;
    }
    return read.size() == page_size && ByteReader{read.last(sum_size)}.u32() == page_sum(read, offset);
}

int read_file(sqlite3_file* file, void* into, int count, sqlite3_int64 offset) {
    const std::span<std::byte> bytes{static_cast<std::byte*>(into), static_cast<std::size_t>(count)};
    const Result<std::size_t> read = opened(file).file->read(static_cast<std::uint64_t>(offset), bytes);
    if (!read) {
        return SQLITE_IOERR_READ;
    }
    if (*read < bytes.size()) {
        std::memset(bytes.data() + *read, 0, bytes.size() - *read);
        return SQLITE_IOERR_SHORT_READ;
    }
    return !opened(file).checked || is_sound(bytes, offset) ? SQLITE_OK : SQLITE_CORRUPT;
}

int write_file(sqlite3_file* file, const void* from, int count, sqlite3_int64 offset) {
    ByteSpan bytes{static_cast<const std::byte*>(from), static_cast<std::size_t>(count)};
    std::vector<std::byte> page;
    if (opened(file).checked && bytes.size() == page_size) {
        const ByteSpan data = bytes.first(page_size - sum_size);
        page.assign(data.begin(), data.end());
        ByteWriter{page}.u32(page_sum(bytes, offset));
        bytes = page;
    }
    const Result<> written = opened(file).file->write(static_cast<std::uint64_t>(offset), bytes);
    return written ? SQLITE_OK : code_of(written.error(), SQLITE_IOERR_WRITE);
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
    return opened(file).file->truncate(static_cast<std::uint64_t>(size)) ? SQLITE_OK : SQLITE_IOERR_TRUNCATE;
}

int sync_file(sqlite3_file* file, int /*flags*/) {
    OpenedFile& one = opened(file);
    if (!one.file->sync()) {
        return SQLITE_IOERR_FSYNC;
    }
    if (!one.named && !one.folder->sync_names()) {
        return SQLITE_IOERR_DIR_FSYNC;
    }
    one.named = true;
    return SQLITE_OK;
}

int size_of_file(sqlite3_file* file, sqlite3_int64* size) {
    const Result<std::uint64_t> found = opened(file).file->size();
    *size = static_cast<sqlite3_int64>(found.value_or(0));
    return found ? SQLITE_OK : SQLITE_IOERR_FSTAT;
}

// One connection has the database for itself.
int lock_file(sqlite3_file* /*file*/, int /*how*/) {
    return SQLITE_OK;
}
int find_lock(sqlite3_file* /*file*/, int* held) {
    *held = 0;
    return SQLITE_OK;
}
int control_file(sqlite3_file* /*file*/, int /*what*/, void* /*with*/) {
    return SQLITE_NOTFOUND;
}
int sector_size(sqlite3_file* /*file*/) {
    return 4096;
}
int characteristics(sqlite3_file* /*file*/) {
    return 0;
}

constexpr sqlite3_io_methods file_methods{
    .iVersion = 1,
    .xClose = close_file,
    .xRead = read_file,
    .xWrite = write_file,
    .xTruncate = truncate_file,
    .xSync = sync_file,
    .xFileSize = size_of_file,
    .xLock = lock_file,
    .xUnlock = lock_file,
    .xCheckReservedLock = find_lock,
    .xFileControl = control_file,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = characteristics,
    .xShmMap = nullptr,
    .xShmLock = nullptr,
    .xShmBarrier = nullptr,
    .xShmUnmap = nullptr,
    .xFetch = nullptr,
    .xUnfetch = nullptr,
};

int open_file(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* opened_with) {
    OpenedFile& one = *new (file) OpenedFile{
        .base = {}, .file = nullptr, .folder = nullptr, .named = false, .checked = false};
    if (name == nullptr) {
        return SQLITE_CANTOPEN;   // temporary ones stay in memory
    }
    const bool may_make = (flags & SQLITE_OPEN_CREATE) != 0;
    Folder& folder = *seams(vfs).folder;
    auto got = folder.open(name, may_make ? Folder::Open::existing_or_new : Folder::Open::existing);
    if (!got) {
        return SQLITE_CANTOPEN;
    }
    one.file = got->release();
    one.folder = &folder;
    one.checked = (flags & SQLITE_OPEN_MAIN_DB) != 0;
    one.base.pMethods = &file_methods;
    if (opened_with != nullptr) {
        *opened_with = flags;
    }
    return SQLITE_OK;
}

int delete_file(sqlite3_vfs* vfs, const char* name, int sync) {
    Folder& folder = *seams(vfs).folder;
    if (!folder.remove(name)) {
        return SQLITE_IOERR_DELETE;
    }
    return sync == 0 || folder.sync_names() ? SQLITE_OK : SQLITE_IOERR_DIR_FSYNC;
}

int find_file(sqlite3_vfs* vfs, const char* name, int /*how*/, int* found) {
    const auto file = seams(vfs).folder->open(name, Folder::Open::existing);
    *found = file ? 1 : 0;
    return file || file.error().code == Errc::not_found ? SQLITE_OK : SQLITE_IOERR_ACCESS;
}

int full_name(sqlite3_vfs* /*vfs*/, const char* name, int size, char* full) {
    if (std::strlen(name) >= static_cast<std::size_t>(size)) {
        return SQLITE_CANTOPEN;
    }
    std::strcpy(full, name);   // NOLINT(clang-analyzer-security.insecureAPI.strcpy): it fits
    return SQLITE_OK;
}

int fill_random(sqlite3_vfs* vfs, int count, char* into) {
    seams(vfs).random->fill(std::as_writable_bytes(std::span{into, static_cast<std::size_t>(count)}));
    return count;
}

// Nothing here waits for anybody, and no statement of ours asks for the time.
int sleep_for(sqlite3_vfs* /*vfs*/, int /*microseconds*/) {
    return 0;
}
int current_time(sqlite3_vfs* /*vfs*/, double* days) {
    *days = epoch_in_julian_days;
    return SQLITE_OK;
}
int last_error(sqlite3_vfs* /*vfs*/, int /*size*/, char* /*text*/) {
    return 0;
}

}   // namespace

struct SqliteFolder::System {
    Seams seams;
    sqlite3_vfs vfs{};
};

SqliteFolder::SqliteFolder(Folder& folder, Random& random)
    : name_{fmt::format("millrace-{:016x}", reinterpret_cast<std::uintptr_t>(this))},
      system_{std::make_unique<System>(System{.seams = {&folder, &random}})} {
    sqlite3_vfs& vfs = system_->vfs;
    vfs.iVersion = 1;
    vfs.szOsFile = sizeof(OpenedFile);
    vfs.mxPathname = path_max;
    vfs.zName = name_.c_str();
    vfs.pAppData = &system_->seams;
    vfs.xOpen = open_file;
    vfs.xDelete = delete_file;
    vfs.xAccess = find_file;
    vfs.xFullPathname = full_name;
    vfs.xRandomness = fill_random;
    vfs.xSleep = sleep_for;
    vfs.xCurrentTime = current_time;
    vfs.xGetLastError = last_error;
    sqlite3_vfs_register(&vfs, 0);
}

SqliteFolder::~SqliteFolder() {
    sqlite3_vfs_unregister(&system_->vfs);
}

}   // namespace millrace::archive
