#include "session/hls_push.hpp"

#include "base/waiting.hpp"
#include "container/ts_packager.hpp"
#include "hub/derived_segments.hpp"
#include "net/drive.hpp"
#include "protocol/http/client_machine.hpp"
#include "session/hls_lists.hpp"

#include <array>

namespace millrace::session {

namespace {

constexpr std::string_view form = "hls-push";
constexpr std::string_view rendition = "ts";
constexpr std::string_view segment_type = "video/mp2t";
constexpr std::string_view list_type = "application/vnd.apple.mpegurl";
/// How often it is looked for a new segment.
constexpr Duration look_every = 250ms;
/// For the stream's first segment.
constexpr Duration list_max = 60s;
/// For one file.
constexpr Duration put_max = 30s;
/// Of the segments that are there at the begin, the newest so many are sent.
constexpr std::size_t first_segments = 2;

/// One file for the server.
struct File {
    std::string name;
    std::string_view type;
    Bytes bytes;
};

/// Puts files, one after the other, on one connection as long as the server keeps it.
class Putter {
public:
    Putter(Desk& desk, Connector& connector, ForwardCourse& course, Url folder)
        : desk_{desk}, connector_{connector}, course_{course}, folder_{std::move(folder)} {}
    Putter(const Putter&) = delete;
    Putter& operator=(const Putter&) = delete;
    ~Putter() { drop(); }

    Task<Result<>> put(File file);
    /// Of the last answer that was no success; 0: there was none.
    int status() const { return status_; }

private:
    Task<Result<>> open();
    Task<Result<int>> put_once(const File& file);
    Task<Result<>> send(ByteSpan bytes);
    Task<Result<int>> hear();
    bool is_kept() const { return connection_ != nullptr && machine_->may_ask(); }
    void drop() {
        course_.leash().hold(nullptr);
        connection_.reset();
    }

    Desk& desk_;
    Connector& connector_;
    ForwardCourse& course_;
    Url folder_;
    std::unique_ptr<Connection> connection_;
    std::optional<http::ClientMachine> machine_;
    int status_ = 0;
};

Task<Result<>> Putter::open() {
    drop();
    machine_.emplace();
    Result<std::unique_ptr<Connection>> opened =
        co_await course_.connect(connector_, {.to = folder_.endpoint(),
                                              .tls = folder_.scheme == "https",
                                              .deadline = desk_.executor.now() + forward_setup_max});
    if (!opened) {
        co_return std::unexpected(opened.error());
    }
    connection_ = std::move(*opened);
    co_return Result<>{};
}

Task<Result<>> Putter::send(ByteSpan bytes) {
    const Instant latest = desk_.executor.now() + put_max;
    while (!bytes.empty()) {
        const std::array slices{bytes};
        const Result<std::size_t> sent = connection_->try_write(slices);
        if (sent) {
            bytes = bytes.subspan(*sent);
            continue;
        }
        if (sent.error().code != Errc::would_block) {
            co_return std::unexpected(sent.error());
        }
        const Result<> ready = co_await writable(*connection_, desk_.executor, latest);
        if (!ready) {
            co_return ready;
        }
    }
    co_return Result<>{};
}

/// The status of the answer, once that is whole.
Task<Result<int>> Putter::hear() {
    int status = 0;
    for (;;) {
        while (const std::optional<http::ClientMachine::Event> event = machine_->next_event()) {
            if (const auto* head = std::get_if<http::ResponseHead>(&*event)) {
                status = head->status;
            } else if (std::holds_alternative<http::BodyEnd>(*event)) {
                co_return status;
            }
        }
        const Result<> driven =
            co_await net::drive(*connection_, *machine_, desk_.executor, desk_.read_buffer);
        const bool closed = !driven && driven.error().code == Errc::closed;
        const Result<> going = closed ? machine_->close() : driven;
        if (!going) {
            co_return std::unexpected(going.error());
        }
    }
}

/// The status of its answer.
Task<Result<int>> Putter::put_once(const File& file) {
    if (!is_kept()) {
        const Result<> opened = co_await open();
        if (!opened) {
            co_return std::unexpected(opened.error());
        }
    }
    http::ClientRequest request{.method = "PUT", .url = folder_, .headers = {}};
    const std::size_t query = std::min(folder_.target.find('?'), folder_.target.size());
    request.url.target = folder_.target.substr(0, query) + file.name + folder_.target.substr(query);
    request.headers = {{"Content-Type", std::string{file.type}},
                       {"Content-Length", std::to_string(file.bytes.size())}};
    const Result<> asked = machine_->ask(request, desk_.executor.now());
    if (!asked) {
        co_return std::unexpected(asked.error());
    }
    const std::vector<std::byte> head = machine_->next_output();
    Result<> sent = co_await send(head);
    if (sent) {
        sent = co_await send(file.bytes);
    }
    if (!sent) {
        co_return std::unexpected(sent.error());
    }
    course_.count(head.size() + file.bytes.size());
    co_return co_await hear();
}

Task<Result<>> Putter::put(File file) {
    const bool kept = is_kept();
    Result<int> status = co_await put_once(file);
    if (kept && !status && status.error().code != Errc::timed_out && !course_.is_stopped()) {
        drop();   // the server may have closed what it kept; PUT may be asked twice (RFC 9112 §9.3.1)
        status = co_await put_once(file);
    }
    if (!is_kept()) {
        drop();
    }
    if (!status) {
        co_return std::unexpected(status.error());
    }
    status_ = *status / 100 == 2 ? 0 : *status;
    co_return status_ == 0 ? Result<>{} : fail(Errc::refused, "the server refuses");
}

/// The list with names of one part each, as the files are put.
hub::SegmentList renamed(const hub::SegmentList& list) {
    hub::SegmentList ours = list;
    for (hub::SegmentEntryRef& entry : ours.segments) {
        hub::SegmentEntry one = *entry;
        for (media::SegmentPart& part : one.parts) {
            part.name = fmt::format("{}.ts", one.cut.number);
        }
        entry = std::make_shared<const hub::SegmentEntry>(std::move(one));
    }
    return ours;
}

/// A stream's segments on their way, from the first list to the last.
class Push {
public:
    Push(Desk& desk, ForwardCourse& course, Putter& putter)
        : desk_{desk}, course_{course}, putter_{putter}, key_{fmt::format("push {}", course.rule().to)} {}

    Task<ForwardEnding> run();

private:
    Task<Result<hub::SegmentListRef>> list();
    Task<Result<>> put_new(const hub::SegmentList& list);

    Desk& desk_;
    ForwardCourse& course_;
    Putter& putter_;
    std::string key_;
    std::optional<std::uint64_t> sent_;   // number of the newest segment that was put
    bool begun_ = false;
};

Task<Result<hub::SegmentListRef>> Push::list() {
    const std::string& stream = course_.rule().stream;
    const std::string start = fmt::format("push-{:x}", desk_.executor.now().nanoseconds());
    Answer<hub::SegmentListRef> answer{desk_.executor};
    desk_.directory.list(
        stream,
        {.flavour = hub::segment_flavour<ts::Packager>({.form = "ts"}, start, stream),
         .viewer = {.protocol = form, .stream = stream, .peer = {"upload", 0}, .since = {}, .who = {}},
         .viewer_key = key_},
        answer.reply());
    co_return co_await answer.within(desk_.executor.now() + list_max);
}

/// Segments that were not put yet, and behind them the list that has them.
Task<Result<>> Push::put_new(const hub::SegmentList& list) {
    const std::size_t count = list.segments.size();
    const std::size_t first = sent_ ? 0 : count - std::min(count, first_segments);
    bool any = false;
    for (std::size_t at = first; at < count; ++at) {
        const hub::SegmentEntry& entry = *list.segments[at];
        if ((sent_ && entry.cut.number <= *sent_) || entry.parts.empty()) {
            continue;
        }
        any = true;
        const Result<> put = co_await putter_.put(
            {fmt::format("{}.ts", entry.cut.number), segment_type, entry.parts.front().bytes});
        if (!put) {
            co_return put;
        }
        sent_ = entry.cut.number;
        if (!std::exchange(begun_, true)) {
            course_.begin();
        }
    }
    if (!any && !list.ended) {
        co_return Result<>{};
    }
    const Result<std::string> text = media_list(renamed(list), rendition, {"", ""});
    if (!text) {
        co_return std::unexpected(text.error());
    }
    const ByteSpan bytes = as_bytes(*text);
    co_return co_await putter_.put(
        {"list.m3u8", list_type, Bytes{std::vector<std::byte>{bytes.begin(), bytes.end()}}});
}

Task<ForwardEnding> Push::run() {
    while (!course_.is_stopped()) {
        const Result<hub::SegmentListRef> now = co_await list();
        if (!now) {
            const bool gone = now.error().code == Errc::not_found && begun_;
            co_return ForwardEnding{.error = now.error(), .words = {}, .stream_ended = gone};
        }
        const Result<> put = co_await put_new(**now);
        if (!put) {
            co_return ForwardEnding{.error = put.error(),
                                    .words = putter_.status() == 0
                                                 ? std::string{}
                                                 : fmt::format("the server answers {}", putter_.status())};
        }
        if ((*now)->ended) {
            co_return ForwardEnding{
                .error = {Errc::closed, "the stream ended"}, .words = {}, .stream_ended = true};
        }
        co_await pause_for(desk_, look_every, course_.leash());
    }
    co_return ForwardEnding{.error = {Errc::cancelled, "the destination is not wanted any more"},
                            .words = {}};
}

}   // namespace

Task<ForwardEnding> hls_push(Desk& desk, const ForwardMeans& means, ForwardCourse& course) {
    const Result<Url> url = parse_url(course.rule().to);
    if (!url) {
        co_return ForwardEnding{.error = url.error(), .words = {}, .lasting = true};
    }
    Putter putter{desk, means.connector, course, *url};
    Push push{desk, course, putter};
    co_return co_await push.run();
}

}   // namespace millrace::session
