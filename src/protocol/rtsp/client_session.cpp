#include "protocol/rtsp/client.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace millrace::rtsp {

namespace {

std::string_view cut(std::string_view& rest, char separator) {
    const std::size_t end = std::min(rest.find(separator), rest.size());
    const std::string_view front = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return front;
}

template <class T>
std::optional<T> number(std::string_view text) {
    T value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} ? std::optional{value} : std::nullopt;
}

bool is_absolute(std::string_view control) {
    return control.find("://") != std::string_view::npos;
}

}   // namespace

Result<> Client::take_success(const Response& response, Instant now) {
    switch (state_) {
        case State::opening:
            has_get_parameter_ =
                find_header(response.headers, "Public").find("GET_PARAMETER") != std::string_view::npos;
            begin_session();
            return {};
        case State::describing: return take_description(response);
        case State::setting_up: return take_setup(response);
        case State::starting:
            take_start(response);
            keep_alive_due_ = now + std::max(timeout_ / 2, keep_alive_min);
            return {};
        default: return {};
    }
}

void Client::begin_session() {
    state_ = State::describing;
    Headers headers;
    if (!options_.hops.empty()) {
        headers.push_back({std::string{Hops::header}, options_.hops.text()});
    }
    if (options_.announce) {
        headers.push_back({"Content-Type", "application/sdp"});
        ask("ANNOUNCE", options_.url, std::move(headers), sdp::write(*options_.announce));
    } else {
        headers.push_back({"Accept", "application/sdp"});
        ask("DESCRIBE", options_.url, std::move(headers));
    }
}

Result<> Client::take_description(const Response& response) {
    if (options_.announce) {
        description_ = *options_.announce;
    } else {
        Result<sdp::Description> read = sdp::read(response.body);
        if (!read) {
            return std::unexpected(read.error());
        }
        description_ = std::move(*read);
        // RFC 2326 §C.1.1
        for (const std::string_view name : {"Content-Location", "Content-Base"}) {
            const std::string_view said = find_header(response.headers, name);
            base_ = is_absolute(said) ? std::string{said} : base_;
        }
        aggregate_ = sdp::resolve_control(base_, description_.control);
        base_ = is_absolute(description_.control) ? aggregate_ : base_;
    }
    state_ = State::choosing;
    events_.emplace_back(Described{description_, Hops::parse(find_header(response.headers, Hops::header))});
    return {};
}

Result<> Client::choose(std::span<const Choice> choices, Instant now) {
    now_ = now;
    if (state_ != State::choosing) {
        return fail(Errc::refused, "there is nothing to choose from now");
    }
    std::ranges::copy_if(choices, std::back_inserter(choices_),
                         [this](const Choice& one) { return one.track < description_.media.size(); });
    if (choices_.empty()) {
        return fail(Errc::unsupported, "no track of the stream can be used");
    }
    state_ = State::setting_up;
    set_up_next();
    return {};
}

std::string Client::track_url(unsigned track) const {
    return sdp::resolve_control(base_, description_.media[track].control);
}

void Client::set_up_next() {
    const Choice& choice = choices_[setups_.size()];
    Transport transport;
    transport.record = options_.announce.has_value();
    if (choice.ports) {
        transport.client_ports = choice.ports;
    } else {
        const auto channel = static_cast<std::uint8_t>(setups_.size() * 2);
        transport.lower = Transport::Lower::tcp;
        transport.channels = Channels{channel, static_cast<std::uint8_t>(channel + 1)};
    }
    ask("SETUP", track_url(choice.track), {{"Transport", write(transport)}});
}

Result<> Client::take_setup(const Response& response) {
    const Choice& choice = choices_[setups_.size()];
    const std::vector<Transport> said = read_transports(find_header(response.headers, "Transport"));
    Transport transport = said.empty() ? Transport{} : said.front();
    if (choice.ports) {
        transport.client_ports = choice.ports;
        if (transport.lower == Transport::Lower::tcp) {
            return fail(Errc::unsupported, "the server gives TCP where UDP was asked for");
        }
    } else {
        const auto channel = static_cast<std::uint8_t>(setups_.size() * 2);
        if (!said.empty() && transport.lower != Transport::Lower::tcp) {
            return fail(Errc::unsupported, "the server gives UDP where TCP was asked for");
        }
        transport.lower = Transport::Lower::tcp;
        // Servers may choose other channels; those that say nothing take what was asked.
        transport.channels =
            transport.channels.value_or(Channels{channel, static_cast<std::uint8_t>(channel + 1)});
    }
    std::string_view session = find_header(response.headers, "Session");
    if (session_.empty()) {
        session_ = cut(session, ';');
        session_.erase(session_.find_last_not_of(' ') + 1);
        const std::size_t timeout = session.find("timeout=");
        const std::optional<unsigned> seconds =
            timeout == std::string_view::npos ? std::nullopt : number<unsigned>(session.substr(timeout + 8));
        timeout_ = seconds && *seconds > 0 && *seconds < 86'400 ? Duration{std::chrono::seconds{*seconds}}
                                                                : timeout_;
    }
    setups_.push_back({choice.track, std::move(transport)});
    if (setups_.size() < choices_.size()) {
        set_up_next();
        return {};
    }
    state_ = State::starting;
    options_.announce ? ask("RECORD", aggregate_) : ask("PLAY", aggregate_, {{"Range", "npt=0.000-"}});
    return {};
}

// RFC 2326 §12.33:  {url=… ;seq=…;rtptime=…}, by commas
void Client::take_start(const Response& response) {
    Started started{.tracks = setups_, .starts = {}};
    std::string_view info = find_header(response.headers, "RTP-Info");
    for (std::size_t read = 0; !info.empty() && read < sdp::media_max; ++read) {
        std::string_view one = cut(info, ',');
        std::string_view url;
        std::optional<std::uint16_t> sequence;
        std::optional<std::uint32_t> timestamp;
        while (!one.empty()) {
            std::string_view field = cut(one, ';');
            field.remove_prefix(std::min(field.find_first_not_of(' '), field.size()));
            const std::string_view name = cut(field, '=');
            url = name == "url" ? field : url;
            sequence = name == "seq" ? number<std::uint16_t>(field) : sequence;
            timestamp = name == "rtptime" ? number<std::uint32_t>(field) : timestamp;
        }
        // Cameras write their own idea of the URL: its end tells the track, else the order does.
        const auto of_url = [&](const SetupTrack& setup) {
            const std::string& control = description_.media[setup.track].control;
            return !url.empty() &&
                   (url == track_url(setup.track) || (!control.empty() && url.ends_with(control)));
        };
        auto setup = std::ranges::find_if(setups_, of_url);
        if (setup == setups_.end() && read < setups_.size()) {
            setup = setups_.begin() + static_cast<std::ptrdiff_t>(read);
        }
        if (setup != setups_.end() && sequence && timestamp) {
            started.starts.push_back({setup->track, *sequence, *timestamp});
        }
    }
    state_ = State::started;
    events_.emplace_back(std::move(started));
}

}   // namespace millrace::rtsp
