#include "session/archive_play.hpp"

#include "container/m3u8_writer.hpp"
#include "hub/name.hpp"
#include "session/archive_export_plans.hpp"
#include "session/archive_lists.hpp"
#include "session/archive_results.hpp"
#include "session/archive_span.hpp"
#include "session/archive_transport.hpp"
#include "session/archive_units.hpp"
#include "session/media_answer.hpp"
#include "session/refused.hpp"
#include "session/still_words.hpp"

#include <algorithm>

namespace millrace::session {

namespace {

constexpr std::string_view protocol = "archive";
constexpr std::string_view list_ending = "/archive.m3u8";
constexpr std::string_view movie_ending = "/archive.mp4";
constexpr std::string_view transport_ending = "/archive.ts";
constexpr std::string_view picture_ending = "/archive.jpg";
constexpr std::string_view media_folder = "/archive/";
constexpr std::string_view recordings = "/api/v1/recordings/";
constexpr std::string_view results_ending = "/results";
constexpr Duration answer_deadline = 20s;
/// Stills gives up earlier, in words of its own.
constexpr Duration picture_deadline = 60s;
/// What people and lists leave of a time.
constexpr std::int64_t millisecond = 1000;

constexpr Error catalogue_away{Errc::timed_out,
                               "the catalogue that says what other nodes recorded cannot be reached now; try "
                               "again later"};

struct Wanted {
    enum class What : std::uint8_t { list, movie, transport, picture, media, document, results };
    What what = What::list;
    std::string stream;
    AskedSpan asked;
    ArchiveName name{};
};

Result<Wanted> with_span(Wanted wanted, const web::Request& request) {
    const Result<AskedSpan> asked = read_span(request);
    if (!asked) {
        return std::unexpected(asked.error());
    }
    wanted.asked = *asked;
    return wanted;
}

Result<Wanted> read_address(const web::Request& request) {
    const std::string_view path = request.path;
    if (path.starts_with(recordings)) {
        const bool results = path.ends_with(results_ending);
        const std::string_view behind = path.substr(recordings.size());
        const Result<hub::StreamName> name =
            hub::StreamName::parse(behind.substr(0, behind.size() - (results ? results_ending.size() : 0)));
        if (!name) {
            return std::unexpected(name.error());
        }
        const auto what = results ? Wanted::What::results : Wanted::What::document;
        return with_span({.what = what, .stream = name->text()}, request);
    }
    const Result<hub::MediaPath> split = hub::split_media_path(path);
    if (!split) {
        return std::unexpected(split.error());
    }
    if (split->rest == list_ending) {
        return with_span({.what = Wanted::What::list, .stream = split->name.text()}, request);
    }
    if (split->rest == movie_ending || split->rest == transport_ending) {
        const auto what = split->rest == movie_ending ? Wanted::What::movie : Wanted::What::transport;
        return with_span({.what = what, .stream = split->name.text()}, request);
    }
    if (split->rest == picture_ending) {
        const Result<WallTime> at = read_time(request, "at", AskedSpan::always);
        if (!at || *at == AskedSpan::always) {
            return fail(Errc::malformed, "at is a time such as 2026-11-20T14:09:32Z");
        }
        return Wanted{.what = Wanted::What::picture,
                      .stream = split->name.text(),
                      .asked = {{*at, {at->microseconds + millisecond}}}};
    }
    const std::optional<ArchiveName> name = split->rest.starts_with(media_folder)
                                                ? read_archive_name(split->rest.substr(media_folder.size()))
                                                : std::nullopt;
    if (!name) {
        return fail(Errc::not_found, "nothing is at this address");
    }
    return Wanted{.what = Wanted::What::media, .stream = split->name.text(), .name = *name};
}

/// One request from its address to its answer.
class ArchiveAnswer {
public:
    ArchiveAnswer(Desk& desk, const ArchiveMeans& means, const web::Request& request)
        : desk_{desk},
          settings_{desk.settings},
          keeper_{means.keeper},
          stills_{means.stills},
          exports_{means.exports},
          request_{request},
          deadline_{desk.executor.now() + answer_deadline} {}

    Task<web::Response> run() {
        if (request_.method == "OPTIONS") {
            co_return media_options(request_, settings_->origins);
        }
        const Result<Wanted> wanted = read_address(request_);
        if (!wanted) {
            co_return refusal(wanted.error());
        }
        hub::Petition petition = hub::petition_of(request_, hub::Action::archive, protocol);
        petition.stream = wanted->stream;
        const Result<hub::Admitted> admitted =
            co_await hub::ask(desk_.admission, std::move(petition), desk_.executor);
        if (!admitted) {
            co_return refusal(admitted.error());
        }
        if (wanted->what == Wanted::What::media) {
            co_return co_await media(*wanted, admitted->anyone);
        }
        if (wanted->what == Wanted::What::picture) {
            co_return co_await picture(*wanted, admitted->anyone);
        }
        if (wanted->what == Wanted::What::results) {
            co_return co_await results(*wanted);
        }
        const bool revised = wanted->what != Wanted::What::list || request_.query_value("rev");
        if (!revised) {
            co_return co_await to_revision(*wanted);
        }
        co_return co_await listing(*wanted);
    }

private:
    /// A list says which state of the archive it shows, so that it never changes what it has listed.
    Task<web::Response> to_revision(const Wanted& wanted) {
        Answer<archive::Listing> answer{desk_.executor};
        // What other nodes add to it is another matter at another time.
        const bool shared = keeper_.catalogue_counters() != nullptr;
        const archive::Archive::ListBounds bounds{.gives = true};
        keeper_.list(wanted.stream, shared ? wanted.asked.span : archive::Span{{0}, {1}}, answer.reply(),
                     bounds);
        const Result<archive::Listing> found = co_await answer.within(deadline_);
        if (!found) {
            co_return refusal(found.error());
        }
        if (shared && found->fragments.empty()) {
            co_return nothing_here(*found);   // who has it, or that nobody can be asked
        }
        web::Response response{.status = 302, .headers = media_headers(request_, settings_->origins)};
        const std::string query = request_.query.empty() ? "" : request_.query + "&";
        response.headers.push_back(
            {"Location", fmt::format("archive.m3u8?{}rev={}", query, found->revision)});
        response.headers.push_back({"Cache-Control", "no-cache"});
        co_return response;
    }

    Task<web::Response> listing(const Wanted& wanted) {
        Answer<archive::Listing> answer{desk_.executor};
        archive::Archive::ListBounds bounds;
        if (wanted.what == Wanted::What::list) {
            // What is no number was given to nobody.
            bounds.revision = whole_number(request_.query_value("rev").value_or("")).value_or(0);
        }
        keeper_.list(wanted.stream, wanted.asked.span, answer.reply(), bounds);
        Result<archive::Listing> found = co_await answer.within(deadline_);
        if (!found) {
            co_return refusal(found.error());
        }
        if (wanted.what == Wanted::What::movie) {
            co_return co_await movie(wanted, *found);
        }
        if (wanted.what == Wanted::What::transport) {
            co_return transport(wanted, std::move(*found));
        }
        web::Response response{.headers = media_headers(request_, settings_->origins)};
        response.headers.push_back({"Cache-Control", "no-cache"});
        if (wanted.what == Wanted::What::document) {
            response.headers.push_back({"Content-Type", "application/json"});
            response.body = Bytes::copy(recordings_json(*found, request_.query_value("fragments") == "true"));
            co_return response;
        }
        if (found->fragments.empty()) {
            co_return nothing_here(*found);
        }
        if (found->more) {
            co_return refusal({Errc::malformed, "this is more than one list holds; ask for a day at a time"});
        }
        const std::string proof = proof_of(request_.query);
        const Result<hls::MediaPlaylist> list = archive_list(
            *found,
            {.query = proof, .from = wanted.asked.span.from, .open_ended = wanted.asked.open_ended()});
        if (!list) {
            co_return refusal(list.error());
        }
        response.headers.push_back({"Content-Type", "application/vnd.apple.mpegurl"});
        response.body = Bytes::copy(hls::write(*list));
        co_return response;
    }

    Task<web::Response> results(const Wanted& wanted) {
        Result<ResultsAsk> ask = read_results_ask(wanted.stream, request_);
        if (!ask) {
            co_return refusal(ask.error());
        }
        const Result<std::string> page = co_await results_page(desk_, keeper_, std::move(*ask));
        if (!page) {
            co_return refusal(page.error());
        }
        web::Response response{.headers = media_headers(request_, settings_->origins)};
        response.headers.push_back({"Cache-Control", "no-cache"});
        response.headers.push_back({"Content-Type", "application/json"});
        response.body = Bytes::copy(*page);
        co_return response;
    }

    /// The recording as one file.
    Task<web::Response> movie(const Wanted& wanted, const archive::Listing& found) {
        if (found.fragments.empty()) {
            co_return nothing_here(found);
        }
        if (found.more) {
            co_return refusal({Errc::malformed, "this is more than one file holds; ask for a day at a time"});
        }
        ExportWish wish{.stream = wanted.stream, .span = wanted.asked.span, .listing = found};
        Result<ExportPlans::Plan> plan = co_await exports_.plan(keeper_, std::move(wish));
        if (!plan) {
            const bool too_many = plan.error().code == Errc::exhausted;
            co_return refusal(too_many ? Error{Errc::malformed, plan.error().what} : plan.error());
        }
        co_return send_export(desk_, keeper_, request_, std::move(*plan));
    }

    web::Response transport(const Wanted& wanted, archive::Listing found) {
        if (found.fragments.empty()) {
            return nothing_here(found);
        }
        if (found.more) {
            return refusal({Errc::malformed, "this is more than one file holds; ask for a day at a time"});
        }
        return send_transport(desk_, keeper_, request_, {wanted.stream, std::move(found)});
    }

    /// The key picture of the segment that has the moment.
    Task<web::Response> picture(const Wanted& wanted, bool anyone) {
        const Result<std::uint32_t> width = still_width(request_);
        if (!width) {
            co_return refusal(width.error());
        }
        Answer<archive::Listing> asked{desk_.executor};
        keeper_.list(wanted.stream, wanted.asked.span, asked.reply());
        const Result<archive::Listing> found = co_await asked.within(deadline_);
        if (!found || found->fragments.empty()) {
            co_return found ? nothing_here(*found) : refusal(found.error());
        }
        const archive::FoundFragment& one = found->fragments.front();
        Answer<Bytes> init{desk_.executor};
        keeper_.init(wanted.stream, one.file, init.reply());
        const Result<Bytes> before = co_await init.within(deadline_);
        Answer<Bytes> chunks{desk_.executor};
        keeper_.read(wanted.stream, one.file, one.fragment.number, chunks.reply());
        const Result<Bytes> bytes = co_await chunks.within(deadline_);
        if (!before || !bytes) {
            co_return refusal(before ? bytes.error() : before.error());
        }
        Result<media::AccessUnitRef> frame = key_picture(*before, *bytes);
        if (!frame) {
            co_return refusal(frame.error());
        }
        Answer<Bytes> jpeg{desk_.executor};
        stills_.ask_of({wanted.stream, *width}, std::move(*frame), jpeg.reply());
        Result<Bytes> made = co_await jpeg.within(desk_.executor.now() + picture_deadline);
        if (!made) {
            co_return refusal(made.error());
        }
        web::Response response{.headers = media_headers(request_, settings_->origins),
                               .body = std::move(*made)};
        response.headers.push_back({"Content-Type", "image/jpeg"});
        response.headers.push_back(
            {"Cache-Control", anyone ? "public, max-age=3600" : "private, max-age=3600"});
        response.headers.push_back(
            {"ETag", fmt::format("\"{}-{}-{}\"", one.file, one.fragment.number, *width)});
        response.headers.push_back({"X-Timestamp", still_timestamp(one.fragment.utc)});
        co_return response;
    }

    Task<web::Response> media(const Wanted& wanted, bool anyone) {
        Answer<Bytes> answer{desk_.executor};
        if (wanted.name.number) {
            keeper_.read(wanted.stream, wanted.name.file, *wanted.name.number, answer.reply());
        } else {
            keeper_.init(wanted.stream, wanted.name.file, answer.reply());
        }
        Result<Bytes> bytes = co_await answer.within(deadline_);
        if (!bytes) {
            const bool damaged = bytes.error().code == Errc::malformed;
            co_return refusal(damaged ? Error{Errc::not_found, bytes.error().what} : bytes.error());
        }
        web::Response response{.headers = media_headers(request_, settings_->origins),
                               .body = std::move(*bytes)};
        response.headers.push_back({"Content-Type", "video/mp4"});
        response.headers.push_back({"Cache-Control", anyone ? "public, max-age=31536000, immutable"
                                                            : "private, max-age=31536000, immutable"});
        const std::string tag = fmt::format("\"{}-{}\"", wanted.name.file, wanted.name.number.value_or(0));
        response.headers.push_back({"ETag", tag});
        co_return response;
    }

    /// Nothing that can be played: it is with another node, or nowhere.
    web::Response nothing_here(const archive::Listing& found) const {
        if (found.elsewhere.empty()) {
            return refusal(found.catalogue_away
                               ? catalogue_away
                               : Error{Errc::not_found, "nothing of this stream was recorded then"});
        }
        const archive::Elsewhere& there = found.elsewhere.front();
        web::Response response = web::Response::problem(
            409, fmt::format("what was recorded then is on the disk of the node {} alone{}{}", there.node,
                             there.address.empty() ? "" : ": ask for it at ", there.address));
        note_refusal(desk_, protocol, request_.peer, {Errc::not_found, "it is on another node's disk"});
        std::ranges::move(media_headers(request_, settings_->origins), std::back_inserter(response.headers));
        response.headers.push_back({"Cache-Control", "no-store"});
        return response;
    }

    web::Response refusal(const Error& error) const { return refuse_media(desk_, protocol, request_, error); }

    Desk& desk_;
    std::shared_ptr<const Settings> settings_;   // kept across waits
    archive::Keeper& keeper_;
    Stills& stills_;
    ExportPlans& exports_;
    const web::Request& request_;
    Instant deadline_;
};

/// A stream's name may begin with "archive": in front of ours stands a name.
bool is_archive(std::string_view path) {
    const std::string_view behind = path.substr(std::min<std::size_t>(1, path.size()));
    return path.starts_with(recordings) || behind.ends_with(list_ending) || behind.ends_with(movie_ending) ||
           behind.ends_with(transport_ending) || behind.ends_with(picture_ending) ||
           behind.find(media_folder) != std::string_view::npos;
}

Task<web::Response> answer(Desk& desk, ArchiveMeans means, const web::Request& request) {
    ArchiveAnswer one{desk, means, request};
    co_return co_await one.run();
}

}   // namespace

web::Route archive_play(Desk& desk, ArchiveMeans means) {
    return {.methods = {"GET", "OPTIONS"},
            .matches = is_archive,
            .answer = [&desk, means](const web::Request& request, Executor&) {
                return answer(desk, means, request);
            }};
}

}   // namespace millrace::session
