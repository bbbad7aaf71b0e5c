#include "session/hls_play.hpp"

#include "container/mp4_packager.hpp"
#include "container/ts_packager.hpp"
#include "hub/derived_segments.hpp"
#include "hub/name.hpp"
#include "protocol/http/conditional.hpp"
#include "protocol/http/content_coding.hpp"
#include "session/hls_lists.hpp"
#include "session/media_answer.hpp"
#include "session/refused.hpp"
#include "session/relays.hpp"

#include <algorithm>

namespace millrace::session {

namespace {

constexpr std::string_view protocol = "hls";
constexpr std::string_view alias = "/stream.m3u8";
constexpr std::string_view index_list = "/index.m3u8";
constexpr std::string_view ts_list = "/ts.m3u8";
constexpr std::string_view segments_folder = "/segments/";
constexpr std::string_view list_ending = ".m3u8";
constexpr std::string_view list_type = "application/vnd.apple.mpegurl";
constexpr std::string_view classic_list_type = "application/x-mpegURL";
/// The hub gives up earlier, in words of its own.
constexpr Duration answer_deadline = 60s;

enum class Page : std::uint8_t { multivariant, rendition, ts, alias, media };

/// What a path asks for.
struct Wanted {
    Page page = Page::multivariant;
    std::string stream;
    std::string rest;   ///< rendition: its name; media: the part's name

    bool of_ts() const {
        return page == Page::ts || page == Page::alias || (page == Page::media && rest.ends_with(".ts"));
    }
};

Result<Wanted> read_path(std::string_view path, const Settings& settings) {
    if (path == alias) {
        if (settings.default_stream.empty()) {
            return fail(Errc::not_found, "http.default_stream names no stream");
        }
        return Wanted{Page::alias, settings.default_stream, {}};
    }
    const Result<hub::MediaPath> split = hub::split_media_path(path);
    if (!split) {
        return std::unexpected(split.error());
    }
    std::string stream = split->name.text();
    std::string_view rest = split->rest;
    if (rest == index_list || rest == ts_list) {
        return Wanted{rest == ts_list ? Page::ts : Page::multivariant, std::move(stream), {}};
    }
    if (!rest.starts_with(segments_folder)) {
        return fail(Errc::not_found, "nothing is at this address");
    }
    rest.remove_prefix(segments_folder.size());
    if (rest.ends_with(list_ending)) {
        rest.remove_suffix(list_ending.size());
        return Wanted{Page::rendition, std::move(stream), std::string{rest}};
    }
    return Wanted{Page::media, std::move(stream), std::string{rest}};
}

/// By what the requests of one viewer are known; there is no session id in an address.
std::string viewer_key(const web::Request& request) {
    if (const auto token = request.query_value("token"); token && !token->empty()) {
        return "token " + *token;
    }
    std::string key = request.peer.address;
    key.append(" ").append(request.header("user-agent").value_or(""));
    return key;
}

/// The type of a list, as the client likes to have it called.
std::string_view list_type_for(const web::Request& request) {
    std::string lower{request.header("accept").value_or("")};
    std::ranges::transform(lower, lower.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    const bool classic = lower.find("application/x-mpegurl") != std::string::npos;
    return classic && lower.find(list_type) == std::string::npos ? classic_list_type : list_type;
}

/// One request from its path to its answer.
class HlsAnswer {
public:
    HlsAnswer(Desk& desk, std::string_view node_start, const web::Request& request)
        : desk_{desk},
          settings_ref_{desk.settings},
          settings_{*settings_ref_},
          node_start_{node_start},
          request_{request},
          viewer_key_{viewer_key(request)},
          now_{desk.executor.now()},
          deadline_{now_ + answer_deadline} {}

    /// What is at hand, as nearly all is, is given without another coroutine: each is memory and a jump.
    static Task<web::Response> answer(Desk& desk, std::string_view node_start, const web::Request& request) {
        HlsAnswer one{desk, node_start, request};
        if (request.method == "OPTIONS") {
            co_return media_options(request, one.settings_.origins);
        }
        const Result<Wanted> wanted = read_path(request.path, one.settings_);
        if (!wanted) {
            co_return one.refusal(wanted.error());
        }
        hub::Petition petition = one.petition(wanted->stream);
        std::optional<Result<hub::Admitted>> admitted = hub::ask_now(desk.admission, petition);
        if (!admitted) {
            admitted = co_await hub::ask(desk.admission, std::move(petition), desk.executor);
        }
        if (!*admitted) {
            co_return one.refusal(admitted->error());
        }
        one.admitted_ = **std::move(admitted);
        if (wanted->page == Page::media) {
            co_return co_await one.media(*wanted);
        }
        if (request.header(Hops::header)) {
            co_return co_await one.list_for_node(*wanted);
        }
        if (hub::SegmentListRef segments = one.take_list_at_hand(*wanted)) {
            co_return one.list_of(std::move(segments), *wanted);
        }
        co_return co_await one.list(*wanted);
    }

private:
    hub::Petition petition(const std::string& stream) const {
        hub::Petition petition = hub::petition_of(request_, hub::Action::play, protocol);
        petition.stream = stream;
        return petition;
    }

    hub::SegmentAsk ask(const Wanted& wanted) const {
        return {.flavour = wanted.of_ts() ? ts_flavour(wanted.stream)
                                          : hub::segment_flavour<mp4::Packager>({.form = form_of(wanted)}),
                .viewer = {.protocol = protocol,
                           .stream = wanted.stream,
                           .peer = request_.peer,
                           .who = admitted_.identity},
                .viewer_key = viewer_key_,
                .seat = std::make_shared<hub::SegmentSeat>()};
    }
    static std::string_view form_of(const Wanted& wanted) { return wanted.of_ts() ? "ts" : "cmaf"; }

    /// A form that is started again counts its packets anew, so its names are new, too.
    hub::SegmentFlavour ts_flavour(const std::string& stream) const {
        return hub::segment_flavour<ts::Packager>(
            {.form = "ts"}, fmt::format("{}-{:x}", node_start_, desk_.executor.now().nanoseconds()), stream);
    }

    /// The stream's list, if this worker may read it by itself for this viewer; else null.
    hub::SegmentListRef list_at_hand(const Wanted& wanted) {
        const hub::SegmentSeat* const seat =
            desk_.segment_seats.find(wanted.stream, form_of(wanted), viewer_key_);
        hub::SegmentListRef list = seat != nullptr ? seat->board->list() : nullptr;
        if (list != nullptr) {
            seat_ = *seat;
        }
        return list;
    }
    /// The same for who asks for the list itself, which is counted.
    hub::SegmentListRef take_list_at_hand(const Wanted& wanted) {
        hub::SegmentListRef list = list_at_hand(wanted);
        if (list != nullptr) {
            seat_.board->note_list(now_);
            seat_.viewer->count_request(now_);
        }
        return list;
    }
    void keep_seat(const Wanted& wanted, const hub::SegmentSeat& seat) {
        seat_ = seat;
        desk_.segment_seats.keep(wanted.stream, form_of(wanted), viewer_key_, seat);
    }
    void count_sent(const web::Response& response) {
        if (seat_.viewer != nullptr && request_.method == "GET") {
            seat_.viewer->count_sent(response.body.size());
        }
    }

    Task<Result<hub::SegmentListRef>> list_from_home(const Wanted& wanted) {
        Answer<hub::SegmentListRef> answer{desk_.executor};
        hub::SegmentAsk asked = ask(wanted);
        const hub::SegmentSeatRef seat = asked.seat;
        desk_.directory.list(wanted.stream, std::move(asked), answer.reply());
        Result<hub::SegmentListRef> list = co_await answer.within(deadline_);
        if (list) {
            keep_seat(wanted, *seat);
        }
        co_return list;
    }

    /// For another node, which says by its header who it is.
    Task<web::Response> list_for_node(const Wanted& wanted) {
        const Result<Hops> hops = co_await hops_for(desk_, request_, wanted.stream);
        if (!hops) {
            co_return circle_refusal(request_, settings_.origins, hops.error());
        }
        web::Response response = co_await list(wanted);
        if (!hops->empty()) {
            add_relay_headers(response.headers, desk_, *hops);
        }
        co_return response;
    }

    Task<web::Response> list(const Wanted& wanted) {
        Result<hub::SegmentListRef> segments = take_list_at_hand(wanted);
        if (*segments == nullptr) {
            segments = co_await list_from_home(wanted);
        }
        co_return segments ? list_of(*std::move(segments), wanted) : refusal(segments.error());
    }

    web::Response list_of(hub::SegmentListRef segments, const Wanted& wanted) {
        const Result<ListText*> text = text_of(segments, wanted);
        if (!text) {
            return refusal(text.error());
        }
        http::KeptAnswers& kept = (*text)->answers_under(settings_ref_);
        std::string question = http::question_of(request_);
        if (heeds_origin(settings_.origins)) {
            question.append("\nOrigin:").append(request_.header("Origin").value_or(""));
        }
        std::optional<web::Response> response = kept.find(question);
        if (!response) {
            response = kept.keep(std::move(question), written_of(**text, wanted.page));
        }
        count_sent(*response);
        return *std::move(response);
    }

    /// Coded and judged here, not where all answers are: it is kept so, and what leaves is counted.
    web::Response written_of(ListText& text, Page page) const {
        web::Response response{.headers = media_headers(request_, settings_.origins), .body = text.plain};
        add_list_headers(page, text.tag, response.headers);
        return http::conditional(request_, http::encoded(request_, std::move(response), &text.gzip));
    }

    Result<ListText*> text_of(const hub::SegmentListRef& segments, const Wanted& wanted) {
        const std::string proof = proof_of(request_.query);
        const auto write = [&] { return write_text(*segments, wanted, proof); };
        return proof.empty() ? desk_.list_texts.find(segments, request_.path, write)
                             : desk_.list_texts.make(write);
    }

    static Result<std::string> write_text(const hub::SegmentList& segments, const Wanted& wanted,
                                          const std::string& proof) {
        switch (wanted.page) {
            case Page::multivariant: return multivariant_list(segments, {"segments/", proof});
            case Page::rendition: return media_list(segments, wanted.rest, {"", proof});
            case Page::ts: return media_list(segments, "ts", {"segments/", proof});
            case Page::alias: return media_list(segments, "ts", {wanted.stream + "/segments/", proof});
            case Page::media: break;
        }
        return fail(Errc::not_found, "nothing is at this address");
    }

    /// Lists are small and change: a part of one is of no use to anybody.
    void add_list_headers(Page page, const std::string& tag, std::vector<web::Header>& headers) const {
        if (page == Page::alias) {
            headers.push_back({"Content-Type", std::string{classic_list_type}});
            headers.push_back({"Cache-Control", "no-cache, no-store, must-revalidate"});
            headers.push_back({"Pragma", "no-cache"});
            headers.push_back({"Expires", "0"});
        } else {
            headers.push_back({"Content-Type", std::string{list_type_for(request_)}});
            headers.push_back({"Cache-Control", "no-cache"});
            headers.push_back({"Accept-Ranges", "none"});
            headers.push_back({"ETag", tag});
        }
    }

    Task<web::Response> media(const Wanted& wanted) {
        Result<media::SegmentPart> part;
        if (std::optional<media::SegmentPart> listed = part_at_hand(wanted)) {
            part = *std::move(listed);
        } else {
            part = co_await part_from_home(wanted);
        }
        if (!part) {
            co_return refusal(part.error());
        }
        web::Response response{.headers = media_headers(request_, settings_.origins),
                               .body = std::move(part->bytes)};
        // An address never gives other bytes, so its own name tells them apart.
        response.headers.push_back({"Content-Type", wanted.of_ts() ? "video/mp2t" : "video/mp4"});
        response.headers.push_back({"Cache-Control", admitted_.anyone
                                                         ? "public, max-age=31536000, immutable"
                                                         : "private, max-age=31536000, immutable"});
        response.headers.push_back({"ETag", '"' + wanted.rest + '"'});
        count_sent(response);
        co_return response;
    }

    /// What stands in the list; what left it, or never was, is for the home to say.
    std::optional<media::SegmentPart> part_at_hand(const Wanted& wanted) {
        const hub::SegmentListRef list = list_at_hand(wanted);
        std::optional<media::SegmentPart> part = list != nullptr ? list->find(wanted.rest) : std::nullopt;
        if (part) {
            seat_.board->note_fetch(now_);
            seat_.viewer->count_request(now_);
        }
        return part;
    }
    Task<Result<media::SegmentPart>> part_from_home(const Wanted& wanted) {
        Answer<media::SegmentPart> answer{desk_.executor};
        hub::SegmentAsk asked = ask(wanted);
        const hub::SegmentSeatRef seat = asked.seat;
        desk_.directory.fetch(wanted.stream, std::move(asked), wanted.rest, answer.reply());
        Result<media::SegmentPart> part = co_await answer.within(deadline_);
        if (part) {
            keep_seat(wanted, *seat);
        }
        co_return part;
    }

    /// Says why not, in HTTP's words. What is not there now may be there soon.
    web::Response refusal(const Error& error) const { return refuse_media(desk_, protocol, request_, error); }

    Desk& desk_;
    std::shared_ptr<const Settings> settings_ref_;   // kept across waits
    const Settings& settings_;
    std::string_view node_start_;
    const web::Request& request_;
    const std::string viewer_key_;
    hub::SegmentSeat seat_;   // once there is one: where what is sent is counted
    const Instant now_;       // when it was asked
    const Instant deadline_;
    hub::Admitted admitted_;
};

bool is_hls(std::string_view path) {
    return path == alias || path.ends_with(index_list) || path.ends_with(ts_list) ||
           path.find(segments_folder) != std::string_view::npos;
}

}   // namespace

web::Route hls_play(Desk& desk, std::string node_start) {
    return {.methods = {"GET", "OPTIONS"},
            .matches = is_hls,
            .answer = [&desk, node_start = std::move(node_start)](const web::Request& request, Executor&) {
                return HlsAnswer::answer(desk, node_start, request);
            }};
}

}   // namespace millrace::session
