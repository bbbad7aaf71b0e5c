#include "session/relays.hpp"

#include "base/log.hpp"
#include "media/capture_sei.hpp"
#include "session/media_answer.hpp"

#include <charconv>

namespace millrace::session {

namespace {

constexpr Duration report_deadline = 10s;
constexpr Error circle{Errc::refused,
                       "this stream comes from the node that asks: it would go round in circles"};

}   // namespace

Task<Result<Hops>> hops_for(Desk& desk, const web::Request& request, const std::string& stream) {
    co_return co_await hops_for(desk, Hops::parse(request.header(Hops::header).value_or("")), stream);
}

Task<Result<Hops>> hops_for(Desk& desk, Hops theirs, std::string stream) {
    if (theirs.empty() || desk.node_id.empty()) {
        co_return Hops{};
    }
    if (theirs.contains(desk.node_id)) {
        co_return std::unexpected(circle);
    }
    desk.directory.note_wish(stream, theirs, desk.executor.now());
    Hops ours = co_await hops_of_push(desk, std::move(stream));
    if (ours.meets(theirs)) {
        co_return std::unexpected(circle);
    }
    co_return ours;
}

Task<Hops> hops_of_push(Desk& desk, std::string stream) {
    Answer<std::vector<hub::StreamReport>> answer{desk.executor};
    desk.directory.report(stream, answer.reply());
    const auto reports = co_await answer.within(desk.executor.now() + report_deadline);
    Hops ours;
    ours.add(desk.node_id);
    if (reports && !reports->empty() && reports->front().publisher) {
        ours.add(reports->front().publisher->hops);
    }
    co_return ours;
}

void add_relay_headers(std::vector<web::Header>& headers, const Desk& desk, const Hops& hops) {
    headers.push_back({std::string{Hops::header}, hops.text()});
    headers.push_back(
        {std::string{clock_header}, fmt::format("{}", desk.executor.clock().utc().microseconds)});
}

std::optional<WallTime> read_clock_header(std::string_view written) {
    WallTime time;
    const auto [end, error] =
        std::from_chars(written.data(), written.data() + written.size(), time.microseconds);
    const bool whole = error == std::errc{} && end == written.data() + written.size();
    return whole && time >= media::capture_utc_min && time <= media::capture_utc_max ? std::optional{time}
                                                                                     : std::nullopt;
}

web::Response circle_refusal(const web::Request& request, const std::vector<std::string>& origins,
                             Error why) {
    log::info("play", "{} was refused: {}", request.peer.text(), why.what);
    web::Response response = media_refusal(request, origins, why);
    const Hops theirs = Hops::parse(request.header(Hops::header).value_or(""));
    response.headers.push_back({std::string{Hops::header}, theirs.text()});
    return response;
}

Hops hops_of_pull(Desk& desk, const std::string& stream) {
    Hops hops;
    hops.add(desk.node_id);
    if (!desk.node_id.empty()) {
        hops.add(desk.directory.wishes(stream, desk.executor.now()));
    }
    return hops;
}

Result<> refuse_own(const Desk& desk, const Hops& hops) {
    return hops.contains(desk.node_id)
               ? fail(Errc::refused, "the stream comes from this node itself: it would go round in circles")
               : Result<>{};
}

}   // namespace millrace::session
