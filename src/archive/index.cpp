#include "archive/index.hpp"

#include "archive/batch.hpp"

#include <sqlite3.h>

namespace millrace::archive {

namespace {

// A fragment's place in its file orders it: the rows of one file lie together, as the file's bytes do.
constexpr const char* schema = R"(
CREATE TABLE IF NOT EXISTS files(id INTEGER PRIMARY KEY, stream TEXT NOT NULL, run TEXT NOT NULL,
  codecs TEXT NOT NULL, cause TEXT NOT NULL, seal_cause TEXT NOT NULL, init BLOB NOT NULL,
  state INTEGER NOT NULL, begin INTEGER NOT NULL, end INTEGER NOT NULL, bytes INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS files_in_time ON files(stream, begin);
CREATE TABLE IF NOT EXISTS fragments(file INTEGER NOT NULL, place INTEGER NOT NULL, number INTEGER NOT NULL,
  size INTEGER NOT NULL, utc INTEGER NOT NULL, media INTEGER NOT NULL, duration INTEGER NOT NULL,
  flags INTEGER NOT NULL, PRIMARY KEY(file, place)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS gaps(stream TEXT NOT NULL, begin INTEGER NOT NULL, end INTEGER NOT NULL,
  cause TEXT NOT NULL, PRIMARY KEY(stream, begin)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS clock(id INTEGER PRIMARY KEY, utc INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS homes(file INTEGER PRIMARY KEY, home INTEGER NOT NULL, bucket TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS known_buckets(bucket TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS acknowledged(file INTEGER NOT NULL, place INTEGER NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY(file, place)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS revised(file INTEGER NOT NULL, place INTEGER NOT NULL, revision INTEGER NOT NULL,
  PRIMARY KEY(file, place)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS acknowledged_files(file INTEGER PRIMARY KEY);
PRAGMA user_version=1;
)";

enum FragmentFlags : std::uint8_t { key = 1, discontinuity = 2, damaged = 4 };

std::int64_t flags_of(const Fragment& fragment) {
    return (fragment.key ? key : 0) | (fragment.discontinuity ? discontinuity : 0) |
           (fragment.damaged ? damaged : 0);
}

}   // namespace

/// All or nothing of what is done while it stands.
class Index::Transaction {
public:
    explicit Transaction(Index& index)
        : index_{index}, begun_{Statement{index.statements_, "BEGIN IMMEDIATE"}.done()} {}
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;
    ~Transaction() {
        if (begun_ && !committed_) {
            (void)index_.run("ROLLBACK");
        }
    }
    const Result<>& begun() const { return begun_; }
    Result<> commit() {
        Result<> done = Statement{index_.statements_, "COMMIT"}.done();
        committed_ = done.has_value();
        return done;
    }

private:
    Index& index_;
    Result<> begun_;
    bool committed_ = false;
};

Index::~Index() {
    close();
}

Result<> Index::run(const char* sql) {
    const int code = sqlite3_exec(database_, sql, nullptr, nullptr, nullptr);
    return code == SQLITE_OK ? Result<>{} : sqlite_failure(code);
}

Result<> Index::open() {
    const std::string name{file_name};
    const int code = sqlite3_open_v2(name.c_str(), &database_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                                     sqlite_.name().c_str());
    if (code != SQLITE_OK) {
        close();
        return sqlite_failure(code);
    }
    int reserved = SqliteFolder::reserved;
    sqlite3_file_control(database_, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved);
    // NORMAL: a commit waits for no disk. After a power cut the newest rows may be missing; recovery reads
    // them from the files, which were synced.
    Result<> ready =
        run("PRAGMA page_size=4096; PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA "
            "synchronous=NORMAL;"
            "PRAGMA temp_store=MEMORY; PRAGMA cell_size_check=ON;");
    if (ready) {
        ready = run(schema);
    }
    if (!ready) {
        close();
        return ready;
    }
    statements_.begin(database_);
    return ready;
}

Result<> Index::begin_anew() {
    close();
    for (const std::string_view ending : {"", "-wal", "-journal"}) {
        if (Result<> gone = folder_.remove(std::string{file_name} + std::string{ending}); !gone) {
            return gone;
        }
    }
    if (Result<> synced = folder_.sync_names(); !synced) {
        return synced;
    }
    return open();
}

void Index::close() {
    statements_.forget();
    sqlite3_close(std::exchange(database_, nullptr));
}

Result<> Index::put_file(const FileRow& row, std::span<const Fragment> fragments, std::uint64_t revision) {
    note_change(row.id);
    Transaction all{*this};
    if (!all.begun()) {
        return all.begun();
    }
    Statement file{statements_, "INSERT OR REPLACE INTO files VALUES(?,?,?,?,?,?,?,?,?,?,?)"};
    file.put(row.id).put(row.facts.stream).put(row.facts.run).put(row.facts.codecs).put(row.facts.cause);
    file.put(row.seal_cause).put(row.init.span()).put(std::int64_t{static_cast<std::uint8_t>(row.state)});
    if (Result<> done = file.put(row.begin).put(row.end).put(row.bytes).done(); !done) {
        return done;
    }
    Result<> home = row.home == Home::here
                        ? Statement{statements_, "DELETE FROM homes WHERE file=?"}.put(row.id).done()
                        : put_home(row.id, row.home, row.bucket);
    if (!home) {
        return home;
    }
    Statement before{statements_, "DELETE FROM fragments WHERE file=? AND place>=?"};
    const std::uint64_t from = fragments.empty() ? UINT64_C(1) << 62U : fragments.front().offset;
    if (Result<> done = before.put(row.id).put(from).done(); !done) {
        return done;
    }
    Statement one{statements_, "INSERT INTO fragments VALUES(?,?,?,?,?,?,?,?)"};
    for (const Fragment& fragment : fragments) {
        one.put(row.id).put(fragment.offset).put(fragment.number).put(fragment.size).put(fragment.utc);
        one.put(fragment.media_us).put(fragment.duration_us).put(flags_of(fragment));
        if (Result<> done = one.done(); !done) {
            return done;
        }
        one.again();
    }
    // A fragment keeps the revision that it came with.
    Statement revised{statements_, "INSERT OR IGNORE INTO revised VALUES(?,?,?)"};
    for (const Fragment& fragment : revision == 0 ? std::span<const Fragment>{} : fragments) {
        if (Result<> done = revised.put(row.id).put(fragment.offset).put(revision).done(); !done) {
            return done;
        }
        revised.again();
    }
    return all.commit();
}

Result<> Index::remove_file(std::uint64_t id) {
    note_change(id);
    Transaction all{*this};
    if (!all.begun()) {
        return all.begun();
    }
    if (Result<> done = Statement{statements_, "DELETE FROM fragments WHERE file=?"}.put(id).done(); !done) {
        return done;
    }
    for (const char* const sql :
         {"DELETE FROM homes WHERE file=?", "DELETE FROM acknowledged WHERE file=?",
          "DELETE FROM acknowledged_files WHERE file=?", "DELETE FROM revised WHERE file=?"}) {
        if (Result<> done = Statement{statements_, sql}.put(id).done(); !done) {
            return done;
        }
    }
    if (Result<> done = Statement{statements_, "DELETE FROM files WHERE id=?"}.put(id).done(); !done) {
        return done;
    }
    return all.commit();
}

Result<> Index::put_home(std::uint64_t file, Home home, const std::string& bucket) {
    note_change(file);
    return Statement{statements_, "INSERT OR REPLACE INTO homes VALUES(?,?,?)"}
        .put(file)
        .put(std::int64_t{static_cast<std::uint8_t>(home)})
        .put(bucket)
        .done();
}

Result<> Index::sync() {
    // A checkpoint syncs the log before it copies from it, and the database behind that.
    return run("PRAGMA wal_checkpoint");
}

Result<> Index::note_known(const std::string& bucket) {
    return Statement{statements_, "INSERT OR REPLACE INTO known_buckets VALUES(?)"}.put(bucket).done();
}

Result<> Index::add_gap(const std::string& stream, const Gap& gap) {
    return Statement{statements_, "INSERT OR REPLACE INTO gaps VALUES(?,?,?,?)"}
        .put(stream)
        .put(gap.begin)
        .put(gap.end)
        .put(gap.cause)
        .done();
}

Result<bool> Index::fill_gaps(const std::string& stream, Span span) {
    constexpr std::size_t gaps_max = 1'000;
    const auto filled = gaps(stream, span, gaps_max);
    if (!filled || filled->empty()) {
        return filled ? Result<bool>{false} : std::unexpected(filled.error());
    }
    Transaction all{*this};
    if (!all.begun()) {
        return std::unexpected(all.begun().error());
    }
    for (const Gap& gap : *filled) {
        Statement one{statements_, "DELETE FROM gaps WHERE stream=? AND begin=? AND end=?"};
        Result<> done = one.put(stream).put(gap.begin).put(gap.end).done();
        if (done && gap.begin < span.from) {
            done = add_gap(stream, {gap.begin, span.from, gap.cause});
        }
        if (done && span.to < gap.end) {
            done = add_gap(stream, {span.to, gap.end, gap.cause});
        }
        if (!done) {
            return std::unexpected(done.error());
        }
    }
    const Result<> done = all.commit();
    return done ? Result<bool>{true} : std::unexpected(done.error());
}

Result<> Index::name_gaps(const std::string& stream, const Gap& named, std::int64_t sliver_us) {
    constexpr std::size_t gaps_max = 1'000;
    const auto found = gaps(stream, {named.begin, named.end}, gaps_max);
    if (!found) {
        return std::unexpected(found.error());
    }
    if (found->empty()) {
        return {};
    }
    Transaction all{*this};
    Result<> done = all.begun();
    for (const Gap& gap : *found) {
        const std::int64_t before = named.begin.microseconds - gap.begin.microseconds;
        const std::int64_t behind = gap.end.microseconds - named.end.microseconds;
        const WallTime begin = before > sliver_us ? named.begin : gap.begin;
        const WallTime end = behind > sliver_us ? named.end : gap.end;
        const bool is_part = end.microseconds - begin.microseconds > sliver_us;
        if (gap.cause != cause::outage || gap.cause == named.cause || !is_part || !done) {
            continue;
        }
        // The first takes the place of the whole; the others go behind it.
        done = add_gap(stream, {gap.begin, begin > gap.begin ? begin : end,
                                begin > gap.begin ? gap.cause : named.cause});
        done = done && begin > gap.begin ? add_gap(stream, {begin, end, named.cause}) : done;
        done = done && end < gap.end ? add_gap(stream, {end, gap.end, gap.cause}) : done;
    }
    return done ? all.commit() : done;
}

Result<> Index::drop_slivers(const std::string& stream, Span span, std::int64_t us_max) {
    return Statement{statements_, "DELETE FROM gaps WHERE stream=? AND begin<? AND end>? AND end-begin<=?"}
        .put(stream)
        .put(span.to)
        .put(span.from)
        .put(us_max)
        .done();
}

Result<> Index::note_retention(const FileRow& taken) {
    Transaction all{*this};
    if (!all.begun()) {
        return all.begun();
    }
    const std::string& stream = taken.facts.stream;
    // Of the stretch between the two files that stay on either side.
    Statement before{statements_,
                     "SELECT coalesce(min(begin), ?2), coalesce(max(end), ?3) FROM gaps WHERE stream=?1 AND "
                     "begin>=coalesce((SELECT end FROM files WHERE stream=?1 AND begin<=?2 AND id<>?4 "
                     "ORDER BY begin DESC LIMIT 1), begin) AND "
                     "end<=coalesce((SELECT begin FROM files WHERE stream=?1 AND begin>=?3 AND id<>?4 "
                     "ORDER BY begin LIMIT 1), end) AND "
                     "(cause='retention' OR (begin>=?2 AND end<=?3))"};
    before.put(stream).put(taken.begin).put(taken.end).put(taken.id);
    const Result<bool> found = before.step();
    if (!found) {
        return std::unexpected(found.error());
    }
    const WallTime begin = std::min(taken.begin, before.time());
    const WallTime end = std::max(taken.end, before.time());
    before.again();
    Statement inside{statements_, "DELETE FROM gaps WHERE stream=? AND begin>=? AND end<=?"};
    if (Result<> done = inside.put(stream).put(begin).put(end).done(); !done) {
        return done;
    }
    if (Result<> done = add_gap(stream, {begin, end, "retention"}); !done) {
        return done;
    }
    return all.commit();
}

Result<> Index::remember_time(WallTime now) {
    return Statement{statements_, "INSERT OR REPLACE INTO clock VALUES(1,?)"}.put(now).done();
}

Result<> Index::mark_damaged(std::uint64_t file, std::uint64_t number) {
    note_change(file);
    return Statement{statements_, "UPDATE fragments SET flags=flags|4 WHERE file=? AND number=?"}
        .put(file)
        .put(number)
        .done();
}

}   // namespace millrace::archive
