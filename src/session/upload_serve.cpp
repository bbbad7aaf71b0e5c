#include "session/upload_serve.hpp"

#include "base/log.hpp"
#include "hub/name.hpp"
#include "session/body_intake.hpp"
#include "session/refused.hpp"

#include <fmt/format.h>

namespace millrace::session {

namespace {

constexpr std::string_view protocol = "upload";
constexpr std::string_view folder = "/upload/";
constexpr Duration home_wait = 10s;

struct Wanted {
    std::string stream;
    UploadForm form;
};

Result<Wanted> read_path(std::string_view path) {
    const Result<hub::MediaPath> split = hub::split_media_path(path);
    if (!split) {
        return std::unexpected(split.error());
    }
    if (!split->rest.starts_with(folder) || split->rest.size() == folder.size()) {
        return fail(Errc::not_found, "an upload names a file, as in /live/cam/upload/0.ts");
    }
    const auto ends_so = [&split](std::string_view ending) { return split->rest.ends_with(ending); };
    if (ends_so(".ts")) {
        return Wanted{split->name.text(), UploadForm::ts};
    }
    if (ends_so(".m4s") || ends_so(".mp4")) {
        return Wanted{split->name.text(), UploadForm::mp4};
    }
    if (ends_so(".m3u8")) {
        return Wanted{split->name.text(), UploadForm::list};
    }
    return fail(Errc::unsupported, "only .ts, .m4s, .mp4 and .m3u8 are uploaded");
}

/// One file on its way from its connection to the stream's home.
class Upload {
public:
    Upload(Desk& desk, UploadDesk& home, UploadPiece first, const web::Request& request)
        : desk_{desk},
          home_{home},
          piece_{std::move(first)},
          body_{desk.executor, request, UploadLimits::file_size_max} {}

    Task<> run(std::unique_ptr<Connection> connection, std::vector<std::byte> read_ahead);

private:
    Task<Result<>> hand_on(ByteSpan bytes);

    Desk& desk_;
    UploadDesk& home_;
    UploadPiece piece_;
    BodyIntake body_;
    bool begun_ = false;
};

Task<Result<>> Upload::hand_on(ByteSpan bytes) {
    UploadPiece piece = piece_;
    piece.bytes = Bytes::copy(bytes);
    piece.begins = !std::exchange(begun_, true);
    piece.ends = body_.done();
    Answer<bool> answer{desk_.executor};
    home_.desk().executor.post([&home = home_, piece = std::move(piece), reply = answer.reply()]() mutable {
        home.take(std::move(piece), std::move(reply));
    });
    const Result<bool> taken = co_await answer.within(Instant::never());
    co_return taken ? Result<>{} : std::unexpected(taken.error());
}

Task<> Upload::run(std::unique_ptr<Connection> connection, std::vector<std::byte> read_ahead) {
    Result<> received;
    if (!body_.done()) {
        BodyIntake::Take take = [this](ByteSpan piece) { return hand_on(piece); };
        received = co_await body_.receive(*connection, std::move(read_ahead), std::move(take));
    }
    const int status = received ? 201 : body_.too_large() ? 413 : web::status_of(received.error().code);
    const std::string words = received ? std::string{} : fmt::format("{}\n", received.error().what);
    desk_.tally.count_answer(status);
    if (!received) {
        log::info(protocol, "a file from {} for {} was refused: {}", piece_.peer.text(), piece_.stream,
                  received.error().what);
    }
    co_await body_.answer(*connection, status, "text/plain; charset=utf-8", words);
}

Task<> run_upload(std::unique_ptr<Upload> upload, std::unique_ptr<Connection> connection,
                  std::vector<std::byte> read_ahead) {
    co_await upload->run(std::move(connection), std::move(read_ahead));
}

Task<Result<web::Response>> answer_wish(UploadDesk& here, Uploads& uploads, const web::Request& request) {
    Desk& desk = here.desk();
    const Result<Wanted> wanted = read_path(request.path);
    if (!wanted) {
        co_return std::unexpected(wanted.error());
    }
    hub::Petition petition = hub::petition_of(request, hub::Action::publish, protocol);
    petition.stream = wanted->stream;
    const Result<hub::Admitted> admitted =
        co_await hub::ask(desk.admission, std::move(petition), desk.executor);
    if (!admitted) {
        co_return std::unexpected(admitted.error());
    }
    if (request.method == "DELETE") {
        co_return web::Response{.status = 204};
    }
    if (const Result<> room = desk.has_room(); !room) {
        co_return std::unexpected(room.error());
    }
    Answer<UploadDesk*> answer{desk.executor};
    uploads.home_of(wanted->stream, here, answer.reply());
    const Result<UploadDesk*> home = co_await answer.within(desk.executor.now() + home_wait);
    if (!home) {
        co_return std::unexpected(home.error());
    }
    UploadPiece first{.stream = wanted->stream,
                      .peer = request.peer,
                      .who = admitted->identity,
                      .form = wanted->form,
                      .file = std::uint64_t{desk.random.next_u32()} << 32U | desk.random.next_u32(),
                      .bytes = {}};
    auto upload = std::make_unique<Upload>(desk, **home, std::move(first), request);
    web::Response response;
    response.takeover = [upload = std::move(upload)](std::unique_ptr<Connection> connection,
                                                     std::vector<std::byte> read_ahead) mutable {
        return run_upload(std::move(upload), std::move(connection), std::move(read_ahead));
    };
    co_return response;
}

Task<web::Response> answer(UploadDesk& here, Uploads& uploads, const web::Request& request) {
    Result<web::Response> answered = co_await answer_wish(here, uploads, request);
    if (!answered) {
        note_refusal(here.desk(), protocol, request.peer, answered.error());
        co_return web::refusal(request, answered.error());
    }
    co_return std::move(*answered);
}

}   // namespace

web::Route upload_serve(UploadDesk& here, Uploads& uploads) {
    return {.methods = {"PUT", "POST", "DELETE"},
            .matches = [](std::string_view path) { return path.find(folder) != std::string_view::npos; },
            .answer = [&here, &uploads](const web::Request& request,
                                        Executor&) { return answer(here, uploads, request); }};
}

}   // namespace millrace::session
