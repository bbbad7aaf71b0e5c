#pragma once

#include "archive/catalogue_place.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

#include <atomic>
#include <chrono>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

struct pg_conn;
struct pg_result;

namespace millrace::outside {

/// The rows of an answer, as PostgreSQL says them in binary: columns are int8, text or bytea. What is null,
/// or of another length, is 0 or empty.
class PgRows {
public:
    explicit PgRows(pg_result* result) : result_{result, &clear} {}

    int count() const;
    std::int64_t number(int row, int column) const;
    ByteSpan bytes(int row, int column) const;
    std::string_view text(int row, int column) const { return as_text(bytes(row, column)); }

private:
    static void clear(pg_result* result);
    std::unique_ptr<pg_result, void (*)(pg_result*)> result_;
};

/// What stands for $1, $2, …
using PgValue = std::variant<std::int64_t, std::string_view, ByteSpan>;

/// One connection to a PostgreSQL server by libpq, which never blocks in it: each call has a deadline, and
/// ends when it is stopped. One thread at a time, but `stop`. A call that fails leaves it closed.
class PgConnection {
public:
    static constexpr std::size_t addresses_max = 4;   ///< of a name that are tried
    static constexpr std::size_t words_max = 200;

    struct Patience {
        Duration connect;
        Duration answer;
    };
    PgConnection(archive::CataloguePlace place, Patience patience);
    PgConnection(const PgConnection&) = delete;
    PgConnection& operator=(const PgConnection&) = delete;
    ~PgConnection() { close(); }

    bool is_open() const { return connection_ != nullptr; }
    /// Errc::refused: no address of it may be connected to, or nobody is let in without a password;
    /// timed_out; cancelled.
    Result<> open();
    void close();
    /// One statement. Errc::refused, exhausted, timed_out, closed, malformed, cancelled.
    Result<PgRows> ask(const char* sql, std::initializer_list<PgValue> values = {});
    Result<> run(const char* sql, std::initializer_list<PgValue> values = {});

    /// What the server, or libpq, said when a call failed.
    const std::string& words() const { return words_; }
    void stop() { stopped_ = true; }

private:
    using Clock = std::chrono::steady_clock;

    Result<> open_at(const std::string& address);
    /// Until the socket is ready for `events`.
    Result<> wait(short events, Clock::time_point deadline);
    Result<> send_out(Clock::time_point deadline);
    Result<PgRows> read_answer(Clock::time_point deadline);
    std::unexpected<Error> gave_up(const Error& why);
    std::unexpected<Error> not_reached();
    std::unexpected<Error> not_done(const pg_result* result);

    archive::CataloguePlace place_;
    Patience patience_;
    pg_conn* connection_ = nullptr;
    std::string words_;
    std::atomic<bool> stopped_ = false;
};

}   // namespace millrace::outside
