#include "session/rtmp_push.hpp"

#include "base/log.hpp"
#include "net/drive.hpp"
#include "protocol/rtmp/client_address.hpp"
#include "protocol/rtmp/client_back_channel.hpp"
#include "protocol/rtmp/muxer.hpp"
#include "session/relays.hpp"

namespace millrace::session {

namespace {

constexpr std::string_view form = "rtmp-push";

/// What a server says is shown, as far as it is readable.
std::string words_of(const rtmp::Client::Refused& refused) {
    std::string words = fmt::format("the server refuses: {}", log::escaped(refused.code));
    if (!refused.description.empty()) {
        words += fmt::format(" ({})", log::escaped(refused.description));
    }
    return words;
}

/// Until the server takes media; nothing then.
Task<std::optional<ForwardEnding>> begin(Desk& desk, Connection& connection, rtmp::Client& machine) {
    for (;;) {
        while (std::optional<rtmp::Client::Event> event = machine.next_event()) {
            if (std::holds_alternative<rtmp::Client::PublishStarted>(*event)) {
                co_return std::nullopt;
            }
            if (const auto* const refused = std::get_if<rtmp::Client::Refused>(&*event)) {
                co_return ForwardEnding{.error = {Errc::refused, "the server refuses"},
                                        .words = words_of(*refused)};
            }
            if (std::holds_alternative<rtmp::Client::Ended>(*event)) {
                co_return ForwardEnding{.error = {Errc::closed, "the server ended the publication"},
                                        .words = {}};
            }
        }
        const Result<> turn = co_await net::drive(connection, machine, desk.executor, desk.read_buffer);
        if (!turn) {
            co_return ForwardEnding{.error = turn.error(), .words = {}};
        }
    }
}

hub::Flavour flavour_for(std::uint32_t stream_id) {
    return hub::flavour_of({.form = form, .only = {}, .pushed = stream_id}, [stream_id] {
        return Pushed<rtmp::Muxer>{rtmp::Readers{.servers = true, .stream_id = stream_id}};
    });
}

}   // namespace

Task<ForwardEnding> rtmp_push(Desk& desk, const ForwardMeans& means, ForwardCourse& course) {
    const Result<Url> url = parse_url(course.rule().to);
    if (!url) {
        co_return ForwardEnding{.error = url.error(), .words = {}, .lasting = true};
    }
    Dial dial{.to = url->endpoint(),
              .tls = url->scheme == "rtmps",
              .deadline = desk.executor.now() + forward_setup_max};
    Result<std::unique_ptr<Connection>> connection =
        co_await course.connect(means.connector, std::move(dial));
    if (!connection) {
        co_return ForwardEnding{.error = connection.error(), .words = {}};
    }
    rtmp::Client::Options options = rtmp::options_for(*url, rtmp::Client::Role::publish);
    options.chunk_size = rtmp::chunk_size_to_players;
    options.hops = co_await hops_of_push(desk, course.rule().stream);
    rtmp::Client machine{desk.random, std::move(options), desk.executor.now()};
    auto beginning = begin(desk, **connection, machine);
    std::optional<ForwardEnding> refused = co_await beginning;
    if (refused) {
        co_return std::move(*refused);
    }
    Result<hub::Joined> joined =
        co_await course.join(flavour_for(machine.stream_id()), form, (*connection)->peer());
    if (!joined) {
        machine.end();
        net::send_last_words(**connection, machine);
        co_return ForwardEnding{.error = joined.error(), .words = {}};
    }
    Bytes lead{machine.next_output()};
    ForwardLink link{.connection = std::move(*connection),
                     .lead = std::move(lead),
                     .back_channel = rtmp::into_back_channel(std::move(machine))};
    co_return co_await course.serve(std::move(*joined), std::move(link));
}

}   // namespace millrace::session
