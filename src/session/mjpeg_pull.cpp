#include "session/mjpeg_pull.hpp"

#include "container/multipart_reader.hpp"
#include "media/jpeg.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace millrace::session {

namespace {

constexpr double polls_default = 1;
constexpr double polls_min = 0.01;
constexpr double polls_max = 60;
constexpr std::uint64_t ticks_a_second = 90'000;
/// What a server says of a picture's time is believed if it is no further than this from ours.
constexpr double clock_trust_seconds = 3600;

/// "fps=2" behind '#' of the source's URL.
double polls_a_second(std::string_view fragment) {
    constexpr std::string_view key = "fps=";
    double polls = polls_default;
    if (fragment.starts_with(key)) {
        std::from_chars(fragment.data() + key.size(), fragment.data() + fragment.size(), polls);
    }
    return std::clamp(polls, polls_min, polls_max);
}

/// One pull from its first answer to its end.
class Pictures {
public:
    explicit Pictures(HttpPull& pull)
        : pull_{pull},
          desk_{pull.desk},
          publisher_{pull.desk, pull.leash, "http", pull.stream},
          newest_{pull.desk.executor.now()} {
        pull.fetch.work_for(publisher_);
    }

    Task<SourceEnding> run();

private:
    Task<Result<>> converse();
    Result<> check_patience() const;
    Task<Result<>> take_answer(const http::ResponseHead& head);
    Task<Result<>> take_body();
    Task<Result<>> take_piece(const Bytes& piece);
    Task<Result<>> show(multipart::Part picture);
    media::AccessUnit unit_of(const multipart::Part& picture, const media::jpeg::Facts& facts);

    HttpPull& pull_;
    Desk& desk_;
    SourcePublisher publisher_;
    std::string words_;
    Instant newest_;   // picture, or the begin
    Duration patience_ = pull_patience;
    bool unpublished_ = false;   // the server said that its publisher ended
    media::ConfigRef config_;
    std::optional<multipart::Reader> parts_;   // of an endless answer
    std::vector<std::byte> picture_;           // else of a single one, as far as it came
};

Result<> Pictures::check_patience() const {
    return desk_.executor.now() >= newest_ + patience_
               ? Result<>{fail(Errc::timed_out, "no whole picture came for too long")}
               : Result<>{};
}

Task<Result<>> Pictures::take_answer(const http::ResponseHead& head) {
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
        words_ = head.status == 200 ? "the server gives no pictures any more" : unwelcome_answer(head);
        co_return fail(Errc::refused, "the server gives no pictures");
    }
    co_return co_await take_body();
}

/// Until the answer's end.
Task<Result<>> Pictures::take_body() {
    for (;;) {
        const Result<BodyPieces> pieces = co_await pull_.fetch.next();
        if (!pieces) {
            co_return std::unexpected(pieces.error());
        }
        for (const Bytes& piece : pieces->bytes) {
            const Result<> taken = co_await take_piece(piece);
            if (!taken) {
                co_return taken;
            }
        }
        unpublished_ = parts_ && parts_->unpublished();
        if (pieces->ended && parts_) {
            co_return fail(Errc::closed, "the server ended the pictures");
        }
        if (unpublished_) {
            co_return fail(Errc::closed, "the server's publisher ended");
        }
        if (pieces->ended) {
            co_return co_await show({.body = Bytes{std::exchange(picture_, {})}});
        }
        const Result<> patient = check_patience();
        if (!patient) {
            co_return patient;
        }
    }
}

Task<Result<>> Pictures::take_piece(const Bytes& piece) {
    if (!parts_) {
        picture_.insert(picture_.end(), piece.begin(), piece.end());
        co_return picture_.size() > multipart::Reader::body_max
            ? Result<>{fail(Errc::exhausted, "the picture is larger than 8 MiB")}
            : Result<>{};
    }
    const Result<> received = parts_->receive(piece);
    while (auto part = parts_->next()) {
        const Result<> shown = co_await show(*std::move(part));
        if (!shown) {
            co_return shown;
        }
    }
    co_return received;
}

media::AccessUnit Pictures::unit_of(const multipart::Part& picture, const media::jpeg::Facts& facts) {
    config_ = media::jpeg::config_from(facts, config_);
    const auto since = static_cast<std::uint64_t>((desk_.executor.now() - publisher_.since()) / 1us);
    const auto time = static_cast<std::int64_t>(since * ticks_a_second / 1'000'000);
    media::AccessUnit unit{.config = config_, .dts = time, .pts = time, .key = true};
    unit.payload = picture.body.slice(0, facts.size);
    const WallTime now = desk_.executor.clock().utc();
    const std::optional<double> taken = picture.timestamp;
    if (taken && std::abs(*taken - static_cast<double>(now.microseconds) / 1e6) < clock_trust_seconds) {
        unit.capture = {{static_cast<std::int64_t>(*taken * 1e6)}, picture.origin};
    }
    return unit;
}

Task<Result<>> Pictures::show(multipart::Part picture) {
    const Result<media::jpeg::Facts> facts = media::jpeg::read(picture.body);
    if (!facts && publisher_.began()) {
        publisher_.publication().count_dropped();
    }
    if (!facts) {
        co_return Result<>{};   // one broken picture is no broken camera
    }
    if (!publisher_.began()) {
        const Result<> begun = co_await publisher_.begin();
        if (!begun) {
            co_return begun;
        }
    }
    newest_ = desk_.executor.now();
    publisher_.publication().count_received(picture.body.size());
    publisher_.write(unit_of(picture, *facts));
    co_await publisher_.flush();
    co_return Result<>{};
}

Task<Result<>> Pictures::converse() {
    const auto polled_every = std::chrono::duration_cast<Duration>(
        std::chrono::duration<double>{1 / polls_a_second(pull_.url.fragment)});
    patience_ = std::max(pull_patience, 3 * polled_every);
    for (Instant asked_at = newest_;;) {
        const Result<> taken = co_await take_answer(pull_.head);
        if (!taken) {
            co_return taken;
        }
        const Result<> patient = check_patience();
        if (!patient) {
            co_return patient;
        }
        co_await pause_for(desk_, asked_at + polled_every - desk_.executor.now(), pull_.leash);
        if (publisher_.is_over()) {
            co_return fail(Errc::cancelled, "the source was stopped");
        }
        asked_at = desk_.executor.now();
        Result<http::ResponseHead> head = co_await pull_.fetch.get(pull_.fetch.url());
        if (!head) {
            co_return std::unexpected(head.error());
        }
        pull_.head = std::move(*head);
    }
}

Task<SourceEnding> Pictures::run() {
    const Result<> ended = co_await converse();
    publisher_.finish(unpublished_);
    co_return SourceEnding{.error = ended.error(), .words = std::move(words_)};
}

}   // namespace

Task<SourceEnding> mjpeg_pull(HttpPull& pull) {
    Pictures pictures{pull};
    co_return co_await pictures.run();
}

}   // namespace millrace::session
