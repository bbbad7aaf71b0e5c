#include "outside/pg_connection.hpp"

#include "base/byte_reader.hpp"
#include "base/byte_writer.hpp"
#include "base/peer_address.hpp"

#include <libpq-fe.h>
#include <netdb.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <vector>

namespace millrace::outside {

namespace {

constexpr const char* system_certificates = "/etc/ssl/certs/ca-certificates.crt";

/// One line of what libpq says.
std::string one_line(std::string_view text) {
    std::string line;
    for (const char c : text.substr(0, PgConnection::words_max)) {
        line += c >= ' ' ? c : ' ';
    }
    while (line.ends_with(' ')) {
        line.pop_back();
    }
    return line;
}

/// The addresses of a host that may be connected to. The system's resolver blocks.
Result<std::vector<std::string>> addresses_of(const archive::CataloguePlace& place) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const std::string port = std::to_string(place.port);
    if (getaddrinfo(place.host.c_str(), port.c_str(), &hints, &found) != 0) {
        return fail(Errc::timed_out, "no address is found for the host of storage.catalogue.url");
    }
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> all{found, &freeaddrinfo};
    std::vector<std::string> allowed;
    for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
        std::array<char, NI_MAXHOST> text{};
        const int failed =
            getnameinfo(at->ai_addr, at->ai_addrlen, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST);
        const auto address = failed == 0 ? PeerAddress::parse({text.data(), place.port}) : std::nullopt;
        if (address && place.outgoing.allow(*address) && allowed.size() < PgConnection::addresses_max) {
            allowed.emplace_back(text.data());
        }
    }
    return allowed.empty() ? Result<std::vector<std::string>>{std::unexpected(outgoing_refused)}
                           : std::move(allowed);
}

bool is_loopback(std::string_view address) {
    return address.starts_with("127.") || address == "::1";
}

/// SQLSTATE, PostgreSQL Appendix A.
Error error_of(std::string_view state) {
    if (state == "42P01") {
        return {Errc::timed_out, "nobody has made the catalogue's tables yet"};
    }
    if (state == "42501" || state.starts_with("28")) {
        return {Errc::refused, "its user may not do that: let it make tables, or write into those there are"};
    }
    if (state.starts_with("53")) {
        return {Errc::exhausted, "the catalogue's server has no room"};
    }
    if (state.starts_with("08") || state.starts_with("57") || state.starts_with("40") || state == "55P03") {
        return {Errc::closed, "the catalogue's server ended the conversation"};
    }
    return {Errc::malformed, "the catalogue's server does not take what this node says"};
}

/// Values as libpq wants them: texts and numbers as text, bytes as they are.
struct Values {
    explicit Values(std::initializer_list<PgValue> values) {
        texts.reserve(values.size());
        for (const PgValue& value : values) {
            if (const auto* const bytes = std::get_if<ByteSpan>(&value)) {
                texts.emplace_back(as_text(*bytes));
            } else if (const auto* const text = std::get_if<std::string_view>(&value)) {
                texts.emplace_back(*text);
            } else {
                texts.push_back(std::to_string(std::get<std::int64_t>(value)));
            }
            pointers.push_back(texts.back().data());
            lengths.push_back(static_cast<int>(texts.back().size()));
            formats.push_back(std::holds_alternative<ByteSpan>(value) ? 1 : 0);
        }
    }
    std::vector<std::string> texts;
    std::vector<const char*> pointers;
    std::vector<int> lengths;
    std::vector<int> formats;
};

}   // namespace

void PgRows::clear(pg_result* result) {
    PQclear(result);
}

int PgRows::count() const {
    return PQntuples(result_.get());
}

ByteSpan PgRows::bytes(int row, int column) const {
    const char* const at = PQgetvalue(result_.get(), row, column);
    const int size = PQgetlength(result_.get(), row, column);
    return at == nullptr ? ByteSpan{} : std::as_bytes(std::span{at, static_cast<std::size_t>(size)});
}

std::int64_t PgRows::number(int row, int column) const {
    ByteReader in{bytes(row, column)};
    return in.remaining() == sizeof(std::int64_t) ? static_cast<std::int64_t>(in.u64()) : 0;
}

PgConnection::PgConnection(archive::CataloguePlace place, Patience patience)
    : place_{std::move(place)}, patience_{patience} {
}

void PgConnection::close() {
    PQfinish(std::exchange(connection_, nullptr));
}

std::unexpected<Error> PgConnection::gave_up(const Error& why) {
    close();
    return std::unexpected(why);
}

std::unexpected<Error> PgConnection::not_reached() {
    words_ = one_line(PQerrorMessage(connection_));
    if (PQconnectionNeedsPassword(connection_) != 0) {
        return gave_up({Errc::refused,
                        "the catalogue's server wants a password: write storage.catalogue.password_file"});
    }
    if (words_.find("certificate verify failed") != std::string::npos) {
        return gave_up({Errc::refused,
                        "its server's certificate is of nobody who is known here: name the CA that signed "
                        "it, or itself where it signed itself, in storage.catalogue.ca_file"});
    }
    return gave_up({Errc::timed_out, "its server cannot be reached, or does not let this node in"});
}

std::unexpected<Error> PgConnection::not_done(const pg_result* result) {
    const char* const state = result == nullptr ? nullptr : PQresultErrorField(result, PG_DIAG_SQLSTATE);
    words_ = one_line(PQerrorMessage(connection_));
    return gave_up(state == nullptr ? Error{Errc::closed, "the connection to the catalogue's server broke"}
                                    : error_of(state));
}

Result<> PgConnection::wait(short events, Clock::time_point deadline) {
    constexpr int slice_ms = 50;
    for (;;) {
        if (stopped_) {
            return gave_up({Errc::cancelled, "this node stops"});
        }
        pollfd one{.fd = PQsocket(connection_), .events = events, .revents = 0};
        if (one.fd < 0) {
            return not_done(nullptr);
        }
        if (::poll(&one, 1, slice_ms) > 0) {
            return {};
        }
        if (Clock::now() >= deadline) {
            return gave_up({Errc::timed_out, "the catalogue's server does not answer"});
        }
    }
}

Result<> PgConnection::open() {
    words_.clear();
    const Result<std::vector<std::string>> addresses = addresses_of(place_);
    if (!addresses) {
        return std::unexpected(addresses.error());
    }
    Result<> opened;
    for (const std::string& address : *addresses) {
        opened = open_at(address);
        if (opened || opened.error().code == Errc::cancelled) {
            break;
        }
    }
    return opened;
}

Result<> PgConnection::open_at(const std::string& address) {
    const std::string port = std::to_string(place_.port);
    // Who names a CA wants the server to be of it, also where nobody else can listen in.
    const bool here = is_loopback(address) && place_.ca_file.empty();
    const char* const tls = here ? "prefer" : place_.verify ? "verify-full" : "require";
    const char* const ca = place_.ca_file.empty() ? system_certificates : place_.ca_file.c_str();
    // What is said here comes neither from the environment nor from files of a user.
    const std::array<std::pair<const char*, const char*>, 13> options{{
        {"host", place_.host.c_str()},
        {"hostaddr", address.c_str()},
        {"port", port.c_str()},
        {"user", place_.user.c_str()},
        {"password", place_.password.c_str()},
        {"dbname", place_.database.c_str()},
        {"passfile", "/dev/null"},
        {"sslmode", tls},
        {"sslrootcert", ca},
        {"gssencmode", "disable"},
        {"application_name", "millrace"},
        {"client_encoding", "UTF8"},
        {"tcp_user_timeout", "15000"},
    }};
    std::array<const char*, options.size() + 1> names{};
    std::array<const char*, options.size() + 1> values{};
    for (std::size_t at = 0; at < options.size(); ++at) {
        std::tie(names[at], values[at]) = options[at];
    }
    connection_ = PQconnectStartParams(names.data(), values.data(), 0);
    if (connection_ == nullptr) {
        return fail(Errc::exhausted, "libpq has no room");
    }
    const Clock::time_point deadline = Clock::now() + patience_.connect;
    for (PostgresPollingStatusType state = PGRES_POLLING_WRITING; state != PGRES_POLLING_OK;
         state = PQconnectPoll(connection_)) {
        if (state == PGRES_POLLING_FAILED || PQstatus(connection_) == CONNECTION_BAD) {
            return not_reached();
        }
        if (const Result<> ready = wait(state == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline);
            !ready) {
            return ready;
        }
    }
    PQsetNoticeProcessor(connection_, +[](void*, const char*) {}, nullptr);
    return PQsetnonblocking(connection_, 1) == 0 ? Result<>{} : Result<>{not_reached()};
}

Result<> PgConnection::send_out(Clock::time_point deadline) {
    for (;;) {
        const int left = PQflush(connection_);
        if (left < 0) {
            return not_done(nullptr);
        }
        if (left == 0) {
            return {};
        }
        // A server that says much before it hears all has to be heard.
        if (const Result<> ready = wait(POLLIN | POLLOUT, deadline); !ready) {
            return ready;
        }
        if (PQconsumeInput(connection_) == 0) {
            return not_done(nullptr);
        }
    }
}

Result<PgRows> PgConnection::read_answer(Clock::time_point deadline) {
    PgRows last{nullptr};
    for (;;) {
        while (PQisBusy(connection_) != 0) {
            if (const Result<> ready = wait(POLLIN, deadline); !ready) {
                return std::unexpected(ready.error());
            }
            if (PQconsumeInput(connection_) == 0) {
                return not_done(nullptr);
            }
        }
        pg_result* const result = PQgetResult(connection_);
        if (result == nullptr) {
            return last;
        }
        last = PgRows{result};
        const ExecStatusType status = PQresultStatus(result);
        if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
            return not_done(result);
        }
    }
}

Result<PgRows> PgConnection::ask(const char* sql, std::initializer_list<PgValue> values) {
    constexpr int binary = 1;
    const Values said{values};
    const int sent =
        PQsendQueryParams(connection_, sql, static_cast<int>(said.pointers.size()), nullptr,
                          said.pointers.data(), said.lengths.data(), said.formats.data(), binary);
    if (sent == 0) {
        return not_done(nullptr);
    }
    const Clock::time_point deadline = Clock::now() + patience_.answer;
    if (const Result<> out = send_out(deadline); !out) {
        return std::unexpected(out.error());
    }
    return read_answer(deadline);
}

Result<> PgConnection::run(const char* sql, std::initializer_list<PgValue> values) {
    const Result<PgRows> done = ask(sql, values);
    return done ? Result<>{} : std::unexpected(done.error());
}

}   // namespace millrace::outside
