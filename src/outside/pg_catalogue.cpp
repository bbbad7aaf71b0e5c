#include "outside/pg_catalogue.hpp"

#include <algorithm>
#include <map>

namespace millrace::outside {

namespace {

using archive::CatalogueFile;
using archive::FileFacts;

constexpr std::int64_t version = 1;

/// What an end that writes waits for, and one that somebody waits for.
constexpr PgConnection::Patience long_patience{.connect = 10s, .answer = 30s};
constexpr PgConnection::Patience short_patience{.connect = 2s, .answer = 4s};

/// Of a session: a node whose machine is gone gives its name back after a minute.
constexpr std::array session_settings{"SET statement_timeout=25000", "SET lock_timeout=10000",
                                      "SET tcp_keepalives_idle=30", "SET tcp_keepalives_interval=10",
                                      "SET tcp_keepalives_count=3"};

/// The advisory locks of Millrace: of its tables, and with a node's number, of its name.
constexpr std::int64_t tables_lock = 0x6D726365;   // "mrce"
constexpr std::int64_t names_lock = 0x6D726E64;    // "mrnd"

constexpr std::array schema{
    "CREATE TABLE millrace_catalogue(version bigint NOT NULL)",
    "CREATE TABLE millrace_nodes(number bigint PRIMARY KEY, node text NOT NULL UNIQUE, "
    "address text NOT NULL)",
    "CREATE TABLE millrace_files(node bigint NOT NULL REFERENCES millrace_nodes ON DELETE CASCADE, "
    "id bigint NOT NULL, stamp bigint NOT NULL, stream text NOT NULL, run text NOT NULL, codecs text NOT "
    "NULL, "
    "cause text NOT NULL, seal_cause text NOT NULL, state bigint NOT NULL, begin_us bigint NOT NULL, "
    "end_us bigint NOT NULL, bytes bigint NOT NULL, home bigint NOT NULL, bucket text NOT NULL, "
    "init_sum bigint NOT NULL, init bytea NOT NULL, fragments bytea NOT NULL, PRIMARY KEY(node, id))",
    "CREATE INDEX millrace_files_in_time ON millrace_files(stream, begin_us)",
    "INSERT INTO millrace_catalogue VALUES(1)"};

constexpr std::int64_t file_us_max =
    std::chrono::duration_cast<std::chrono::microseconds>(archive::Index::file_duration_max).count();

std::int64_t number_of(std::uint64_t value) {
    return static_cast<std::int64_t>(value);
}

/// The database takes UTF-8 alone, and files of other nodes' uplinks may say anything.
std::string plain(std::string_view text) {
    std::string all{text};
    std::ranges::replace_if(all, [](char c) { return c < ' ' || c > '~'; }, '?');
    return all;
}

/// What another node wrote, from the column `node` on. Errc::malformed.
Result<CatalogueFile> read_row(const PgRows& rows, int row) {
    constexpr Error strange{Errc::malformed, "a file in the catalogue cannot be read"};
    constexpr std::int64_t time_us_max = INT64_MAX / 8;
    int column = 0;
    const auto number = [&] { return rows.number(row, column++); };
    const auto text = [&] { return plain(rows.text(row, column++).substr(0, FileFacts::text_size_max)); };
    const std::int64_t node = number();
    CatalogueFile file;
    file.node = text();
    file.address = text();
    const std::int64_t id = number();
    file.row.facts.stream = text();
    file.row.facts.run = text();
    file.row.facts.codecs = text();
    file.row.facts.cause = text();
    file.row.seal_cause = text();
    const std::int64_t state = number();
    file.row.begin = {number()};
    file.row.end = {number()};
    file.row.bytes = static_cast<std::uint64_t>(number());
    const std::int64_t home = number();
    file.row.bucket = text();
    file.init_sum = static_cast<std::uint32_t>(number());
    file.row.init = Bytes::copy(rows.bytes(row, column++));
    Result<std::vector<archive::Fragment>> fragments =
        archive::read_packed_fragments(rows.bytes(row, column++));
    const auto is_time = [](WallTime at) {
        return at.microseconds > -time_us_max && at.microseconds < time_us_max;
    };
    const bool sound = node > 0 && node <= number_of(archive::Catalogue::node_number_max) && id > 0 &&
                       archive::own_id(static_cast<std::uint64_t>(id)) == static_cast<std::uint64_t>(id) &&
                       state >= 0 && state <= 2 && home >= 0 && home <= 2 && is_time(file.row.begin) &&
                       is_time(file.row.end);
    if (!sound || !fragments) {
        return std::unexpected(strange);
    }
    file.row.id = static_cast<std::uint64_t>(node) << archive::file_id_bits | static_cast<std::uint64_t>(id);
    file.row.state = static_cast<archive::FileState>(state);
    file.row.home = static_cast<archive::Home>(home);
    file.fragments = std::move(*fragments);
    return file;
}

}   // namespace

PgCatalogue::PgCatalogue(const archive::CataloguePlace& place)
    : connection_{place, place.writes ? long_patience : short_patience},
      node_{place.node},
      address_{place.address},
      writes_{place.writes} {
}

Result<> PgCatalogue::be_ready() {
    if (connection_.is_open()) {
        return {};
    }
    Result<> done = connection_.open();
    for (const char* const setting : session_settings) {
        done = done ? connection_.run(setting) : done;
    }
    if (!writes_) {
        return done;
    }
    done = done ? connection_.run("BEGIN") : done;
    done = done ? connection_.run("SELECT pg_advisory_xact_lock($1::bigint)", {tables_lock}) : done;
    done = done ? make_tables() : done;
    done = done ? learn_number() : done;
    done = done ? connection_.run("COMMIT") : done;
    return done ? claim_name() : done;
}

Result<> PgCatalogue::make_tables() {
    const Result<PgRows> there =
        connection_.ask("SELECT 1::bigint WHERE to_regclass('millrace_catalogue') IS NOT NULL");
    if (!there) {
        return std::unexpected(there.error());
    }
    if (there->count() == 0) {
        Result<> made;
        for (const char* const statement : schema) {
            made = made ? connection_.run(statement) : made;
        }
        return made;
    }
    const Result<PgRows> found = connection_.ask("SELECT max(version) FROM millrace_catalogue");
    if (!found) {
        return std::unexpected(found.error());
    }
    if (found->number(0, 0) != version) {
        connection_.close();
        return fail(Errc::refused, "another version of Millrace made it: use one version on all nodes");
    }
    return {};
}

// A number that nobody knows from a catalogue that was here before: addresses of recordings have it.
Result<> PgCatalogue::learn_number() {
    Result<> done = connection_.run(
        "INSERT INTO millrace_nodes SELECT n,$1,$2 FROM generate_series(1,$3::bigint) n WHERE n NOT IN "
        "(SELECT number FROM millrace_nodes) ORDER BY random() LIMIT 1 "
        "ON CONFLICT(node) DO UPDATE SET address=excluded.address",
        {std::string_view{node_}, std::string_view{address_}, number_of(node_number_max)});
    const Result<PgRows> found =
        done ? connection_.ask("SELECT number FROM millrace_nodes WHERE node=$1", {std::string_view{node_}})
             : std::unexpected(done.error());
    if (!found) {
        return std::unexpected(found.error());
    }
    number_ = found->count() == 0 ? 0 : found->number(0, 0);
    if (number_ == 0) {
        connection_.close();
        return fail(Errc::exhausted, "it has as many nodes as it may");
    }
    return {};
}

Result<> PgCatalogue::claim_name() {
    const Result<PgRows> claimed = connection_.ask(
        "SELECT 1::bigint WHERE pg_try_advisory_lock($1::int,$2::int)", {names_lock, number_});
    if (!claimed) {
        return std::unexpected(claimed.error());
    }
    if (claimed->count() == 0) {
        connection_.close();
        return fail(Errc::refused,
                    "another node has this one's name in it, or had it a minute ago: give each node a "
                    "storage.catalogue.node of its own");
    }
    return {};
}

Result<> PgCatalogue::replace(Ids ids, std::span<const CatalogueFile> files) {
    Result<> done = be_ready();
    std::string known = "{";
    for (const CatalogueFile& file : files) {
        known += (known.size() > 1 ? "," : "") + std::to_string(file.row.id);
    }
    known += "}";
    const std::int64_t after = number_of(ids.after);
    const std::int64_t last = number_of(ids.last);
    done = done ? connection_.run("BEGIN") : done;
    done = done ? connection_.run(
                      "DELETE FROM millrace_files WHERE node=$1::bigint AND id>$2::bigint AND "
                      "id<=$3::bigint AND NOT id=ANY($4::bigint[])",
                      {number_, after, last, std::string_view{known}})
                : done;
    const Result<PgRows> there =
        done ? connection_.ask(
                   "SELECT id,stamp FROM millrace_files WHERE node=$1::bigint AND id>$2::bigint "
                   "AND id<=$3::bigint",
                   {number_, after, last})
             : std::unexpected(done.error());
    if (!there) {
        return std::unexpected(there.error());
    }
    std::map<std::int64_t, std::int64_t> stamps;
    for (int row = 0; row < there->count(); ++row) {
        stamps[there->number(row, 0)] = there->number(row, 1);
    }
    for (const CatalogueFile& file : files) {
        const std::uint32_t stamp = archive::catalogue_stamp(file);
        const auto known_as = stamps.find(number_of(file.row.id));
        const bool same = known_as != stamps.end() && known_as->second == stamp;
        done = done && !same ? put(file, stamp) : done;
    }
    return done ? connection_.run("COMMIT") : done;
}

Result<> PgCatalogue::put(const CatalogueFile& file, std::uint32_t stamp) {
    const archive::FileRow& row = file.row;
    const std::string run = plain(row.facts.run);
    const std::string codecs = plain(row.facts.codecs);
    const std::string cause = plain(row.facts.cause);
    const std::string seal_cause = plain(row.seal_cause);
    const std::vector<std::byte> fragments = archive::packed_fragments(file.fragments);
    return connection_.run(
        "INSERT INTO millrace_files(node,id,stamp,stream,run,codecs,cause,seal_cause,state,begin_us,end_us,"
        "bytes,home,bucket,init_sum,init,fragments) VALUES($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,"
        "$15,$16,$17) ON CONFLICT(node,id) DO UPDATE SET stamp=excluded.stamp,stream=excluded.stream,"
        "run=excluded.run,codecs=excluded.codecs,cause=excluded.cause,seal_cause=excluded.seal_cause,"
        "state=excluded.state,begin_us=excluded.begin_us,end_us=excluded.end_us,bytes=excluded.bytes,"
        "home=excluded.home,bucket=excluded.bucket,init_sum=excluded.init_sum,init=excluded.init,"
        "fragments=excluded.fragments",
        {number_, number_of(row.id), std::int64_t{stamp}, std::string_view{row.facts.stream},
         std::string_view{run}, std::string_view{codecs}, std::string_view{cause},
         std::string_view{seal_cause}, std::int64_t{static_cast<std::uint8_t>(row.state)},
         row.begin.microseconds, row.end.microseconds, number_of(row.bytes),
         std::int64_t{static_cast<std::uint8_t>(row.home)}, std::string_view{row.bucket},
         std::int64_t{file.init_sum}, row.init.span(), ByteSpan{fragments}});
}

Result<PgRows> PgCatalogue::look(const char* sql, std::initializer_list<PgValue> values) {
    const bool was_open = connection_.is_open();
    for (bool again = was_open;; again = false) {
        const Result<> ready = be_ready();
        Result<PgRows> rows = ready ? connection_.ask(sql, values) : std::unexpected(ready.error());
        // A connection that lay idle may have broken long ago.
        if (rows || !again || rows.error().code != Errc::closed) {
            return rows;
        }
    }
}

Result<std::vector<CatalogueFile>> PgCatalogue::find(const std::string& stream, archive::Span span,
                                                     std::size_t count_max) {
    const Result<PgRows> rows = look(
        "SELECT n.number,n.node,n.address,f.id,f.stream,f.run,f.codecs,f.cause,f.seal_cause,"
        "f.state,f.begin_us,f.end_us,f.bytes,f.home,f.bucket,f.init_sum,''::bytea,f.fragments "
        "FROM millrace_files f JOIN millrace_nodes n ON n.number=f.node WHERE f.stream=$1 AND "
        "n.node<>$2 AND f.begin_us>$3::bigint-$4::bigint AND f.begin_us<$5::bigint AND "
        "f.end_us>$3::bigint ORDER BY f.begin_us,f.node,f.id LIMIT $6::bigint",
        {std::string_view{stream}, std::string_view{node_}, span.from.microseconds, file_us_max,
         span.to.microseconds, number_of(std::min(count_max, found_max))});
    if (!rows) {
        return std::unexpected(rows.error());
    }
    std::vector<CatalogueFile> files;
    for (int row = 0; row < rows->count(); ++row) {
        Result<CatalogueFile> file = read_row(*rows, row);
        if (!file) {
            return std::unexpected(file.error());
        }
        files.push_back(std::move(*file));
    }
    return files;
}

Result<std::optional<CatalogueFile>> PgCatalogue::file(std::uint64_t id) {
    const Result<PgRows> rows = look(
        "SELECT n.number,n.node,n.address,f.id,f.stream,f.run,f.codecs,f.cause,f.seal_cause,"
        "f.state,f.begin_us,f.end_us,f.bytes,f.home,f.bucket,f.init_sum,f.init,f.fragments "
        "FROM millrace_files f JOIN millrace_nodes n ON n.number=f.node WHERE f.node=$1::bigint "
        "AND f.id=$2::bigint",
        {number_of(archive::node_of(id)), number_of(archive::own_id(id))});
    if (!rows) {
        return std::unexpected(rows.error());
    }
    if (rows->count() == 0) {
        return std::optional<CatalogueFile>{};
    }
    Result<CatalogueFile> file = read_row(*rows, 0);
    return file ? Result<std::optional<CatalogueFile>>{std::move(*file)} : std::unexpected(file.error());
}

}   // namespace millrace::outside
