#include "session/mjpeg_pull.hpp"

#include "base/log.hpp"
#include "base/url.hpp"
#include "base/waiting.hpp"
#include "container/multipart_reader.hpp"
#include "hub/publication.hpp"
#include "media/jpeg.hpp"
#include "net/drive.hpp"
#include "protocol/http/client_machine.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace millrace::session {

namespace {

constexpr Duration congestion_pause = 5ms;
constexpr double polls_default = 1;
constexpr double polls_min = 0.01;
constexpr double polls_max = 60;
constexpr std::uint64_t ticks_a_second = 90'000;
/// What a server says of a picture's time is believed if it is no further than this from ours.
constexpr double clock_trust_seconds = 3600;

/// The server in its role of publisher, as the registry and the hub reach it.
class Camera final : public hub::Sessions::Entry {
public:
    Camera(Desk& desk, Connection& connection, const std::string& stream)
        : Entry{desk.sessions,
                {.kind = hub::SessionKind::publisher,
                 .protocol = "http",
                 .stream = stream,
                 .peer = connection.peer(),
                 .since = {}}},
          desk_{desk} {}

    void begin(hub::Grant grant) {
        publication_.emplace(desk_.directory, desk_.executor, ref(), grant);
        began_ = desk_.executor.now();
    }
    hub::Publication& publication() { return *publication_; }
    void take(Bytes picture, const media::jpeg::Facts& facts, std::optional<double> taken_at);
    /// The connection under way; null between two.
    void use(Connection* connection) { connection_ = connection; }
    bool ended_by_us() const { return ended_; }

    void end(Error /*reason*/) override {
        ended_ = true;
        if (connection_ != nullptr) {
            connection_->close();
        }
    }
    void on_taken(std::size_t bytes) override {
        if (publication_) {
            publication_->taken(bytes);
        }
    }
    hub::SessionReport report() const override { return {id(), facts(), bytes_, 0, 0, 0}; }

private:
    Desk& desk_;
    Connection* connection_ = nullptr;
    std::optional<hub::Publication> publication_;
    Instant began_;
    media::ConfigRef config_;
    std::uint64_t bytes_ = 0;
    bool ended_ = false;
};

void Camera::take(Bytes picture, const media::jpeg::Facts& facts, std::optional<double> taken_at) {
    config_ = media::jpeg::config_from(facts, config_);
    const auto since = static_cast<std::uint64_t>((desk_.executor.now() - began_) / 1us);
    const auto time = static_cast<std::int64_t>(since * ticks_a_second / 1'000'000);
    media::AccessUnit unit{.config = config_, .dts = time, .pts = time, .key = true};
    unit.payload = picture.slice(0, facts.size);
    const WallTime now = desk_.executor.clock().utc();
    if (taken_at && std::abs(*taken_at - static_cast<double>(now.microseconds) / 1e6) < clock_trust_seconds) {
        unit.capture = {{static_cast<std::int64_t>(*taken_at * 1e6)}, media::CaptureTime::Label::sender};
    }
    bytes_ += picture.size();
    publication_->write(std::move(unit));
}

/// "fps=2" behind '#' of the source's URL.
double polls_a_second(std::string_view fragment) {
    constexpr std::string_view key = "fps=";
    double polls = polls_default;
    if (fragment.starts_with(key)) {
        std::from_chars(fragment.data() + key.size(), fragment.data() + fragment.size(), polls);
    }
    return std::clamp(polls, polls_min, polls_max);
}

/// One pull from its first connection to its end.
class Pull {
public:
    Pull(Desk& desk, Connector& connector, const SourceRule& rule, SourceLeash& leash)
        : desk_{desk}, connector_{connector}, leash_{leash}, stream_{rule.stream} {}
    Pull(const Pull&) = delete;
    Pull& operator=(const Pull&) = delete;
    ~Pull() { hold(nullptr); }

    Task<SourceEnding> run(Url url);

private:
    Task<Result<>> converse(Url url);
    Task<Result<>> open(const Url& url);
    Task<Result<http::ResponseHead>> ask(const Url& url);
    Task<Result<http::ResponseHead>> ask_here(const Url& url);
    Result<> check_patience() const;
    void drop_connection();
    Task<Result<>> take_answer(const http::ResponseHead& head);
    Task<Result<>> take_body();
    Task<Result<>> take_parts();
    Task<Result<>> turn();
    Task<Result<>> show(Bytes picture, std::optional<double> taken_at);
    Task<Result<>> publish();
    bool is_over() const { return leash_.is_pulled() || (camera_ && camera_->ended_by_us()); }
    void hold(Connection* connection);
    void note(const http::ResponseHead& head);

    Desk& desk_;
    Connector& connector_;
    SourceLeash& leash_;
    std::string stream_;
    std::string words_;
    Instant newest_;   // picture, or the begin
    Duration patience_ = mjpeg_patience;

    std::unique_ptr<Connection> connection_;
    std::optional<http::ClientMachine> machine_;
    std::optional<multipart::Reader> parts_;   // of an endless answer
    std::vector<std::byte> picture_;           // else of a single one, as far as it came
    std::optional<Camera> camera_;
};

void Pull::hold(Connection* connection) {
    leash_.hold(connection);
    if (camera_) {
        camera_->use(connection);
    }
}

void Pull::drop_connection() {
    hold(nullptr);
    connection_.reset();
}

Result<> Pull::check_patience() const {
    return desk_.executor.now() >= newest_ + patience_
               ? Result<>{fail(Errc::timed_out, "no whole picture came for too long")}
               : Result<>{};
}

Task<Result<>> Pull::open(const Url& url) {
    drop_connection();
    machine_.emplace();
    Answer<std::unique_ptr<Connection>> answer{desk_.executor};
    const Instant deadline = desk_.executor.now() + pull_connect_deadline;
    connector_.connect(desk_.executor, {url.endpoint(), url.scheme == "https", deadline}, answer.reply());
    Result<std::unique_ptr<Connection>> opened = co_await answer.within(deadline);
    if (!opened) {
        co_return std::unexpected(opened.error());
    }
    if (is_over()) {
        co_return fail(Errc::cancelled, "the source was stopped");
    }
    connection_ = std::move(*opened);
    hold(connection_.get());
    co_return Result<>{};
}

/// Moves bytes until the machine has something to tell.
Task<Result<>> Pull::turn() {
    while (camera_ && camera_->publication().congested()) {
        co_await sleep_until(desk_.executor, desk_.executor.now() + congestion_pause);
    }
    const Result<> driven = co_await net::drive(*connection_, *machine_, desk_.executor, desk_.read_buffer);
    if (!driven && driven.error().code == Errc::closed && !is_over()) {
        co_return machine_->close();
    }
    co_return driven;
}

Task<Result<http::ResponseHead>> Pull::ask(const Url& url) {
    if (connection_ != nullptr && machine_->may_ask()) {
        auto head = co_await ask_here(url);
        // A server may have closed what it kept just as we asked (RFC 9112 §9.3.1).
        if (head || is_over() || head.error().code == Errc::timed_out) {
            co_return std::move(head);
        }
    }
    const Result<> opened = co_await open(url);
    if (!opened) {
        co_return std::unexpected(opened.error());
    }
    co_return co_await ask_here(url);
}

Task<Result<http::ResponseHead>> Pull::ask_here(const Url& url) {
    const Result<> asked = machine_->ask(
        {.url = url, .headers = {{"Accept", "multipart/x-mixed-replace, image/jpeg"}}}, desk_.executor.now());
    if (!asked) {
        co_return std::unexpected(asked.error());
    }
    for (;;) {
        if (auto event = machine_->next_event()) {
            co_return std::move(std::get<http::ResponseHead>(*event));
        }
        const Result<> turned = co_await turn();
        if (!turned) {
            co_return std::unexpected(turned.error());
        }
    }
}

void Pull::note(const http::ResponseHead& head) {
    const std::string type{head.header("Content-Type").value_or("nothing known")};
    words_ = head.status == 401 || head.status == 403
                 ? fmt::format("the server wants another user or password ({})", head.status)
             : head.status != 200
                 ? fmt::format("the server answers {}", head.status)
                 : fmt::format("the server answers with {}, not with JPEG pictures", log::escaped(type, 64));
}

Task<Result<>> Pull::take_answer(const http::ResponseHead& head) {
    const multipart::ContentType type =
        multipart::read_content_type(head.header("Content-Type").value_or(""));
    parts_.reset();
    picture_.clear();
    if (head.status == 200 && type.type.starts_with("multipart/")) {
        Result<multipart::Reader> reader = multipart::Reader::make(type.boundary);
        if (!reader) {
            co_return std::unexpected(reader.error());
        }
        parts_.emplace(std::move(*reader));
    } else if (head.status != 200 || type.type != "image/jpeg") {
        note(head);
        co_return fail(Errc::refused, "the server gives no pictures");
    }
    co_return co_await take_body();
}

/// Until the answer's end.
Task<Result<>> Pull::take_body() {
    for (;;) {
        while (const auto event = machine_->next_event()) {
            if (const auto* body = std::get_if<http::BodyPart>(&*event); body != nullptr && parts_) {
                const Result<> received = parts_->receive(body->bytes);
                const Result<> shown = co_await take_parts();
                if (!received || !shown) {
                    co_return received ? shown : received;
                }
            } else if (body != nullptr) {
                picture_.insert(picture_.end(), body->bytes.begin(), body->bytes.end());
                if (picture_.size() > multipart::Reader::body_max) {
                    co_return fail(Errc::exhausted, "the picture is larger than 8 MiB");
                }
            } else if (parts_) {
                co_return fail(Errc::closed, "the server ended the pictures");
            } else {
                co_return co_await show(Bytes{std::exchange(picture_, {})}, std::nullopt);
            }
        }
        if (camera_) {
            camera_->publication().flush();
        }
        const Result<> patient = check_patience();
        if (!patient) {
            co_return patient;
        }
        const Result<> turned = co_await turn();
        if (!turned) {
            co_return turned;
        }
    }
}

Task<Result<>> Pull::take_parts() {
    while (auto part = parts_->next()) {
        const Result<> shown = co_await show(std::move(part->body), part->timestamp);
        if (!shown) {
            co_return shown;
        }
    }
    co_return Result<>{};
}

Task<Result<>> Pull::publish() {
    const Result<> stage = co_await leash_.take_stage();
    if (!stage) {
        co_return stage;
    }
    camera_.emplace(desk_, *connection_, stream_);
    camera_->use(connection_.get());
    Answer<hub::Grant> answer{desk_.executor};
    desk_.directory.publish(camera_->facts(), camera_->ref(), answer.reply());
    const Result<hub::Grant> grant = co_await answer.within(Instant::never());
    if (!grant) {
        camera_.reset();
        co_return std::unexpected(grant.error());
    }
    camera_->begin(*grant);
    co_return Result<>{};
}

Task<Result<>> Pull::show(Bytes picture, std::optional<double> taken_at) {
    const Result<media::jpeg::Facts> facts = media::jpeg::read(picture);
    if (!facts && camera_) {
        camera_->publication().count_dropped();
    }
    if (!facts) {
        co_return Result<>{};   // one broken picture is no broken camera
    }
    if (!camera_) {
        const Result<> published = co_await publish();
        if (!published) {
            co_return published;
        }
    }
    newest_ = desk_.executor.now();
    camera_->publication().count_received(picture.size());
    camera_->take(std::move(picture), *facts, taken_at);
    camera_->publication().flush();
    leash_.delivered();
    co_return Result<>{};
}

Task<Result<>> Pull::converse(Url url) {
    const auto polled_every =
        std::chrono::duration_cast<Duration>(std::chrono::duration<double>{1 / polls_a_second(url.fragment)});
    patience_ = std::max(mjpeg_patience, 3 * polled_every);
    int redirects = 0;
    newest_ = desk_.executor.now();
    for (;;) {
        const Instant asked_at = desk_.executor.now();
        const Result<http::ResponseHead> head = co_await ask(url);
        if (!head) {
            co_return std::unexpected(head.error());
        }
        if (head->is_redirect()) {
            Result<Url> next = resolve_url(url, *head->header("Location"));
            if (!next || (next->scheme != "http" && next->scheme != "https") ||
                ++redirects > pull_redirects_max) {
                co_return fail(Errc::refused, "the server sends us elsewhere, where we do not go");
            }
            url = std::move(*next);
            drop_connection();
            continue;
        }
        const Result<> taken = co_await take_answer(*head);
        if (!taken) {
            co_return taken;
        }
        const Result<> patient = check_patience();
        if (!patient) {
            co_return patient;
        }
        co_await pause_for(desk_, asked_at + polled_every - desk_.executor.now(), leash_);
        if (is_over()) {
            co_return fail(Errc::cancelled, "the source was stopped");
        }
    }
}

Task<SourceEnding> Pull::run(Url url) {
    const Result<> ended = co_await converse(std::move(url));
    if (camera_ && is_over() && leash_.ends_stream()) {
        camera_->publication().finish();
    }
    co_return SourceEnding{.error = ended.error(), .words = std::move(words_)};
}

}   // namespace

Task<SourceEnding> mjpeg_pull(Desk& desk, const SourceMeans& means, const SourceRule& rule,
                              SourceLeash& leash) {
    Result<Url> url = parse_url(rule.source);
    if (!url) {
        co_return SourceEnding{.error = url.error(), .words = {}, .lasting = true};
    }
    Pull pull{desk, means.connector, rule, leash};
    co_return co_await pull.run(std::move(*url));
}

}   // namespace millrace::session
