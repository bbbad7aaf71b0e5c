#include "session/upload_serve.hpp"

#include "base/log.hpp"
#include "base/waiting.hpp"
#include "hub/name.hpp"
#include "protocol/http/body_reader.hpp"
#include "session/refused.hpp"

#include <algorithm>
#include <array>
#include <charconv>

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

/// RFC 9112 §6.3; the machine has checked both headers.
http::BodyFraming framing_of(const web::Request& request) {
    if (request.header("Transfer-Encoding")) {
        return {.kind = http::BodyFraming::Kind::chunked};
    }
    http::BodyFraming framing;
    const std::string_view written = request.header("Content-Length").value_or("0");
    std::from_chars(written.data(), written.data() + written.size(), framing.length);
    framing.kind = framing.length > 0 ? http::BodyFraming::Kind::length : http::BodyFraming::Kind::none;
    return framing;
}

/// One file on its way from its connection to the stream's home.
class Upload {
public:
    Upload(Desk& desk, UploadDesk& home, UploadPiece first, const web::Request& request)
        : desk_{desk},
          home_{home},
          piece_{std::move(first)},
          framing_{framing_of(request)},
          body_{framing_},
          expects_continue_{request.header("Expect").has_value()} {}

    Task<> run(std::unique_ptr<Connection> connection, std::vector<std::byte> read_ahead);

private:
    Task<Result<>> receive(Connection& connection, std::vector<std::byte> bytes);
    Task<Result<>> take(ByteSpan bytes);
    Task<Result<>> hand_on(Bytes bytes);
    Task<> say(Connection& connection, std::string text);
    Task<> hear_out(Connection& connection);

    Desk& desk_;
    UploadDesk& home_;
    UploadPiece piece_;
    http::BodyFraming framing_;
    http::BodyReader body_;
    std::uint64_t size_ = 0;
    bool begun_ = false;
    bool expects_continue_;
};

Task<Result<>> Upload::hand_on(Bytes bytes) {
    UploadPiece piece = piece_;
    piece.bytes = std::move(bytes);
    piece.begins = !std::exchange(begun_, true);
    piece.ends = body_.done();
    Answer<bool> answer{desk_.executor};
    home_.desk().executor.post([&home = home_, piece = std::move(piece), reply = answer.reply()]() mutable {
        home.take(std::move(piece), std::move(reply));
    });
    const Result<bool> taken = co_await answer.within(Instant::never());
    co_return taken ? Result<>{} : std::unexpected(taken.error());
}

Task<Result<>> Upload::take(ByteSpan bytes) {
    while (!bytes.empty() && !body_.done()) {
        const Result<http::BodyReader::Piece> piece = body_.take(bytes);
        if (!piece) {
            co_return std::unexpected(piece.error());
        }
        bytes = bytes.subspan(piece->used);
        size_ += piece->body.size();
        if (size_ > UploadLimits::file_size_max) {
            co_return fail(Errc::exhausted, "the file is too large");
        }
        if (!piece->body.empty() || body_.done()) {
            const Result<> handed =
                co_await hand_on(Bytes{std::vector<std::byte>{piece->body.begin(), piece->body.end()}});
            if (!handed) {
                co_return handed;
            }
        }
    }
    co_return Result<>{};
}

Task<Result<>> Upload::receive(Connection& connection, std::vector<std::byte> bytes) {
    if (framing_.length > UploadLimits::file_size_max) {
        co_return fail(Errc::exhausted, "the file is too large");
    }
    for (;;) {
        const Result<> taken = co_await take(bytes);
        if (!taken || body_.done()) {
            co_return taken;
        }
        const Result<> ready =
            co_await readable(connection, desk_.executor, desk_.executor.now() + UploadLimits::silence_max);
        if (!ready) {
            co_return ready;
        }
        bytes.resize(Desk::read_size);
        const Result<std::size_t> count = connection.try_read(bytes);
        if (!count && count.error().code != Errc::would_block) {
            co_return std::unexpected(count.error());
        }
        bytes.resize(count.value_or(0));
    }
}

Task<> Upload::say(Connection& connection, std::string text) {
    const Instant latest = desk_.executor.now() + UploadLimits::silence_max;
    for (ByteSpan rest = as_bytes(text); !rest.empty();) {
        const std::array slices{rest};
        const Result<std::size_t> sent = connection.try_write(slices);
        const bool full = !sent && sent.error().code == Errc::would_block;
        if (sent) {
            rest = rest.subspan(*sent);
        } else if (!full || !co_await writable(connection, desk_.executor, latest)) {
            co_return;
        }
    }
}

/// RFC 9112 §9.6: closing with unread bytes would reset the connection and lose the answer under way.
Task<> Upload::hear_out(Connection& connection) {
    const Instant until = desk_.executor.now() + 1s;
    for (std::size_t dropped = 0; dropped < UploadLimits::dropped_max;) {
        const Result<std::size_t> count = connection.try_read(desk_.read_buffer);
        const bool empty = !count && count.error().code == Errc::would_block;
        if (count) {
            dropped += *count;
        } else if (!empty || !co_await readable(connection, desk_.executor, until)) {
            co_return;
        }
    }
}

Task<> Upload::run(std::unique_ptr<Connection> connection, std::vector<std::byte> read_ahead) {
    if (expects_continue_ && read_ahead.empty()) {
        co_await say(*connection, "HTTP/1.1 100 Continue\r\n\r\n");
    }
    const Result<> received =
        body_.done() ? Result<>{} : co_await receive(*connection, std::move(read_ahead));
    const bool too_large = std::max(size_, framing_.length) > UploadLimits::file_size_max;
    const int status = received ? 201 : too_large ? 413 : web::status_of(received.error().code);
    const std::string words = received ? std::string{} : fmt::format("{}\n", received.error().what);
    desk_.tally.count_answer(status);
    co_await say(*connection, fmt::format("HTTP/1.1 {} {}\r\nContent-Type: text/plain; charset=utf-8\r\n"
                                          "Content-Length: {}\r\nConnection: close\r\n\r\n{}",
                                          status, web::reason_phrase(status), words.size(), words));
    if (!received) {
        log::info(protocol, "a file from {} for {} was refused: {}", piece_.peer.text(), piece_.stream,
                  received.error().what);
        co_await hear_out(*connection);
    }
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
