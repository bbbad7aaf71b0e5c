#pragma once

#include "base/folder.hpp"
#include "base/random.hpp"

#include <memory>
#include <string>

namespace millrace::archive {

/// SQLite's view of a Folder: it opens, writes and syncs its files there and nowhere else, so that a
/// simulated disk's faults reach it. For one database that one connection has for itself: no locks and no
/// shared memory, so WAL needs `PRAGMA locking_mode=EXCLUSIVE`. It outlives the connection. The database's
/// pages are of `page_size` and end with `reserved` bytes that SQLite leaves to us, the last four a CRC-32C:
/// a page that was changed on the disk is SQLITE_CORRUPT.
class SqliteFolder {
public:
    static constexpr std::size_t page_size = 4096;
    static constexpr int reserved = 8;

    SqliteFolder(Folder& folder, Random& random);
    SqliteFolder(const SqliteFolder&) = delete;
    SqliteFolder& operator=(const SqliteFolder&) = delete;
    ~SqliteFolder();

    /// By which sqlite3_open_v2 finds it.
    const std::string& name() const { return name_; }

private:
    struct System;
    std::string name_;
    std::unique_ptr<System> system_;
};

}   // namespace millrace::archive
