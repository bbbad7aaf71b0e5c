#include "session/archive_results.hpp"

#include "container/mp4_event.hpp"
#include "hub/moments.hpp"
#include "session/archive_lists.hpp"
#include "session/archive_span.hpp"

#include <fmt/format.h>

namespace millrace::session {

namespace {

constexpr Duration answer_deadline = 20s;
/// A page ends when one of these is reached.
constexpr Duration page_duration_max = 5s;
constexpr std::size_t page_bytes_max = 4U << 20U;
constexpr std::size_t page_looked_at_max = 5000;
constexpr std::size_t page_fragments_max = 500;

std::int64_t in_us(Duration duration) {
    return std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
}

/// "1795199730983423-17". Nothing for anything else.
std::optional<ResultsAsk::Place> read_place(std::string_view text) {
    const std::size_t cut = text.find('-');
    const auto at = whole_number(text.substr(0, cut));
    const auto behind = cut == text.npos ? std::nullopt : whole_number(text.substr(cut + 1));
    constexpr std::uint64_t time_max = INT64_MAX / 4;
    if (!at || !behind || *at > time_max) {
        return std::nullopt;
    }
    return ResultsAsk::Place{{static_cast<std::int64_t>(*at)}, static_cast<std::size_t>(*behind)};
}

/// One page, fragment by fragment.
class Page {
public:
    Page(Desk& desk, archive::Keeper& keeper, ResultsAsk ask)
        : desk_{desk},
          keeper_{keeper},
          ask_{std::move(ask)},
          until_{desk.executor.now() + page_duration_max} {}

    Task<Result<std::string>> run() {
        Answer<archive::Listing> answer{desk_.executor};
        keeper_.list(ask_.stream, span(), answer.reply(), {.count_max = page_fragments_max});
        const Result<archive::Listing> found = co_await answer.within(desk_.executor.now() + answer_deadline);
        if (!found) {
            co_return std::unexpected(found.error());
        }
        for (const archive::FoundFragment& one : found->fragments) {
            if (one.fragment.utc < ask_.page.at) {
                continue;
            }
            const Result<bool> whole = co_await take(one);
            if (!whole) {
                co_return std::unexpected(whole.error());
            }
            if (!*whole) {
                co_return text();
            }
        }
        if (found->more && !found->fragments.empty()) {
            const archive::Fragment& last = found->fragments.back().fragment;
            next_ = {{std::max(last.utc.microseconds + 1, last.utc.microseconds + last.duration_us)}, 0};
        }
        co_return text();
    }

private:
    /// A result lies where it came: behind its picture's chunk, or ahead of it.
    archive::Span span() const {
        const std::int64_t from = ask_.span.from.microseconds - in_us(hub::Moments::ahead_max) - in_us(1s);
        return {{std::max({from, ask_.page.at.microseconds, std::int64_t{0}})},
                {ask_.span.to.microseconds + in_us(hub::Moments::kept_for) + in_us(1s)}};
    }

    /// The results of a fragment; false where the page ends inside, or before it. What is damaged has none.
    Task<Result<bool>> take(archive::FoundFragment one) {
        const bool goes_on = one.fragment.utc == ask_.page.at;
        std::size_t at = 0;
        const std::size_t behind = goes_on ? ask_.page.behind : 0;
        if (desk_.executor.now() >= until_) {
            next_ = {one.fragment.utc, behind};
            co_return false;
        }
        Answer<Bytes> answer{desk_.executor};
        keeper_.read_results(ask_.stream, one.file, one.fragment.number, answer.reply());
        const Result<Bytes> bytes = co_await answer.within(desk_.executor.now() + answer_deadline);
        const bool gone =
            !bytes && (bytes.error().code == Errc::malformed || bytes.error().code == Errc::not_found);
        if (!bytes && !gone) {
            co_return std::unexpected(bytes.error());
        }
        const auto messages = mp4::read_events(gone ? ByteSpan{} : bytes->span());
        if (!messages) {
            co_return true;
        }
        for (const media::TimedMessage& message : *messages) {
            if (at++ < behind) {
                continue;
            }
            if (is_full()) {
                next_ = {one.fragment.utc, at - 1};
                co_return false;
            }
            add(one, message);
        }
        co_return true;
    }

    bool is_full() const {
        return count_ >= ask_.limit || items_.size() >= page_bytes_max || looked_at_ >= page_looked_at_max;
    }

    void add(const archive::FoundFragment& one, const media::TimedMessage& message) {
        ++looked_at_;
        if (message.kind != ask_.kind) {
            return;
        }
        const bool then = message.capture >= ask_.span.from && message.capture < ask_.span.to;
        if (!then || (!ask_.of_class.empty() && !media::is_of_class(as_text(message.body), ask_.of_class))) {
            return;
        }
        items_ +=
            (count_++ == 0 ? "" : ",") +
            media::message_text("kind", fmt::format(R"("run":{},)", web::json_quoted(one.run)), message);
    }

    std::string text() const {
        const std::string next =
            next_ ? fmt::format(R"(,"next":"{}-{}")", next_->at.microseconds, next_->behind) : std::string{};
        return fmt::format(R"({{"items":[{}]{}}})", items_, next);
    }

    Desk& desk_;
    archive::Keeper& keeper_;
    ResultsAsk ask_;
    Instant until_;
    std::string items_;
    std::size_t count_ = 0;
    std::size_t looked_at_ = 0;
    std::optional<ResultsAsk::Place> next_;
};

}   // namespace

Result<ResultsAsk> read_results_ask(std::string stream, const web::Request& request) {
    const Result<AskedSpan> asked = read_span(request);
    if (!asked) {
        return std::unexpected(asked.error());
    }
    ResultsAsk ask{.stream = std::move(stream),
                   .span = asked->span,
                   .of_class = request.query_value("class").value_or("")};
    if (const auto kind = request.query_value("kind"); kind && *kind != "result") {
        if (*kind != "klv") {
            return fail(Errc::malformed, "kind is result or klv");
        }
        ask.kind = media::TimedMessage::Kind::klv;
    }
    if (const auto limit = request.query_value("limit")) {
        ask.limit = static_cast<std::size_t>(whole_number(*limit).value_or(0));
    }
    if (ask.limit < 1 || ask.limit > ResultsAsk::limit_max) {
        return fail(Errc::malformed, "limit is 1 to 1000");
    }
    if (const auto page = request.query_value("page")) {
        const auto place = read_place(*page);
        if (!place) {
            return fail(Errc::malformed, "page is what next said of the page before");
        }
        ask.page = *place;
    }
    return ask;
}

Task<Result<std::string>> results_page(Desk& desk, archive::Keeper& keeper, ResultsAsk ask) {
    Page page{desk, keeper, std::move(ask)};
    co_return co_await page.run();
}

}   // namespace millrace::session
