#include "session/archive_import.hpp"

#include "archive/importer.hpp"
#include "base/date_time.hpp"
#include "base/log.hpp"
#include "hub/name.hpp"
#include "session/body_intake.hpp"
#include "session/refused.hpp"

#include <fmt/format.h>

namespace millrace::session {

namespace {

constexpr std::string_view protocol = "import";
constexpr std::string_view recordings = "/api/v1/recordings/";
constexpr Duration disk_deadline = 60s;

struct Wanted {
    std::string stream;
    std::optional<WallTime> from;
};

Result<Wanted> read_wish(const web::Request& request) {
    const Result<hub::StreamName> name =
        hub::StreamName::parse(std::string_view{request.path}.substr(recordings.size()));
    if (!name) {
        return std::unexpected(name.error());
    }
    const std::optional<std::string> from = request.query_value("from");
    const std::optional<WallTime> time = from ? parse_date_time(*from) : std::nullopt;
    if (from && !time) {
        return fail(Errc::malformed, "from is a time such as 2026-11-20T14:09:32Z");
    }
    return Wanted{name->text(), time};
}

/// One file on its way from its connection to the disk.
class Import {
public:
    Import(Desk& desk, archive::Keeper& keeper, Wanted wanted, const web::Request& request)
        : desk_{desk},
          keeper_{keeper},
          peer_{request.peer},
          importer_{std::move(wanted.stream), wanted.from, desk.random.next_u32()},
          body_{desk.executor, request, desk.settings->import_bytes_max} {
        ++desk_.imports;
    }
    Import(const Import&) = delete;
    Import& operator=(const Import&) = delete;
    ~Import() { --desk_.imports; }

    Task<> run(std::unique_ptr<Connection> connection, std::vector<std::byte> read_ahead) {
        BodyIntake::Take take = [this](ByteSpan piece) { return read(piece); };
        Result<> done = fail(Errc::malformed, "the file is empty");
        if (!body_.done()) {
            done = co_await body_.receive(*connection, std::move(read_ahead), std::move(take));
        }
        if (done) {
            done = importer_.finish();
            const Result<> kept = co_await keep_ready();
            done = done ? kept : done;
        }
        Answer<bool> ended{desk_.executor};
        keeper_.import(importer_.stream(), {}, importer_.end(), ended.reply());
        const Result<bool> closed = co_await ended.within(desk_.executor.now() + disk_deadline);
        if (done && !closed) {
            done = std::unexpected(closed.error());
        }
        co_await tell(*connection, done);
    }

private:
    Task<Result<>> read(ByteSpan piece) {
        while (!piece.empty()) {
            const Result<> read = importer_.read(piece);
            const Result<> kept = co_await keep_ready();
            if (!read || !kept) {
                co_return read ? kept : read;
            }
        }
        co_return Result<>{};
    }

    Task<Result<>> keep_ready() {
        while (std::optional<archive::ImportedFragment> one = importer_.next()) {
            const archive::Span span = one->span;
            const std::uint64_t bytes = one->bytes;
            Answer<bool> answer{desk_.executor};
            keeper_.import(importer_.stream(), span, importer_.batch(std::move(*one)), answer.reply());
            const Result<bool> kept = co_await answer.within(desk_.executor.now() + disk_deadline);
            if (!kept) {
                co_return std::unexpected(kept.error());
            }
            if (!*kept) {
                importer_.left_out();
                ++left_out_;
                continue;
            }
            ++fragments_;
            bytes_ += bytes;
            from_ = from_ ? std::min(*from_, span.from) : span.from;
            to_ = std::max(to_, span.to);
        }
        co_return Result<>{};
    }

    std::string document() const {
        const std::string times =
            from_ ? fmt::format(R"("from":"{}","to":"{}",)", date_time_text(*from_), date_time_text(to_))
                  : std::string{};
        return fmt::format(R"({{{}"fragments":{},"bytes":{},"left_out":{}}})", times, fragments_, bytes_,
                           left_out_);
    }

    Task<> tell(Connection& connection, Result<> done) {
        const int status = done ? 201 : body_.too_large() ? 413 : web::status_of(done.error().code);
        desk_.tally.count_answer(status);
        if (done) {
            log::info(protocol, "{} from {}: {} fragments are kept, {} left out", importer_.stream(),
                      peer_.text(), fragments_, left_out_);
            co_await body_.answer(connection, status, "application/json", document());
            co_return;
        }
        log::info(protocol, "a file from {} for {} was refused behind {} fragments: {}", peer_.text(),
                  importer_.stream(), fragments_, done.error().what);
        const web::Response problem = web::Response::problem(status, done.error().what);
        co_await body_.answer(connection, status, "application/problem+json", as_text(problem.body));
    }

    Desk& desk_;
    archive::Keeper& keeper_;
    Endpoint peer_;
    archive::Importer importer_;
    BodyIntake body_;
    std::uint64_t fragments_ = 0;
    std::uint64_t left_out_ = 0;
    std::uint64_t bytes_ = 0;
    std::optional<WallTime> from_;
    WallTime to_{};
};

Task<> run_import(std::unique_ptr<Import> import, std::unique_ptr<Connection> connection,
                  std::vector<std::byte> read_ahead) {
    co_await import->run(std::move(connection), std::move(read_ahead));
}

Task<Result<web::Response>> answer_wish(Desk& desk, archive::Keeper& keeper, const web::Request& request) {
    Result<Wanted> wanted = read_wish(request);
    if (!wanted) {
        co_return std::unexpected(wanted.error());
    }
    hub::Petition petition = hub::petition_of(request, hub::Action::admin, protocol);
    petition.stream = wanted->stream;
    const Result<hub::Admitted> admitted =
        co_await hub::ask(desk.admission, std::move(petition), desk.executor);
    if (!admitted) {
        co_return std::unexpected(admitted.error());
    }
    if (const Result<> room = desk.has_room(); !room) {
        co_return std::unexpected(room.error());
    }
    if (desk.imports == imports_max) {
        co_return fail(Errc::exhausted, "enough imports are under way; try again later");
    }
    web::Response response;
    response.takeover = [import = std::make_unique<Import>(desk, keeper, std::move(*wanted), request)](
                            std::unique_ptr<Connection> connection,
                            std::vector<std::byte> read_ahead) mutable {
        return run_import(std::move(import), std::move(connection), std::move(read_ahead));
    };
    co_return response;
}

Task<web::Response> answer(Desk& desk, archive::Keeper& keeper, const web::Request& request) {
    Result<web::Response> answered = co_await answer_wish(desk, keeper, request);
    if (!answered) {
        note_refusal(desk, protocol, request.peer, answered.error());
        co_return web::refusal(request, answered.error());
    }
    co_return std::move(*answered);
}

}   // namespace

web::Route archive_import(Desk& desk, archive::Keeper& keeper) {
    return {.methods = {"PUT"},
            .matches = [](std::string_view path) { return path.starts_with(recordings); },
            .answer = [&desk, &keeper](const web::Request& request,
                                       Executor&) { return answer(desk, keeper, request); }};
}

}   // namespace millrace::session
