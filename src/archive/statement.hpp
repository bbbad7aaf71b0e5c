#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

struct sqlite3;
struct sqlite3_stmt;

namespace millrace::archive {

/// What SQLite says with a code other than success.
std::unexpected<Error> sqlite_failure(int code);

/// The statements of one database. What was used is kept for the next who wants the same: SQLite takes longer
/// to understand most of ours than to do them.
class Statements {
public:
    static constexpr std::size_t kept_max = 64;

    Statements() = default;
    Statements(const Statements&) = delete;
    Statements& operator=(const Statements&) = delete;
    ~Statements() { forget(); }

    /// Of this one from now on, which is open until `forget`.
    void begin(sqlite3* database) { database_ = database; }
    /// Before it is closed.
    void forget();

private:
    friend class Statement;
    /// Null with a code where SQLite does not take it.
    sqlite3_stmt* take(const char* sql, int& code);
    void give_back(sqlite3_stmt* statement);

    sqlite3* database_ = nullptr;
    std::unordered_map<std::string_view, sqlite3_stmt*> kept_;   // by the statement's own text
};

/// One statement of SQL, with its values in their order, and its rows one after the other. Texts and bytes
/// that are put in outlive it. An error stays until `step` says it.
class Statement {
public:
    Statement(Statements& all, const char* sql) : all_{all}, statement_{all.take(sql, code_)} {}
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;
    ~Statement() { all_.give_back(statement_); }

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
    Statements& all_;
    int code_ = 0;
    sqlite3_stmt* statement_;
    int put_ = 0;
    int column_ = 0;
};

}   // namespace millrace::archive
