#include "archive/index.hpp"
#include "archive/statement.hpp"

#include <algorithm>

// What the index is asked.

namespace millrace::archive {

namespace {

constexpr std::uint8_t key = 1;
constexpr std::uint8_t discontinuity = 2;
constexpr std::uint8_t damaged = 4;

FileRow read_file_row(Statement& row) {
    FileRow file;
    file.id = row.natural();
    file.facts.stream = row.text();
    file.facts.run = row.text();
    file.facts.codecs = row.text();
    file.facts.cause = row.text();
    file.seal_cause = row.text();
    file.state = static_cast<FileState>(row.number());
    file.begin = row.time();
    file.end = row.time();
    file.bytes = row.natural();
    file.home = static_cast<Home>(row.number());
    file.bucket = row.text();
    return file;
}

FoundFragment read_fragment_row(Statement& row) {
    FoundFragment found;
    found.file = row.natural();
    found.run = row.text();
    found.codecs = row.text();
    found.cause = row.text();
    Fragment& fragment = found.fragment;
    fragment.offset = row.natural();
    fragment.number = row.natural();
    fragment.size = row.natural();
    fragment.utc = row.time();
    fragment.media_us = row.number();
    fragment.duration_us = row.number();
    const auto flags = static_cast<std::uint8_t>(row.number());
    fragment.key = (flags & key) != 0;
    fragment.discontinuity = (flags & discontinuity) != 0;
    fragment.damaged = (flags & damaged) != 0;
    found.home = static_cast<Home>(row.number());
    return found;
}

constexpr std::int64_t file_microseconds_max =
    std::chrono::duration_cast<std::chrono::microseconds>(Index::file_duration_max).count();

/// Every row of a statement.
template <class Read>
auto rows(Statement& statement, Read read) -> Result<std::vector<decltype(read(statement))>> {
    std::vector<decltype(read(statement))> all;
    for (;;) {
        const Result<bool> row = statement.step();
        if (!row) {
            return std::unexpected(row.error());
        }
        if (!*row) {
            return all;
        }
        all.push_back(read(statement));
    }
}

template <class T>
Result<std::optional<T>> first_of(Result<std::vector<T>> found) {
    if (!found) {
        return std::unexpected(found.error());
    }
    return found->empty() ? std::optional<T>{} : std::optional<T>{std::move(found->front())};
}

}   // namespace

Result<std::vector<FileRow>> Index::files() {
    Statement all{statements_,
                  "SELECT id,stream,run,codecs,cause,seal_cause,state,begin,end,bytes,coalesce(home,0),"
                  "coalesce(bucket,'') FROM files LEFT JOIN homes ON file=id ORDER BY id"};
    return rows(all, read_file_row);
}

Result<std::vector<FileRow>> Index::files_behind(std::uint64_t after, std::size_t count_max) {
    Statement some{statements_,
                   "SELECT id,stream,run,codecs,cause,seal_cause,state,begin,end,bytes,coalesce(home,0),"
                   "coalesce(bucket,''),init FROM files LEFT JOIN homes ON file=id WHERE id>? ORDER BY id "
                   "LIMIT ?"};
    some.put(after).put(static_cast<std::uint64_t>(count_max));
    return rows(some, [](Statement& row) {
        FileRow file = read_file_row(row);
        file.init = row.bytes();
        return file;
    });
}

Result<std::optional<FileRow>> Index::file(std::uint64_t id) {
    Result<std::vector<FileRow>> found = id == 0 ? Result<std::vector<FileRow>>{} : files_behind(id - 1, 1);
    if (found && !found->empty() && found->front().id != id) {
        found->clear();
    }
    return first_of(std::move(found));
}

Result<std::optional<FileRow>> Index::newest(const std::string& stream) {
    Statement newest{statements_,
                     "SELECT id,stream,run,codecs,cause,seal_cause,state,begin,end,bytes,coalesce(home,0),"
                     "coalesce(bucket,'') FROM files LEFT JOIN homes ON file=id WHERE stream=? "
                     "ORDER BY begin DESC, id DESC LIMIT 1"};
    newest.put(stream);
    return first_of(rows(newest, read_file_row));
}

Result<std::vector<hub::RecordedStream>> Index::streams() {
    Statement all{statements_,
                  "SELECT stream,min(begin),max(end),sum(bytes),(SELECT count(*) FROM gaps WHERE "
                  "gaps.stream=files.stream) FROM files WHERE end>begin GROUP BY stream ORDER BY stream"};
    return rows(all, [](Statement& row) {
        hub::RecordedStream one;
        one.name = row.text();
        one.from = row.time();
        one.to = row.time();
        one.bytes = row.natural();
        one.gaps = row.natural();
        return one;
    });
}

Result<std::optional<WallTime>> Index::end_before(const FileRow& file) {
    Statement before{
        statements_,
        "SELECT end FROM files WHERE stream=? AND begin<? AND id<>? ORDER BY begin DESC LIMIT 1"};
    before.put(file.facts.stream).put(file.begin).put(file.id);
    return first_of(rows(before, [](Statement& row) { return row.time(); }));
}

Result<std::optional<FileRow>> Index::next_to_move(const std::string& bucket, std::uint64_t after) {
    Statement next{statements_,
                   "SELECT id,stream,run,codecs,cause,seal_cause,state,begin,end,bytes,coalesce(home,0),"
                   "coalesce(bucket,'') FROM files LEFT JOIN homes ON file=id WHERE id>?2 AND state=1 AND "
                   "(home IS NULL OR (home=1 AND bucket<>?1)) ORDER BY id LIMIT 1"};
    next.put(bucket).put(after);
    return first_of(rows(next, read_file_row));
}

Result<Unmoved> Index::unmoved(const std::string& bucket) {
    Statement sum{statements_,
                  "SELECT count(*),coalesce(sum(bytes),0) FROM files LEFT JOIN homes ON file=id WHERE "
                  "state=1 AND (home IS NULL OR (home=1 AND bucket<>?1))"};
    sum.put(bucket);
    const auto found = first_of(rows(sum, [](Statement& row) {
        const std::uint64_t files = row.natural();
        return Unmoved{files, row.natural()};
    }));
    return found ? Result<Unmoved>{found->value_or(Unmoved{})} : std::unexpected(found.error());
}

Result<bool> Index::knows_bucket(const std::string& bucket) {
    Statement known{statements_, "SELECT 1 FROM known_buckets WHERE bucket=?"};
    known.put(bucket);
    return known.step();
}

Result<std::vector<FoundFragment>> Index::fragments(const std::string& stream, Span span,
                                                    std::size_t count_max, std::uint64_t revision) {
    Statement found{
        statements_,
        "SELECT f.id,f.run,f.codecs,f.cause,g.place,g.number,g.size,g.utc,g.media,g.duration,"
        "g.flags,coalesce(h.home,0),coalesce(a.at,0) FROM files f JOIN fragments g ON g.file=f.id "
        "LEFT JOIN homes h ON h.file=f.id LEFT JOIN acknowledged a ON a.file=f.id AND "
        "a.place=g.place WHERE f.stream=?1 AND "
        "f.begin>=?2-?3 AND f.begin<?4 AND g.utc+g.duration>?2 AND g.utc<?4 AND NOT EXISTS(SELECT 1 FROM "
        "revised r WHERE r.file=f.id AND r.place=g.place AND r.revision>?6) "
        "ORDER BY f.begin,f.id,g.place LIMIT ?5"};
    found.put(stream).put(span.from).put(file_microseconds_max).put(span.to);
    found.put(static_cast<std::uint64_t>(count_max)).put(revision);
    Result<std::vector<FoundFragment>> all = rows(found, [](Statement& row) {
        FoundFragment one = read_fragment_row(row);
        const WallTime at = row.time();
        one.acknowledged = at == WallTime{} ? std::nullopt : std::optional{at};
        return one;
    });
    if (all) {
        std::uint64_t before = 0;
        for (FoundFragment& one : *all) {
            one.file_begins = one.file != std::exchange(before, one.file);
        }
    }
    return all;
}

Result<std::optional<FoundFragment>> Index::fragment(std::uint64_t file, std::uint64_t number) {
    Statement found{statements_,
                    "SELECT f.id,f.run,f.codecs,f.cause,g.place,g.number,g.size,g.utc,g.media,g.duration,"
                    "g.flags,0 FROM fragments g JOIN files f ON g.file=f.id WHERE g.file=? AND g.number=?"};
    found.put(file).put(number);
    return first_of(rows(found, read_fragment_row));
}

Result<std::vector<Fragment>> Index::fragments_of(std::uint64_t file) {
    Statement found{statements_,
                    "SELECT file,'','','',place,number,size,utc,media,duration,flags,0 FROM fragments WHERE "
                    "file=? ORDER BY place"};
    found.put(file);
    return rows(found, [](Statement& row) { return read_fragment_row(row).fragment; });
}

Result<std::vector<Gap>> Index::gaps(const std::string& stream, Span span, std::size_t count_max) {
    Statement found{statements_,
                    "SELECT begin,end,cause FROM gaps WHERE stream=? AND begin<? AND end>? ORDER BY begin "
                    "LIMIT ?"};
    found.put(stream).put(span.to).put(span.from).put(static_cast<std::uint64_t>(count_max));
    return rows(found, [](Statement& row) {
        const WallTime begin = row.time();
        const WallTime end = row.time();
        return Gap{begin, end, row.text()};
    });
}

Result<std::map<std::string, std::uint64_t>> Index::imported() {
    // A file that was begun after another one, of a time before it.
    Statement found{
        statements_,
        "SELECT stream,max(id) FROM (SELECT stream,id,run,min(id) OVER (PARTITION BY stream ORDER BY "
        "begin DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS later FROM files) "
        "WHERE later<id OR run LIKE '%-import' GROUP BY stream"};
    const auto all = rows(found, [](Statement& row) {
        std::string stream = row.text();
        return std::pair{std::move(stream), row.natural()};
    });
    return all ? Result<std::map<std::string, std::uint64_t>>{{all->begin(), all->end()}}
               : std::unexpected(all.error());
}

Result<std::map<std::string, std::uint64_t>> Index::revised() {
    Statement found{statements_,
                    "SELECT stream,max(revision) FROM revised JOIN files ON file=id GROUP BY stream"};
    const auto all = rows(found, [](Statement& row) {
        std::string stream = row.text();
        return std::pair{std::move(stream), row.natural()};
    });
    return all ? Result<std::map<std::string, std::uint64_t>>{{all->begin(), all->end()}}
               : std::unexpected(all.error());
}

Result<std::set<std::string>> Index::with_imports() {
    Statement found{statements_, "SELECT DISTINCT stream FROM files WHERE run LIKE '%-import'"};
    const auto all = rows(found, [](Statement& row) { return row.text(); });
    return all ? Result<std::set<std::string>>{{all->begin(), all->end()}} : std::unexpected(all.error());
}

Result<std::vector<Gap>> Index::newest_gaps(const std::string& stream, std::size_t count_max) {
    Statement found{statements_,
                    "SELECT begin,end,cause FROM gaps WHERE stream=? ORDER BY begin DESC LIMIT ?"};
    found.put(stream).put(static_cast<std::uint64_t>(count_max));
    auto all = rows(found, [](Statement& row) {
        const WallTime begin = row.time();
        const WallTime end = row.time();
        return Gap{begin, end, row.text()};
    });
    if (all) {
        std::ranges::reverse(*all);
    }
    return all;
}

Result<> Index::acknowledge(std::uint64_t file, std::uint64_t place, WallTime at) {
    Result<> done = Statement{statements_, "INSERT OR REPLACE INTO acknowledged VALUES(?,?,?)"}
                        .put(file)
                        .put(place)
                        .put(at)
                        .done();
    return done
               ? Statement{statements_,
                           "INSERT OR IGNORE INTO acknowledged_files SELECT id FROM files WHERE id=?1 AND "
                           "state=1 "
                           "AND NOT EXISTS(SELECT 1 FROM fragments g WHERE g.file=?1 AND g.flags&4=0 AND NOT "
                           "EXISTS(SELECT 1 FROM acknowledged a WHERE a.file=?1 AND a.place=g.place))"}
                     .put(file)
                     .done()
               : done;
}

Result<std::vector<FoundFragment>> Index::unacknowledged(const UplinkAsk& ask) {
    Statement found{
        statements_,
        "SELECT f.id,f.run,f.codecs,coalesce(p.cause,f.cause),g.place,g.number,g.size,g.utc,g.media,"
        "g.duration,g.flags,coalesce(h.home,0),"
        "g.place=(SELECT min(place) FROM fragments b WHERE b.file=f.id) "
        "FROM files f JOIN fragments g ON g.file=f.id LEFT JOIN homes h ON h.file=f.id "
        "LEFT JOIN gaps p ON p.stream=f.stream AND p.end=f.begin WHERE f.stream=?1 AND g.flags&4=0 AND "
        "f.state<>2 AND "   // cut: what it has may yet change
        "f.run NOT LIKE '%-import' AND f.id NOT IN (SELECT file FROM acknowledged_files) AND NOT "
        "EXISTS(SELECT 1 FROM acknowledged a WHERE a.file=f.id AND a.place=g.place) "
        "ORDER BY g.utc>=?2 DESC,f.begin*?3,f.id,g.place LIMIT ?4"};
    found.put(ask.stream).put(ask.fresh).put(std::int64_t{ask.order == UplinkOrder::oldest ? 1 : -1});
    found.put(static_cast<std::uint64_t>(ask.count_max));
    return rows(found, [](Statement& row) {
        FoundFragment one = read_fragment_row(row);
        one.file_begins = row.number() != 0;
        return one;
    });
}

Result<Unacknowledged> Index::unacknowledged(const std::string& stream) {
    Statement sum{
        statements_,
        "SELECT count(*),coalesce(sum(g.size),0),coalesce(min(g.utc),0) FROM files f JOIN fragments g ON "
        "g.file=f.id WHERE f.stream=?1 AND g.flags&4=0 AND f.run NOT LIKE '%-import' AND f.id NOT IN "
        "(SELECT file FROM acknowledged_files) AND NOT EXISTS(SELECT 1 FROM acknowledged a WHERE "
        "a.file=f.id AND a.place=g.place)"};
    sum.put(stream);
    const auto found = first_of(rows(sum, [](Statement& row) {
        Unacknowledged all{.fragments = row.natural()};
        all.bytes = row.natural();
        const WallTime since = row.time();
        all.since = all.fragments == 0 ? std::nullopt : std::optional{since};
        return all;
    }));
    return found ? Result<Unacknowledged>{found->value_or(Unacknowledged{})} : std::unexpected(found.error());
}

Result<std::set<std::uint64_t>> Index::acknowledged_files() {
    Statement all{statements_, "SELECT file FROM acknowledged_files"};
    const auto found = rows(all, [](Statement& row) { return row.natural(); });
    return found ? Result<std::set<std::uint64_t>>{{found->begin(), found->end()}}
                 : std::unexpected(found.error());
}

Result<std::optional<WallTime>> Index::first_begin(const std::string& stream) {
    Statement first{statements_,
                    "SELECT begin FROM (SELECT begin FROM files WHERE stream=?1 AND end>begin ORDER BY begin "
                    "LIMIT 1) UNION ALL SELECT begin FROM (SELECT begin FROM gaps WHERE stream=?1 ORDER BY "
                    "begin LIMIT 1) ORDER BY begin LIMIT 1"};
    first.put(stream);
    return first_of(rows(first, [](Statement& row) { return row.time(); }));
}

Result<std::optional<WallTime>> Index::newest_gap(const std::string& stream) {
    Statement newest{statements_, "SELECT end FROM gaps WHERE stream=? ORDER BY end DESC LIMIT 1"};
    newest.put(stream);
    return first_of(rows(newest, [](Statement& row) { return row.time(); }));
}

Result<std::optional<WallTime>> Index::last_time() {
    Statement last{statements_,
                   "SELECT coalesce((SELECT utc FROM clock), max(end)) FROM files HAVING count(*)>0"};
    return first_of(rows(last, [](Statement& row) { return row.time(); }));
}

Result<std::map<std::string, std::uint64_t>> Index::last_numbers() {
    Statement found{
        statements_,
        "SELECT f.stream,max(g.number) FROM files f JOIN fragments g ON g.file=f.id WHERE f.id IN "
        "(SELECT max(id) FROM files WHERE run NOT LIKE '%-import' AND EXISTS(SELECT 1 FROM "
        "fragments WHERE file=files.id) GROUP BY stream) GROUP BY f.stream"};
    const auto all = rows(found, [](Statement& row) {
        std::string stream = row.text();
        return std::pair{std::move(stream), row.natural()};
    });
    return all ? Result<std::map<std::string, std::uint64_t>>{{all->begin(), all->end()}}
               : std::unexpected(all.error());
}

Result<std::uint64_t> Index::fragment_count() {
    Statement count{statements_, "SELECT count(*) FROM fragments"};
    const auto found = first_of(rows(count, [](Statement& row) { return row.natural(); }));
    return found ? Result<std::uint64_t>{found->value_or(0)} : std::unexpected(found.error());
}

Result<std::string> Index::integrity() {
    Statement look{statements_, "PRAGMA integrity_check(1)"};
    const auto found = first_of(rows(look, [](Statement& row) { return row.text(); }));
    if (!found) {
        return std::unexpected(found.error());
    }
    const std::string said = found->value_or("nothing");
    return said == "ok" ? std::string{} : said;
}

}   // namespace millrace::archive
