#include "session/media_play.hpp"

#include "base/log.hpp"
#include "container/flv_muxer.hpp"
#include "container/mp4_muxer.hpp"
#include "container/multipart_muxer.hpp"
#include "container/ts_muxer.hpp"
#include "hub/derived_feed.hpp"
#include "hub/name.hpp"
#include "protocol/http/answer.hpp"
#include "protocol/ws/back_channel.hpp"
#include "protocol/ws/framed.hpp"
#include "protocol/ws/handshake.hpp"
#include "session/media_answer.hpp"
#include "session/picture_query.hpp"
#include "session/picture_renderer.hpp"
#include "session/raw_h264.hpp"
#include "session/refused.hpp"
#include "session/relays.hpp"

#include <algorithm>

namespace millrace::session {

namespace {

using Origins = std::vector<std::string>;

constexpr Duration join_deadline = 10s;
/// A WebSocket whose stream needs longer to begin is opened before it does.
constexpr Duration handshake_wait = 10ms;

flv::Muxer make_flv(const std::string& /*stream*/) {
    return {};
}
ts::Muxer make_ts(const std::string& stream) {
    return ts::Muxer{stream};
}
mp4::Muxer make_mp4(const std::string& /*stream*/) {
    return mp4::Muxer{mp4::Period::ends};
}
mp4::Muxer make_mp4_in_periods(const std::string& /*stream*/) {
    return mp4::Muxer{mp4::Period::restarts};
}
multipart::Muxer make_parts(const std::string& /*stream*/) {
    return {};
}
multipart::BareMuxer make_bare_pictures(const std::string& /*stream*/) {
    return {};
}

/// A wire form to be: its key, its media type, the stream's name.
struct Order {
    hub::FlavourKey key;
    std::string_view type;
    std::string stream;
};

template <auto make>
hub::Flavour plain(const Order& order) {
    return hub::flavour_of(order.key, [stream = order.stream] { return make(stream); });
}
template <auto make, ws::Words words>
hub::Flavour framed(const Order& order) {
    return hub::flavour_of(order.key, [type = order.type, stream = order.stream] {
        return ws::Framed{make(stream), type, words};
    });
}

/// One ending of an address: its media type, and how it is written over HTTP and over WebSockets.
struct Form {
    struct Way {
        std::string_view name;
        hub::Flavour (*flavour)(const Order& order);
    };
    std::string_view ending;
    std::string_view type;
    Way http;
    Way websocket;
    bool pictures = false;
};

template <RawH264 dialect>
hub::Flavour raw(const Order& /*order*/) {
    return flavour_of(dialect);
}
template <RawH264 dialect>
constexpr Form::Way raw_way{name(dialect), raw<dialect>};

using enum ws::Words;
constexpr std::array forms{
    Form{".flv", "video/x-flv", {"flv", plain<make_flv>}, {"ws-flv", framed<make_flv, none>}},
    Form{".ts", "video/mp2t", {"ts", plain<make_ts>}, {"ws-ts", framed<make_ts, none>}},
    Form{".mp4", "video/mp4", {"mp4", plain<make_mp4>}, {"ws-mp4", framed<make_mp4_in_periods, json>}},
    Form{".h264", "video/h264", {}, raw_way<RawH264::own>},   // a WebSocket only
    Form{".mjpeg",
         multipart::media_type,
         {"mjpeg", plain<make_parts>},
         {"ws-mjpeg", framed<make_bare_pictures, ends>},
         true},
};
/// What `http.default_stream` names, as pictures.
constexpr std::string_view alias = "/video_feed";

/// The form of an address; null if it ends otherwise, or names another thing of a stream.
const Form* form_of(std::string_view path) {
    if (path == alias) {
        return std::ranges::find(forms, true, &Form::pictures);
    }
    const auto form =
        std::ranges::find_if(forms, [path](const Form& one) { return path.ends_with(one.ending); });
    if (form == forms.end()) {
        return nullptr;
    }
    const Result<hub::MediaPath> split = hub::split_media_path(path);
    return !split || split->rest == form->ending ? &*form : nullptr;
}

/// What a request asks for, understood.
struct Wish {
    const Form* form;
    std::string stream;
    std::optional<media::Kind> only;
    bool websocket = false;
    std::optional<hub::PictureWish> pictures{};
    const Form::Way* dialect = nullptr;   // of bare H.264, where it is not our own

    const Form::Way& way() const {
        return dialect != nullptr ? *dialect : websocket ? form->websocket : form->http;
    }
    hub::Flavour flavour(Spawner* spawner) const {
        hub::Flavour flavour = way().flavour({.key = {.form = way().name, .only = only, .pictures = pictures},
                                              .type = form->type,
                                              .stream = stream});
        if (pictures && spawner != nullptr) {
            flavour.renderer = picture_renderer(*spawner, {stream, *pictures});
        }
        return flavour;
    }
};

Result<std::string> stream_of(std::string_view path, const Settings& settings) {
    if (path == alias) {
        return settings.default_stream.empty() ? fail(Errc::not_found, "http.default_stream names no stream")
                                               : Result<std::string>{settings.default_stream};
    }
    const Result<hub::MediaPath> split = hub::split_media_path(path);
    if (!split) {
        return std::unexpected(split.error());
    }
    return split->name.text();
}

Result<Wish> wish_of(const web::Request& request, const Settings& settings) {
    Result<std::string> stream = stream_of(request.path, settings);
    if (!stream) {
        return std::unexpected(stream.error());
    }
    Wish wish{.form = form_of(request.path), .stream = std::move(*stream), .only = {}};
    wish.websocket = ws::asks_for_upgrade(request);
    if (wish.form->pictures) {
        const Result<hub::PictureWish> pictures = picture_wish_of(request);
        if (!pictures) {
            return std::unexpected(pictures.error());
        }
        wish.only = media::Kind::video;
        wish.pictures = *pictures;
        return wish;
    }
    if (wish.form->http.flavour == nullptr && request.query_value("wfs")) {
        wish.dialect = &raw_way<RawH264::wfs>;
    }
    const std::optional<std::string> tracks = request.query_value("tracks");
    if (tracks == "video") {
        wish.only = media::Kind::video;
    } else if (tracks == "audio") {
        wish.only = media::Kind::audio;
    } else if (tracks) {
        return fail(Errc::malformed, "tracks is 'video' or 'audio'; without it all tracks come");
    }
    return wish;
}

Task<Result<hub::Admitted>> admit(Desk& desk, const Wish& wish, const web::Request& request) {
    hub::Petition petition = hub::petition_of(request, hub::Action::play, wish.way().name);
    petition.stream = wish.stream;
    co_return co_await hub::ask(desk.admission, std::move(petition), desk.executor);
}

/// Where a viewer would find something to play: whether that plays now.
Task<Result<bool>> look_up(Desk& desk, const Wish& wish) {
    Answer<std::vector<hub::StreamReport>> reports{desk.executor};
    desk.directory.report(wish.stream, reports.reply());
    const auto found = co_await reports.within(desk.executor.now() + join_deadline);
    if (!found) {
        co_return std::unexpected(found.error());
    }
    if (found->empty()) {
        co_return fail(Errc::not_found, "no such stream");
    }
    if (found->front().state == hub::StreamState::offline && !found->front().on_demand) {
        co_return fail(Errc::not_found, "this stream is offline");
    }
    co_return found->front().state == hub::StreamState::live;
}

/// A viewer on its way from HTTP to the fan-out, and the head that says so.
struct Newcomer {
    hub::Joined joined;
    std::vector<std::byte> head;
    std::unique_ptr<ws::BackChannel> back_channel;   // of a WebSocket
};

/// The head and what the form says first leave first; then the fan-out serves the shared bytes.
Task<> hand_over(Desk& desk, Newcomer newcomer, std::unique_ptr<Connection> connection,
                 std::vector<std::byte> read_ahead) {
    hub::Joined joined = std::move(newcomer.joined);
    std::vector<std::byte> lead = std::move(newcomer.head);
    if (newcomer.back_channel != nullptr) {
        // It may speak before it has our 101.
        const Result<> heard = newcomer.back_channel->receive(read_ahead, desk.executor.now());
        const std::vector<std::byte> said = newcomer.back_channel->next_output();
        lead.insert(lead.end(), said.begin(), said.end());
        if (!heard) {
            const std::array slices{ByteSpan{lead}};
            [[maybe_unused]] const Result<std::size_t> written = connection->try_write(slices);
            co_return;
        }
    }
    lead.insert(lead.end(), joined.lead.begin(), joined.lead.end());
    joined.seat->bind(*connection);
    desk.fan_out.join(*joined.log, {.connection = std::move(connection),
                                    .lead = Bytes{std::move(lead)},
                                    .back_channel = std::move(newcomer.back_channel),
                                    .seat = std::move(joined.seat)});
}

/// A viewer whose seat is asked for.
struct Expected {
    std::unique_ptr<Answer<hub::Joined>> joined;
    Instant deadline;
    Endpoint peer;
    std::vector<std::byte> head;
};

/// A WebSocket that is open before its stream begins. Where that does not come, its close says so.
Task<> wait_opened(Desk& desk, Expected expected, std::unique_ptr<Connection> connection,
                   std::vector<std::byte> read_ahead) {
    const std::array slices{ByteSpan{expected.head}};
    const Result<std::size_t> opened = connection->try_write(slices);
    if (!opened || *opened != expected.head.size()) {
        co_return;
    }
    Result<hub::Joined> joined = co_await expected.joined->within(expected.deadline);
    if (!joined) {
        log::info("play", "{} was refused: {}", expected.peer.text(), joined.error().what);
        note_refusal(desk, "http", expected.peer, joined.error());
        std::vector<std::byte> close;
        ws::append_close(close, ws::CloseCode::try_again_later);
        const std::array last{ByteSpan{close}};
        [[maybe_unused]] const Result<std::size_t> said = connection->try_write(last);
        co_return;
    }
    Newcomer newcomer{std::move(*joined), {}, std::make_unique<ws::BackChannel>()};
    co_await hand_over(desk, std::move(newcomer), std::move(connection), std::move(read_ahead));
}

/// The answer that hands the viewer over, with `head` before it; or why not.
Task<Result<web::Response>> play(Desk& desk, const Wish& wish, hub::SessionFacts viewer,
                                 std::vector<std::byte> head) {
    const Instant now = desk.executor.now();
    const Instant deadline = now + join_deadline;
    Endpoint peer = viewer.peer;
    auto asked = std::make_unique<Answer<hub::Joined>>(desk.executor);
    desk.mirrors.join(wish.flavour(desk.spawner), std::move(viewer), asked->reply());
    Result<hub::Joined> joined = co_await asked->within(wish.websocket ? now + handshake_wait : deadline);
    if (!joined && wish.websocket && joined.error().code == Errc::timed_out) {
        // A browser opens one WebSocket to a host at a time (RFC 6455 §4.1): many that wait for sources on
        // demand would wait for each other.
        const Result<bool> plays = co_await look_up(desk, wish);
        if (plays && !*plays) {
            Expected expected{std::move(asked), deadline, std::move(peer), std::move(head)};
            web::Response response;
            response.takeover = [&desk, expected = std::move(expected)](
                                    std::unique_ptr<Connection> connection,
                                    std::vector<std::byte> read_ahead) mutable {
                return wait_opened(desk, std::move(expected), std::move(connection), std::move(read_ahead));
            };
            co_return response;
        }
        joined = co_await asked->within(deadline);
    }
    if (!joined) {
        co_return std::unexpected(joined.error());
    }
    Newcomer newcomer{std::move(*joined), std::move(head),
                      wish.websocket ? std::make_unique<ws::BackChannel>() : nullptr};
    web::Response response;
    response.takeover = [&desk, newcomer = std::move(newcomer)](std::unique_ptr<Connection> connection,
                                                                std::vector<std::byte> read_ahead) mutable {
        return hand_over(desk, std::move(newcomer), std::move(connection), std::move(read_ahead));
    };
    co_return response;
}

/// Pages written for the classic demo may look for its headers.
void add_freshness(std::vector<web::Header>& headers, bool classic) {
    headers.push_back({"Cache-Control", classic ? "no-cache, no-store, must-revalidate" : "no-store"});
    if (classic) {
        headers.push_back({"Pragma", "no-cache"});
        headers.push_back({"Expires", "0"});
    }
}

Task<Result<web::Response>> answer_wish(Desk& desk, const Settings& settings, const web::Request& request) {
    const Origins& origins = settings.origins;
    Result<Wish> wish = wish_of(request, settings);
    if (!wish) {
        co_return std::unexpected(wish.error());
    }
    const bool is_raw = wish->form->http.flavour == nullptr;
    if (is_raw && !wish->websocket) {
        co_return websocket_wanted(request, origins);
    }
    web::Response response;
    response.headers = media_headers(request, origins);
    response.headers.push_back({"Content-Type", std::string{wish->form->type}});
    add_freshness(response.headers, request.path == alias);
    std::vector<std::byte> head = http::streaming_head(200, response.headers);
    const bool plays = request.method == "GET";
    if (plays && wish->websocket) {
        if (!may_open_websocket(request, origins)) {
            co_return fail(Errc::refused, "pages of this origin may not play from here (http.cors)");
        }
        const std::span<const std::string_view> protocols{raw_h264_protocols};
        auto accepted = ws::accept(request, is_raw ? protocols : protocols.first(0));
        if (!accepted) {
            co_return std::move(accepted.error());
        }
        if (accepted->back().name == "Sec-WebSocket-Protocol") {
            wish->dialect = &raw_way<RawH264::binary>;
        }
        head = http::switching_head(*accepted);
    }
    const Result<hub::Admitted> admitted = co_await admit(desk, *wish, request);
    if (!admitted) {
        co_return std::unexpected(admitted.error());
    }
    if (const Result<> room = desk.has_room(); plays && !room) {
        co_return std::unexpected(room.error());
    }
    const Result<Hops> hops = co_await hops_for(desk, request, wish->stream);
    if (!hops) {
        co_return circle_refusal(request, origins, hops.error());
    }
    if (!hops->empty()) {
        add_relay_headers(response.headers, desk, *hops);
        head = wish->websocket ? std::move(head) : http::streaming_head(200, response.headers);
    }
    if (plays) {
        hub::SessionFacts viewer{.protocol = wish->way().name,
                                 .stream = wish->stream,
                                 .peer = request.peer,
                                 .who = admitted->identity};
        co_return co_await play(desk, *wish, std::move(viewer), std::move(head));
    }
    const Result<bool> there = co_await look_up(desk, *wish);
    if (!there) {
        co_return std::unexpected(there.error());
    }
    co_return response;
}

Task<web::Response> answer(Desk& desk, const web::Request& request) {
    const std::shared_ptr<const Settings> settings = desk.settings;
    const Origins& origins = settings->origins;
    if (request.method == "OPTIONS") {
        co_return media_options(request, origins);
    }
    Result<web::Response> answered = co_await answer_wish(desk, *settings, request);
    if (!answered) {
        log::info("play", "{} was refused: {}", request.peer.text(), answered.error().what);
        note_refusal(desk, "http", request.peer, answered.error());
        co_return media_refusal(request, origins, answered.error());
    }
    co_return std::move(*answered);
}

}   // namespace

web::Route media_play(Desk& desk) {
    return {.methods = {"GET", "OPTIONS"},
            .matches = [](std::string_view path) { return form_of(path) != nullptr; },
            .answer = [&desk](const web::Request& request, Executor&) { return answer(desk, request); }};
}

}   // namespace millrace::session
