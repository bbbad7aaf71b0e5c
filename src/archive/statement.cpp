#include "archive/statement.hpp"

#include <sqlite3.h>

namespace millrace::archive {

std::unexpected<Error> sqlite_failure(int code) {
    switch (code & 0xFF) {
        case SQLITE_FULL: return fail(Errc::exhausted, "the disk is full");
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB: return fail(Errc::malformed, "the archive's index is damaged");
        default: return fail(Errc::io, "the archive's index cannot be read or written");
    }
}

void Statements::forget() {
    for (const auto& [text, statement] : kept_) {
        sqlite3_finalize(statement);
    }
    kept_.clear();
    database_ = nullptr;
}

sqlite3_stmt* Statements::take(const char* sql, int& code) {
    if (const auto kept = kept_.find(sql); kept != kept_.end()) {
        sqlite3_stmt* const statement = kept->second;
        kept_.erase(kept);
        return statement;
    }
    sqlite3_stmt* statement = nullptr;
    code = database_ == nullptr
               ? SQLITE_IOERR
               : sqlite3_prepare_v3(database_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    return statement;
}

void Statements::give_back(sqlite3_stmt* statement) {
    if (statement == nullptr) {
        return;
    }
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);   // they point at what goes now
    // Two that were used at the same time have one place.
    if (kept_.size() >= kept_max || !kept_.emplace(sqlite3_sql(statement), statement).second) {
        sqlite3_finalize(statement);
    }
}

Statement& Statement::put(std::int64_t value) {
    code_ = code_ == SQLITE_OK ? sqlite3_bind_int64(statement_, ++put_, value) : code_;
    return *this;
}

Statement& Statement::put(std::string_view text) {
    const char* const begin = text.data() == nullptr ? "" : text.data();
    code_ = code_ == SQLITE_OK
                ? sqlite3_bind_text(statement_, ++put_, begin, static_cast<int>(text.size()), SQLITE_STATIC)
                : code_;
    return *this;
}

Statement& Statement::put(ByteSpan bytes) {
    const void* const begin = bytes.empty() ? static_cast<const void*>("") : bytes.data();
    code_ = code_ == SQLITE_OK
                ? sqlite3_bind_blob(statement_, ++put_, begin, static_cast<int>(bytes.size()), SQLITE_STATIC)
                : code_;
    return *this;
}

Result<bool> Statement::step() {
    if (code_ != SQLITE_OK) {
        return sqlite_failure(code_);
    }
    const int code = sqlite3_step(statement_);
    column_ = 0;
    if (code != SQLITE_ROW && code != SQLITE_DONE) {
        return sqlite_failure(code);
    }
    return code == SQLITE_ROW;
}

Result<> Statement::done() {
    const Result<bool> stepped = step();
    return stepped ? Result<>{} : std::unexpected(stepped.error());
}

void Statement::again() {
    sqlite3_reset(statement_);
    put_ = 0;
}

std::int64_t Statement::number() {
    return sqlite3_column_int64(statement_, column_++);
}

std::string Statement::text() {
    const auto* const begin = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column_));
    const int size = sqlite3_column_bytes(statement_, column_++);
    return begin == nullptr ? std::string{} : std::string{begin, static_cast<std::size_t>(size)};
}

Bytes Statement::bytes() {
    const auto* const begin = static_cast<const std::byte*>(sqlite3_column_blob(statement_, column_));
    const int size = sqlite3_column_bytes(statement_, column_++);
    return begin == nullptr ? Bytes{} : Bytes::copy(ByteSpan{begin, static_cast<std::size_t>(size)});
}

}   // namespace millrace::archive
