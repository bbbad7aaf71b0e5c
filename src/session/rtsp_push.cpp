#include "session/rtsp_push.hpp"

#include "base/log.hpp"
#include "base/secret.hpp"
#include "net/drive.hpp"
#include "protocol/rtsp/client.hpp"
#include "protocol/rtsp/muxer.hpp"
#include "protocol/rtsp/player_back_channel.hpp"
#include "session/relays.hpp"
#include "session/rtsp_offer.hpp"
#include "session/rtsp_target.hpp"

namespace millrace::session {

namespace {

constexpr std::string_view form = "rtsp-push";

/// What is left of a client once its media comes from a shared log: it reads the server's reports, hands its
/// wish for a key frame on and answers its requests.
class RecorderBackChannel final : public BackChannel {
public:
    RecorderBackChannel(std::unique_ptr<rtsp::Client> client, std::function<void()> want_key_frame)
        : client_{std::move(client)}, want_key_frame_{std::move(want_key_frame)} {}

    Result<> receive(ByteSpan bytes, Instant now) override {
        const Result<> received = client_->receive(bytes, now);
        while (const std::optional<rtsp::Client::Event> event = client_->next_event()) {
            if (std::holds_alternative<rtsp::Client::Redirected>(*event)) {
                return fail(Errc::closed, "the server sends us elsewhere");
            }
            const auto* const packet = std::get_if<rtsp::Client::Packet>(&*event);
            if (packet != nullptr && packet->control && rtsp::asks_for_key_frame(packet->payload)) {
                want_key_frame_();
            }
        }
        return received;
    }
    std::vector<std::byte> next_output() override { return client_->next_output(); }
    std::vector<std::byte> farewell() override {
        client_->tear_down();
        return client_->next_output();
    }

private:
    std::unique_ptr<rtsp::Client> client_;
    std::function<void()> want_key_frame_;
};

std::string words_of(const rtsp::Client& client, const Error& error, bool has_user) {
    if (error.code == Errc::unauthenticated && client.status() == 0) {
        return has_user ? "the server answers 401: another user or password"
                        : "the server answers 401: it wants a user and a password";
    }
    return client.status() == 0 ? std::string{}
                                : fmt::format("the server answers {} {}", client.status(),
                                              masked(log::escaped(client.reason(), 128)));
}

/// Until the server takes media.
Task<Result<>> begin(Desk& desk, Connection& connection, rtsp::Client& client) {
    for (;;) {
        while (std::optional<rtsp::Client::Event> event = client.next_event()) {
            if (const auto* described = std::get_if<rtsp::Client::Described>(&*event)) {
                std::vector<rtsp::Client::Choice> choices;
                for (unsigned i = 0; i < described->description.media.size(); ++i) {
                    choices.push_back({.track = i, .ports = {}});
                }
                const Result<> chosen = client.choose(choices, desk.executor.now());
                if (!chosen) {
                    co_return chosen;
                }
            } else if (std::holds_alternative<rtsp::Client::Started>(*event)) {
                co_return Result<>{};
            } else if (std::holds_alternative<rtsp::Client::Redirected>(*event)) {
                co_return fail(Errc::refused, "the server sends us elsewhere");
            }
        }
        const Result<> turn = co_await net::drive(connection, client, desk.executor, desk.read_buffer);
        if (!turn) {
            co_return turn;
        }
    }
}

hub::Flavour flavour_for(const rtsp::ChannelPlan& plan, Random& random) {
    const std::uint64_t seed = std::uint64_t{random.next_u32()} << 32U | random.next_u32();
    return hub::flavour_of({.form = form, .only = {}, .plan = plan.packed()},
                           [plan, seed] { return Pushed<rtsp::Muxer>{plan, seed}; });
}

rtsp::ChannelPlan plan_of(const rtsp::Client& client, const rtsp::Offer& offer) {
    rtsp::ChannelPlan plan;
    for (const rtsp::SetupTrack& setup : client.tracks()) {
        if (setup.transport.channels && setup.track < offer.tracks.size()) {
            plan.set(offer.tracks[setup.track], setup.transport.channels->rtp);
        }
    }
    return plan;
}

}   // namespace

Task<ForwardEnding> rtsp_push(Desk& desk, const ForwardMeans& means, ForwardCourse& course) {
    const Result<RtspTarget> target = parse_rtsp_target(course.rule().to);
    if (!target) {
        co_return ForwardEnding{.error = target.error(), .words = {}, .lasting = true};
    }
    Dial dial{.to = target->url.endpoint(),
              .tls = target->secure(),
              .deadline = desk.executor.now() + forward_setup_max};
    Result<std::unique_ptr<Connection>> connection =
        co_await course.connect(means.connector, std::move(dial));
    if (!connection) {
        co_return ForwardEnding{.error = connection.error(), .words = {}};
    }
    Result<RtspOffer> offer = co_await offer_stream(
        desk, {.protocol = form, .stream = course.rule().stream, .peer = (*connection)->peer()});
    if (!offer) {
        co_return ForwardEnding{.error = offer.error(), .words = {}};
    }
    const Hops hops = co_await hops_of_push(desk, course.rule().stream);
    auto client = std::make_unique<rtsp::Client>(rtsp::ClientOptions{.url = target->text,
                                                                     .user = target->url.user,
                                                                     .password = target->url.password,
                                                                     .announce = offer->offer.description,
                                                                     .hops = hops},
                                                 desk.random, desk.executor.now());
    const Result<> begun = co_await begin(desk, **connection, *client);
    if (!begun) {
        co_return ForwardEnding{.error = begun.error(),
                                .words = words_of(*client, begun.error(), target->url.has_user)};
    }
    Result<hub::Joined> joined = co_await course.join(
        flavour_for(plan_of(*client, offer->offer), desk.random), form, (*connection)->peer());
    offer->place.reset();
    if (!joined) {
        client->tear_down();
        net::send_last_words(**connection, *client);
        co_return ForwardEnding{.error = joined.error(), .words = {}};
    }
    Bytes lead{client->next_output()};
    ForwardLink link{.connection = std::move(*connection),
                     .lead = std::move(lead),
                     .back_channel = std::make_unique<RecorderBackChannel>(
                         std::move(client), [&directory = desk.directory, stream = course.rule().stream] {
                             directory.ask(stream, hub::AskKeyFrame{});
                         })};
    co_return co_await course.serve(std::move(*joined), std::move(link));
}

}   // namespace millrace::session
