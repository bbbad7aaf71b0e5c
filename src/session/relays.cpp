#include "session/relays.hpp"

#include "base/log.hpp"
#include "session/media_answer.hpp"

namespace millrace::session {

namespace {

constexpr Duration report_deadline = 10s;
constexpr Error circle{Errc::refused,
                       "this stream comes from the node that asks: it would go round in circles"};

}   // namespace

Task<Result<Hops>> hops_for(Desk& desk, const web::Request& request, const std::string& stream) {
    const Hops theirs = Hops::parse(request.header(Hops::header).value_or(""));
    if (theirs.empty() || desk.node_id.empty()) {
        co_return Hops{};
    }
    if (theirs.contains(desk.node_id)) {
        co_return std::unexpected(circle);
    }
    desk.directory.note_wish(stream, theirs, desk.executor.now());
    Answer<std::vector<hub::StreamReport>> answer{desk.executor};
    desk.directory.report(stream, answer.reply());
    const auto reports = co_await answer.within(desk.executor.now() + report_deadline);
    Hops ours;
    ours.add(desk.node_id);
    if (reports && !reports->empty() && reports->front().publisher) {
        const Hops& behind = reports->front().publisher->hops;
        if (behind.meets(theirs)) {
            co_return std::unexpected(circle);
        }
        ours.add(behind);
    }
    co_return ours;
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
               ? fail(Errc::refused,
                      "the server has this stream from this node: it would go round in circles")
               : Result<>{};
}

}   // namespace millrace::session
