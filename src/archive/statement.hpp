#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

#include <cstdint>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace millrace::archive {

/// What SQLite says with a code other than success.
std::unexpected<Error> sqlite_failure(int code);

/// One statement of SQL, with its values in their order, and its rows one after the other. Texts and bytes
/// that are put in outlive it. An error stays until `step` says it.
class Statement {
public:
    Statement(sqlite3* database, const char* sql);
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;
    ~Statement();

    Statement& put(std::int64_t value);
    Statement& put(std::uint64_t value) { return put(static_cast<std::int64_t>(value)); }
    Statement& put(WallTime at) { return put(at.microseconds); }
    Statement& put(std::string_view text);
    Statement& put(ByteSpan bytes);

    /// Whether there is a row.
    Result<bool> step();
    /// For those that give no rows.
    Result<> done();
    /// To be used again with other values.
    void again();

    // The columns of the row, from left to right.
    std::int64_t number();
    std::uint64_t natural() { return static_cast<std::uint64_t>(number()); }
    WallTime time() { return {number()}; }
    std::string text();
    Bytes bytes();

private:
    sqlite3_stmt* statement_ = nullptr;
    int code_ = 0;
    int put_ = 0;
    int column_ = 0;
};

}   // namespace millrace::archive
