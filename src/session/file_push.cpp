#include "session/file_push.hpp"

#include "base/growing_file.hpp"
#include "base/log.hpp"
#include "container/flv_muxer.hpp"
#include "container/mp4_muxer.hpp"
#include "container/ts_muxer.hpp"
#include "hub/derived_feed.hpp"
#include "session/log_bell.hpp"

#include <array>

namespace millrace::session {

namespace {

constexpr std::string_view form = "file";
constexpr std::string_view prefix = "file:";
/// Written at once; what comes meanwhile waits in the log.
constexpr std::size_t piece_max = 1U << 20U;
/// How often it is looked whether it is still wanted, where nothing comes.
constexpr Duration look_every = 500ms;

std::optional<hub::Flavour> flavour_for(std::string_view path, const std::string& stream) {
    if (path.ends_with(".ts")) {
        return hub::flavour_of({.form = "file-ts", .only = {}},
                               [stream] { return Pushed<ts::Muxer>{stream}; });
    }
    if (path.ends_with(".flv")) {
        return hub::flavour_of({.form = "file-flv", .only = {}}, [] { return Pushed<flv::Muxer>{}; });
    }
    if (path.ends_with(".mp4")) {
        return hub::flavour_of({.form = "file-mp4", .only = {}},
                               [] { return Pushed<mp4::Muxer>{mp4::Period::ends}; });
    }
    return std::nullopt;
}

/// The file on its way back from the disk's thread, and how it went there.
struct Turn {
    std::unique_ptr<GrowingFile> file;   // none: it could not be begun
    Result<> result;
    std::string trouble{};   // in the system's words

    ForwardEnding ending() const { return {.error = result.error(), .words = trouble}; }
};

Task<Turn> on_disk(Desk& desk, Background& disk, std::move_only_function<Turn()> work) {
    Answer<Turn> answer{desk.executor};
    const bool taken =
        disk.run([work = std::move(work), reply = answer.reply()]() mutable { reply.give(work()); });
    Result<Turn> turn = co_await answer.within(Instant::never());
    if (!taken || !turn) {
        co_return Turn{nullptr, fail(Errc::exhausted, "too much waits for the disk already"), {}};
    }
    co_return std::move(*turn);
}

Task<Turn> begin(Desk& desk, Background& disk, std::string path) {
    co_return co_await on_disk(desk, disk, [path = std::move(path)] {
        std::string trouble;
        Result<std::unique_ptr<GrowingFile>> file = GrowingFile::begin(path, trouble);
        return file ? Turn{std::move(*file), {}}
                    : Turn{nullptr, std::unexpected(file.error()), std::move(trouble)};
    });
}

Task<Turn> append(Desk& desk, Background& disk, std::unique_ptr<GrowingFile> file,
                  std::vector<std::byte> bytes) {
    co_return co_await on_disk(desk, disk, [file = std::move(file), bytes = std::move(bytes)]() mutable {
        const Result<> written = file->append(bytes);
        std::string trouble = file->trouble();
        return Turn{std::move(file), written, std::move(trouble)};
    });
}

Task<Turn> finish(Desk& desk, Background& disk, std::unique_ptr<GrowingFile> file) {
    co_return co_await on_disk(desk, disk, [file = std::move(file)]() mutable {
        const Result<> finished = file->finish();
        std::string trouble = file->trouble();
        return Turn{std::move(file), finished, std::move(trouble)};
    });
}

/// A destination's place in the log.
class Place {
public:
    explicit Place(hub::Joined& joined) : log_{*joined.log}, counters_{joined.seat->counters} {}

    /// The next piece; empty where nothing waits.
    std::vector<std::byte> take();
    void count(std::size_t bytes) {
        counters_.bytes_out += bytes;
        ++counters_.writes;
        counters_.place = *cursor_;
        passed_ = log_.pictures_until(*cursor_);
    }

private:
    LogView& log_;
    Seat::Counters& counters_;
    std::optional<std::uint64_t> cursor_;   // nothing: it waits for its first entrance
    std::uint64_t passed_ = 0;              // pictures of the log before it
};

std::vector<std::byte> Place::take() {
    std::vector<std::byte> piece;
    if (!cursor_ || *cursor_ < log_.tail()) {
        const Entrance* const entrance = log_.newest_entrance();
        if (entrance == nullptr) {
            return piece;
        }
        if (cursor_) {
            ++counters_.skips;
            counters_.bytes_skipped += entrance->offset - *cursor_;
        }
        counters_.pictures.end(passed_);
        counters_.pictures.begin(passed_ = log_.pictures_until(entrance->offset));
        cursor_ = entrance->offset;
        piece.assign(entrance->resume.begin(), entrance->resume.end());
    }
    // Only whole messages: what is written can always be played.
    const std::uint64_t most = std::min<std::uint64_t>(log_.head(), *cursor_ + piece_max);
    const std::uint64_t to = log_.message_end_from(most);
    while (*cursor_ < to) {
        std::array<ByteSpan, 16> slices;
        const std::size_t count = log_.gather(*cursor_, to, slices);
        for (const ByteSpan slice : std::span{slices}.first(count)) {
            piece.insert(piece.end(), slice.begin(), slice.end());
            *cursor_ += slice.size();
        }
    }
    return piece;
}

/// One file, from its begin until the log ends or nobody wants it any more.
class Writing {
public:
    Writing(Desk& desk, Background& disk, ForwardCourse& course, hub::Joined& joined)
        : desk_{desk}, disk_{disk}, course_{course}, joined_{joined}, place_{joined} {}

    Task<ForwardEnding> run();

private:
    Task<Result<>> carry(Turn& turn);
    bool is_wanted() const { return !course_.is_stopped() && !joined_.seat->is_ended(); }

    Desk& desk_;
    Background& disk_;
    ForwardCourse& course_;
    hub::Joined& joined_;
    Place place_;
};

Task<Result<>> Writing::carry(Turn& turn) {
    LogBell bell{*joined_.log, desk_.executor};
    std::vector<std::byte> piece{joined_.lead.begin(), joined_.lead.end()};   // leaves with the first media
    while (is_wanted()) {
        const std::vector<std::byte> more = place_.take();
        if (!more.empty()) {
            piece.insert(piece.end(), more.begin(), more.end());
            const std::size_t size = piece.size();
            turn = co_await append(desk_, disk_, std::move(turn.file), std::exchange(piece, {}));
            if (!turn.result) {
                co_return turn.result;
            }
            place_.count(size);
        } else if (joined_.log->ended()) {
            break;
        } else {
            co_await bell.until(desk_.executor.now() + look_every);
        }
    }
    co_return Result<>{};
}

Task<ForwardEnding> Writing::run() {
    Turn turn = co_await begin(desk_, disk_, course_.rule().to.substr(prefix.size()));
    if (!turn.result) {
        co_return turn.ending();
    }
    course_.begin(*joined_.seat);
    const Result<> carried = co_await carry(turn);
    ForwardEnding ending = carried ? ForwardEnding{.error = {Errc::closed, "the stream ended"},
                                                   .words = {},
                                                   .stream_ended = joined_.log->ended()}
                                   : turn.ending();
    if (turn.file == nullptr) {
        co_return ending;
    }
    // What is there is whole, whatever went wrong behind it.
    turn = co_await finish(desk_, disk_, std::move(turn.file));
    if (carried && !turn.result) {
        co_return turn.ending();
    }
    if (turn.file != nullptr && !turn.file->name().empty()) {
        log::info("forward", "{} is whole: {}", course_.rule().stream, turn.file->name());
    }
    co_return ending;
}

}   // namespace

Task<ForwardEnding> file_push(Desk& desk, const ForwardMeans& means, ForwardCourse& course) {
    std::optional<hub::Flavour> flavour = flavour_for(course.rule().to, course.rule().stream);
    if (!flavour || means.disk == nullptr) {
        co_return ForwardEnding{
            .error = {Errc::unsupported, "wanted is a name that ends in .ts, .flv or .mp4"},
            .words = {},
            .lasting = true};
    }
    Result<hub::Joined> joined = co_await course.join(std::move(*flavour), form, {"file", 0});
    if (!joined) {
        co_return ForwardEnding{.error = joined.error(), .words = {}};
    }
    Writing writing{desk, *means.disk, course, *joined};
    ForwardEnding ending = co_await writing.run();
    course.count(*joined->seat);
    course.let_go();
    joined->seat->leave(ending.error);
    co_return ending;
}

}   // namespace millrace::session
