#include "protocol/rtmp/client.hpp"

#include "base/byte_writer.hpp"

#include <algorithm>
#include <utility>

namespace millrace::rtmp {

namespace {

// Transactions: the calls whose answers we wait for.
constexpr int connect_call = 1;
constexpr int release_stream_call = 2;
constexpr int fc_publish_call = 3;
constexpr int create_stream_call = 4;
constexpr int start_call = 5;
constexpr int end_call = 6;

bool is_refusal(std::string_view level, std::string_view code) {
    return level == "error" || code == "NetStream.Play.StreamNotFound" || code == "NetStream.Publish.BadName";
}

std::string text_of(const amf0::Value& object, std::string_view name) {
    const std::string* text = object.find_text(name);
    return text == nullptr ? std::string{} : *text;
}

}   // namespace

bool is_end(std::string_view code) {
    return code == "NetStream.Play.UnpublishNotify" || code == "NetStream.Play.Stop" ||
           code == "NetStream.Play.Complete" || code == "NetStream.Unpublish.Success" ||
           code == "NetConnection.Connect.Closed";
}

Client::Client(Random& random, Options options, Instant now)
    : options_{std::move(options)},
      handshake_{std::in_place, random, options_.handshake},
      deadline_{now + client_setup_time_max} {
    options_.chunk_size = std::clamp(options_.chunk_size, 1U, chunk_size_max);
    handshake_->start(link_.output());
}

std::optional<Client::Event> Client::next_event() {
    if (events_.empty()) {
        return std::nullopt;
    }
    Event event = std::move(events_.front());
    events_.pop_front();
    return event;
}

Result<> Client::advance(Instant now) {
    if (now < deadline_) {
        return {};
    }
    deadline_ = Instant::never();
    state_ = State::over;
    return fail(Errc::timed_out, "the server did not start the stream in 10 s");
}

void Client::on_result(const Command& command) {
    if (state_ == State::connecting && command.transaction == connect_call) {
        events_.emplace_back(Connected{});
        send_create_stream();
    } else if (state_ == State::creating_stream && command.transaction == create_stream_call) {
        const double* id = command.number(1);
        const bool legal = id != nullptr && *id >= 0 && *id <= 0xFFFF'FFFF;
        stream_id_ = legal ? static_cast<std::uint32_t>(*id) : the_stream_id;
        send_start();
    }
}

void Client::refused_with(const Command& command) {
    // What only some servers know may fail: releaseStream, FCPublish and the like.
    const bool ours = command.transaction == connect_call || command.transaction == create_stream_call ||
                      command.transaction == start_call;
    if (!ours || state_ == State::started || state_ == State::over) {
        return;
    }
    Refused refused;
    for (const amf0::Value& argument : command.arguments) {
        if (argument.members() != nullptr) {
            refused = {text_of(argument, "code"), text_of(argument, "description")};
        }
    }
    state_ = State::over;
    deadline_ = Instant::never();
    events_.emplace_back(std::move(refused));
}

void Client::on_status(const amf0::Value& status) {
    const std::string code = text_of(status, "code");
    if (state_ == State::over || state_ < State::starting) {
        return;
    }
    if (is_refusal(text_of(status, "level"), code)) {
        state_ = State::over;
        deadline_ = Instant::never();
        events_.emplace_back(Refused{code, text_of(status, "description")});
    } else if (is_end(code)) {
        state_ = State::over;
        deadline_ = Instant::never();
        events_.emplace_back(Ended{});
    } else if (state_ == State::starting) {
        const bool publishes = options_.role == Role::publish;
        if (code != (publishes ? "NetStream.Publish.Start" : "NetStream.Play.Start")) {
            return;
        }
        state_ = State::started;
        deadline_ = Instant::never();
        if (publishes) {
            events_.emplace_back(PublishStarted{});
        } else {
            events_.emplace_back(PlayStarted{Hops::parse(text_of(status, Hops::header))});
        }
    }
}

void Client::send_connect() {
    link_.send_set_chunk_size(options_.chunk_size);
    amf0::Members object{
        {"app", options_.app},
        {"type", "nonprivate"},
        {"flashVer", options_.role == Role::publish ? "FMLE/3.0 (compatible; Millrace)" : "LNX 9,0,124,2"},
        {"tcUrl", options_.tc_url}};
    if (options_.role == Role::play) {
        object.insert(object.end(), {{"fpad", false},
                                     {"capabilities", 15},
                                     {"audioCodecs", 4071},
                                     {"videoCodecs", 252},
                                     {"videoFunction", 1}});
    }
    if (!options_.hops.empty()) {
        object.emplace_back(Hops::header, options_.hops.text());
    }
    amf0::StrictArray kinds{{"av01", "hvc1"}};
    object.emplace_back("fourCcList", std::move(kinds));
    link_.send(0, Command{"connect", connect_call, {amf0::object(std::move(object))}});
    state_ = State::connecting;
}

void Client::send_create_stream() {
    if (options_.role == Role::publish) {
        link_.send(0, Command{"releaseStream", release_stream_call, {amf0::Null{}, options_.key}});
        link_.send(0, Command{"FCPublish", fc_publish_call, {amf0::Null{}, options_.key}});
    } else {
        link_.send_window_acknowledgement_size(window_size);
    }
    link_.send(0, Command{"createStream", create_stream_call, {amf0::Null{}}});
    state_ = State::creating_stream;
}

void Client::send_start() {
    if (options_.role == Role::publish) {
        link_.send(stream_id_, Command{"publish", start_call, {amf0::Null{}, options_.key, "live"}});
    } else {
        constexpr int live_or_recorded = -2'000;
        link_.send(stream_id_, Command{"play", start_call, {amf0::Null{}, options_.key, live_or_recorded}});
        link_.send_user_control(UserControl::set_buffer_length, stream_id_);
    }
    state_ = State::starting;
}

void Client::send(const Media& media) {
    if (state_ != State::started || options_.role != Role::publish) {
        return;
    }
    OutgoingMessage message{.stream_id = stream_id_, .timestamp_ms = media.timestamp_ms, .body = media.body};
    std::vector<std::byte> wrapped;
    switch (media.type) {
        case MediaType::audio:
            message.type = MessageType::audio;
            message.chunk_stream = audio_chunk_stream;
            break;
        case MediaType::video:
            message.type = MessageType::video;
            message.chunk_stream = video_chunk_stream;
            break;
        case MediaType::data: {
            ByteWriter writer{wrapped};
            amf0::write(writer, "@setDataFrame");
            writer.bytes(media.body);
            message.type = MessageType::data;
            message.chunk_stream = data_chunk_stream;
            message.body = wrapped;
            break;
        }
    }
    link_.send(message);
}

void Client::end() {
    if (state_ != State::started) {
        return;
    }
    if (options_.role == Role::publish) {
        link_.send(0, Command{"FCUnpublish", end_call, {amf0::Null{}, options_.key}});
    }
    link_.send(0, Command{"deleteStream", 0, {amf0::Null{}, stream_id_}});
    state_ = State::over;
}

}   // namespace millrace::rtmp
