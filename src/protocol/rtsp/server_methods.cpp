#include "protocol/rtsp/server.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace millrace::rtsp {

namespace {

Server::Caller caller_of(const Request& request) {
    return {.method = request.method,
            .url = request.url,
            .authorization = std::string{find_header(request.headers, "Authorization")},
            .user_agent = std::string{find_header(request.headers, "User-Agent")},
            .hops = Hops::parse(find_header(request.headers, Hops::header))};
}

bool same_stream(const std::optional<StreamAddress>& a, const StreamAddress& b) {
    return a && a->path == b.path && a->query == b.query;
}

std::string without_last_slash(std::string text) {
    while (text.ends_with('/')) {
        text.pop_back();
    }
    return text;
}

}   // namespace

void Server::on_describe(Request request) {
    const std::optional<StreamAddress> address = read_address(request.url);
    if (!address) {
        answer(request, bad_request);
        return;
    }
    if (state_ == State::offered && same_stream(address_, *address)) {
        answer_description(request);
        return;
    }
    if (!session_.empty() || state_ == State::announced) {
        refuse_state(request);
        return;
    }
    state_ = State::idle;
    address_ = address;
    Caller caller = caller_of(request);
    ask(std::move(request), PlayRequested{*address, std::move(caller)});
}

void Server::answer_description(const Request& request) {
    // RFC 2326 §C.1.1: relative controls stand behind Content-Base.
    Response response{
        .headers = {{"Content-Base", address_->base + '/'}, {"Content-Type", "application/sdp"}},
        .body = sdp::write(description_)};
    if (!hops_.empty()) {
        response.headers.push_back({std::string{Hops::header}, hops_.text()});
    }
    answer(request, std::move(response));
}

void Server::offer(sdp::Description description, Hops hops) {
    hops_ = std::move(hops);
    describe(std::move(description), false);
}

void Server::offer_recording(sdp::Description description) {
    hops_ = {};
    describe(std::move(description), true);
}

void Server::describe(sdp::Description description, bool recorded) {
    if (!pending_ || (pending_->method != "DESCRIBE" && pending_->method != "SETUP") || pending_setup_ ||
        !address_) {
        return;
    }
    description_ = std::move(description);
    recorded_ = recorded;
    state_ = State::offered;
    Request request = *std::exchange(pending_, std::nullopt);
    touch(now_);
    if (request.method == "DESCRIBE") {
        answer_description(request);
    } else {
        on_setup(std::move(request));
    }
    static_cast<void>(process_waiting());
}

void Server::on_announce(Request request) {
    const std::optional<StreamAddress> address = read_address(request.url);
    if (!address) {
        answer(request, bad_request);
        return;
    }
    if (!session_.empty() || state_ == State::announced) {
        refuse_state(request);
        return;
    }
    const std::string_view type = find_header(request.headers, "Content-Type");
    if (!type.empty() && !type.starts_with("application/sdp")) {
        answer(request, unsupported_media_type);
        return;
    }
    Result<sdp::Description> description = sdp::read(request.body);
    if (!description) {
        answer(
            request,
            Response{.status = bad_request, .reason = std::string{description.error().what}, .headers = {}});
        return;
    }
    state_ = State::idle;
    address_ = address;
    description_ = *description;
    Caller caller = caller_of(request);
    ask(std::move(request), PublishRequested{*address, std::move(caller), std::move(*description)});
}

void Server::accept_publish() {
    if (!pending_ || pending_->method != "ANNOUNCE") {
        return;
    }
    state_ = State::announced;
    touch(now_);
    answer(*std::exchange(pending_, std::nullopt), ok);
    static_cast<void>(process_waiting());
}

/// The media line whose control the URL is; publishers may write it absolute, relative, or with our word.
std::optional<unsigned> Server::announced_track(const std::string& url) const {
    const std::string wanted = without_last_slash(url);
    for (std::size_t i = 0; i < description_.media.size(); ++i) {
        const std::string& control = description_.media[i].control;
        if (!control.empty() && without_last_slash(sdp::resolve_control(address_->base, control)) == wanted) {
            return static_cast<unsigned>(i);
        }
    }
    const std::optional<StreamAddress> address = read_address(url);
    if (!address || !same_stream(address_, *address)) {
        return std::nullopt;
    }
    return description_.media.size() == 1 ? std::optional{0U}
           : address->track               ? address->track
                                          : next_without_control();
}

/// RFC 2326 §C.1.1: the URL of the whole stands for a media line that has no control. Of several, it is the
/// next one.
std::optional<unsigned> Server::next_without_control() const {
    for (unsigned i = 0; i < description_.media.size(); ++i) {
        const bool set_up = std::ranges::find(setups_, i, &SetupTrack::track) != setups_.end();
        if (description_.media[i].control.empty() && !set_up) {
            return i;
        }
    }
    return std::nullopt;
}

void Server::on_setup(Request request) {
    if (state_ == State::playing || state_ == State::recording) {
        refuse_state(request);
        return;
    }
    if (state_ == State::announced) {
        const std::optional<unsigned> track = announced_track(request.url);
        track && *track < description_.media.size() ? set_up(request, *track, true)
                                                    : answer(request, not_found);
        return;
    }
    const std::optional<StreamAddress> address = read_address(request.url);
    if (!address) {
        answer(request, bad_request);
        return;
    }
    if (state_ == State::idle || !same_stream(address_, *address)) {
        if (!session_.empty()) {
            answer(request, not_found);   // a session has one stream
            return;
        }
        state_ = State::idle;
        address_ = address;
        Caller caller = caller_of(request);
        ask(std::move(request), PlayRequested{*address, std::move(caller)});
        return;
    }
    if (!address->track && description_.media.size() != 1) {
        answer(request, aggregate_not_allowed);
        return;
    }
    const unsigned track = address->track.value_or(0);
    track < description_.media.size() ? set_up(request, track, false) : answer(request, not_found);
}

/// Channels as asked, or the first free; false where another track has them.
bool Server::take_channels(Transport& transport, unsigned track) const {
    if (!transport.channels) {
        const auto first = static_cast<std::uint8_t>(track * 2);
        transport.channels = Channels{first, static_cast<std::uint8_t>(first + 1)};
    }
    return std::ranges::none_of(setups_, [&](const SetupTrack& other) {
        const auto& taken = other.transport.channels;
        return other.track != track && taken && taken->rtp <= transport.channels->rtcp &&
               transport.channels->rtp <= taken->rtcp;
    });
}

void Server::set_up(const Request& request, unsigned track, bool record) {
    for (Transport& transport : read_transports(find_header(request.headers, "Transport"))) {
        transport.destination.clear();
        transport.source.clear();
        transport.server_ports.reset();
        transport.ssrc.reset();
        transport.record = record;
        if (transport.lower == Transport::Lower::tcp && take_channels(transport, track)) {
            transport.client_ports.reset();
            finish_setup(request, {track, std::move(transport)});
            return;
        }
        if (transport.lower == Transport::Lower::udp && transport.client_ports) {
            transport.channels.reset();
            const Ports client = *transport.client_ports;
            pending_setup_ = SetupTrack{track, std::move(transport)};
            ask(request, PortsWanted{track, client, record});
            return;
        }
        if (transport.lower == Transport::Lower::multicast && multicast_ && !record) {
            transport.channels.reset();
            transport.client_ports.reset();
            pending_setup_ = SetupTrack{track, std::move(transport)};
            ask(request, PortsWanted{.track = track, .client = {}, .group = true});
            return;
        }
    }
    answer(request, unsupported_transport);
}

void Server::finish_setup(const Request& request, SetupTrack setup) {
    if (session_.empty()) {
        std::array<std::byte, 8> id{};
        random_.fill(id);
        for (const std::byte byte : id) {
            session_ += fmt::format("{:02X}", static_cast<unsigned>(byte));
        }
    }
    std::erase_if(setups_, [&](const SetupTrack& one) { return one.track == setup.track; });
    answer(request,
           Response{.headers = {{"Session", fmt::format("{};timeout={}", session_, session_timeout / 1s)},
                                {"Transport", write(setup.transport)}}});
    setups_.push_back(std::move(setup));
}

void Server::grant_ports(const Granted& granted) {
    if (!pending_ || !pending_setup_) {
        return;
    }
    const Request request = *std::exchange(pending_, std::nullopt);
    SetupTrack setup = *std::exchange(pending_setup_, std::nullopt);
    setup.transport.server_ports = granted.server;
    setup.transport.destination = granted.group;
    setup.transport.ttl = granted.hops;
    setup.transport.ssrc = setup.transport.record ? std::nullopt : granted.ssrc;
    touch(now_);
    finish_setup(request, std::move(setup));
    static_cast<void>(process_waiting());
}

void Server::on_play(Request request) {
    const bool named = !find_header(request.headers, "Session").empty();
    const bool ready = state_ == State::offered || state_ == State::playing;
    if (session_.empty() || !named) {
        answer(request, session_not_found);
    } else if (recorded_ && ready && !setups_.empty()) {
        on_play_recording(std::move(request));
    } else if (state_ == State::playing) {
        answer(request, Response{.headers = {{"Session", session_}}});   // some players keep alive so
    } else if (state_ != State::offered || setups_.empty()) {
        refuse_state(request);
    } else {
        ask(std::move(request), PlayStarted{setups_});
    }
}

void Server::on_play_recording(Request request) {
    const auto refuse = [&](Status status, const Error& why) {
        answer(
            request,
            Response{.status = status, .reason = std::string{why.what}, .headers = {{"Session", session_}}});
    };
    PlayStarted wanted{.tracks = setups_};
    if (const std::string_view text = find_header(request.headers, "Range"); !text.empty()) {
        const Result<Range> range = read_range(text);
        if (!range) {
            refuse(invalid_range, range.error());
            return;
        }
        wanted.range = *range;
    }
    if (const std::string_view text = find_header(request.headers, "Scale"); !text.empty()) {
        const Result<Scale> scale = read_scale(text);
        if (!scale) {
            refuse(not_acceptable, scale.error());
            return;
        }
        wanted.scale = *scale;
    }
    ask(std::move(request), std::move(wanted));
}

void Server::start_play(std::span<const TrackStart> starts, const std::optional<Played>& played) {
    if (!pending_ || pending_->method != "PLAY") {
        return;
    }
    std::string info;
    for (const TrackStart& start : starts) {
        info += info.empty() ? "" : ",";
        info += fmt::format("url={}/{}{};seq={};rtptime={}", address_->base, track_control, start.track,
                            start.sequence, start.timestamp);
    }
    Response response{
        .headers = {{"Session", session_}, {"Range", played ? write(played->range) : "npt=now-"}}};
    if (played) {
        response.headers.push_back({"Scale", write_scale(played->scale)});
    }
    if (!info.empty()) {
        response.headers.push_back({"RTP-Info", std::move(info)});
    }
    state_ = State::playing;
    touch(now_);
    answer(*std::exchange(pending_, std::nullopt), std::move(response));
    static_cast<void>(process_waiting());
}

void Server::on_record(const Request& request) {
    const bool named = !find_header(request.headers, "Session").empty();
    if (session_.empty() || !named) {
        answer(request, session_not_found);
        return;
    }
    if (state_ != State::announced || setups_.empty()) {
        refuse_state(request);
        return;
    }
    state_ = State::recording;
    touch(now_);
    answer(request, Response{.headers = {{"Session", session_}}});
    events_.emplace_back(RecordStarted{setups_});
}

void Server::on_pause(const Request& request) {
    if (session_.empty()) {
        answer(request, session_not_found);
        return;
    }
    if (state_ == State::playing || state_ == State::recording) {
        state_ = state_ == State::playing ? State::offered : State::announced;
        touch(now_);
        events_.emplace_back(Paused{});
    }
    answer(request, Response{.headers = {{"Session", session_}}});
}

void Server::on_teardown(const Request& request) {
    if (session_.empty() && state_ != State::announced) {
        answer(request, session_not_found);
        return;
    }
    forget_session();
    touch(now_);
    answer(request, ok);
    events_.emplace_back(Ended{});
}

void Server::on_parameter(const Request& request) {
    if (!request.body.empty()) {
        answer(request, parameter_not_understood);
        return;
    }
    Response response{.headers = {}};
    if (!session_.empty()) {
        response.headers.push_back({"Session", session_});
    }
    answer(request, std::move(response));
}

}   // namespace millrace::rtsp
