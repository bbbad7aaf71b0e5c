#include "protocol/rtmp/server.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace millrace::rtmp {

Result<> Server::receive_command(const Command& command, const Message& message) {
    const std::string& name = command.name;
    if (name == "connect") {
        return on_connect(command);
    }
    if (state_ == State::opening) {
        return refuse_call(command, "connect comes first");
    }
    if (name == "createStream") {
        return on_create_stream(command);
    }
    if (name == "publish") {
        return on_publish(command);
    }
    if (name == "play") {
        return on_play(command);
    }
    if (name == "pause" || name == "pauseRaw") {
        return on_pause(command);
    }
    if (name == "FCUnpublish") {
        return on_unpublish(command);
    }
    if (name == "deleteStream" || name == "closeStream") {
        const bool ours = message.stream_id == 0 || message.stream_id == the_stream_id;
        if (name == "closeStream" && !ours) {
            ++counters_.commands_ignored;
            return {};
        }
        return on_delete_stream(command);
    }
    return on_courtesy(command);
}

/// The answer to a call that breaks the order of things, and the end of the conversation.
Result<> Server::refuse_call(const Command& command, std::string_view description) {
    link_.send_error(command, "NetConnection.Call.Failed", description);
    return fail(Errc::refused, "a command out of its order");
}

Result<> Server::on_connect(const Command& command) {
    if (state_ != State::opening) {
        return refuse_call(command, "already connected");
    }
    if (command.arguments.empty() || command.arguments.front().members() == nullptr) {
        link_.send_error(command, "NetConnection.Connect.Rejected", "connect without a command object");
        return fail(Errc::malformed, "connect without a command object");
    }
    const amf0::Value& object = command.arguments.front();
    if (const std::string* app = object.find_text("app")) {
        app_ = *app;
    }
    if (const std::string* tc_url = object.find_text("tcUrl")) {
        tc_url_ = *tc_url;
    }
    if (const std::string* hops = object.find_text(Hops::header)) {
        hops_ = Hops::parse(*hops);
    }
    send_connected(command);
    state_ = State::connected;
    return {};
}

Result<> Server::on_create_stream(const Command& command) {
    if (state_ != State::connected) {
        link_.send_error(command, "NetConnection.Call.Failed", "a connection carries one stream");
        return {};
    }
    link_.send_result(command, {amf0::Null{}, the_stream_id});
    state_ = State::stream_created;
    return {};
}

/// Whether publish or play may be asked for now. Too early ends the conversation; too late is only answered.
bool Server::ready_for_stream(const Command& command) {
    if (state_ != State::connected && state_ != State::stream_created) {
        link_.send_error(command, "NetConnection.Call.Failed", "a connection publishes or plays once");
        return false;
    }
    return true;
}

Result<> Server::on_publish(const Command& command) {
    if (const bool* live = command.boolean(1); live != nullptr && !*live) {
        return on_delete_stream(command);   // publish(false) is how Flash stops
    }
    if (!ready_for_stream(command)) {
        return {};
    }
    const std::string* key = command.text(1);
    if (state_ == State::connected || key == nullptr) {
        return refuse_call(command, key == nullptr ? "publish without a name" : "createStream comes first");
    }
    StreamAddress address = stream_address(app_, tc_url_, *key);
    request_ = command.transaction;
    state_ = State::publish_asked;
    deadline_ = Instant::never();
    events_.emplace_back(PublishRequested{.name = std::move(address.name),
                                          .query = std::move(address.query),
                                          .app = std::move(address.app),
                                          .hops = hops_});
    return {};
}

Result<> Server::on_play(const Command& command) {
    if (!ready_for_stream(command)) {
        return {};
    }
    const std::string* key = command.text(1);
    if (state_ == State::connected || key == nullptr) {
        return refuse_call(command, key == nullptr ? "play without a name" : "createStream comes first");
    }
    StreamAddress address = stream_address(app_, tc_url_, *key);
    request_ = command.transaction;
    state_ = State::play_asked;
    deadline_ = Instant::never();
    events_.emplace_back(
        PlayRequested{.name = std::move(address.name), .query = std::move(address.query), .hops = hops_});
    return {};
}

Result<> Server::on_unpublish(const Command& command) {
    link_.send_result(command, {amf0::Null{}, amf0::Undefined{}});
    if (state_ != State::publishing && state_ != State::publish_asked) {
        ++counters_.commands_ignored;
        return {};
    }
    const auto gone = status("status", "NetStream.Unpublish.Success", "Stop publishing");
    link_.send(0, Command{"onFCUnpublish", 0, {amf0::Null{}, gone}});
    link_.send_status("status", "NetStream.Unpublish.Success", "Stop publishing");
    end_said();
    return {};
}

/// deleteStream names its stream, closeStream and publish(false) mean the one they are sent on.
Result<> Server::on_delete_stream(const Command& command) {
    const double* id = command.number(1);
    if (command.name == "deleteStream" && (id == nullptr || *id != the_stream_id)) {
        ++counters_.commands_ignored;
        return {};
    }
    switch (state_) {
        case State::stream_created: state_ = State::connected; break;
        case State::publishing:
            link_.send_status("status", "NetStream.Unpublish.Success", "Stop publishing");
            end_said();
            break;
        case State::publish_asked:
        case State::play_asked:
        case State::playing: end_said(); break;
        default: ++counters_.commands_ignored; break;
    }
    return {};
}

Result<> Server::on_pause(const Command& command) {
    const bool* paused = command.boolean(1);
    if (state_ != State::playing || paused == nullptr) {
        ++counters_.commands_ignored;
        return {};
    }
    link_.send_status("status", *paused ? "NetStream.Pause.Notify" : "NetStream.Unpause.Notify",
                      *paused ? "Paused" : "Playing");
    events_.emplace_back(Paused{*paused});
    return {};
}

/// Calls that clients make and that change nothing here: answered as they expect, so that none waits.
Result<> Server::on_courtesy(const Command& command) {
    if (command.name == "getStreamLength") {
        link_.send_result(command, {amf0::Null{}, 0});
        return {};
    }
    if (command.name == "_result" || command.name == "_error" || command.name == "onStatus") {
        ++counters_.commands_ignored;
        return {};
    }
    link_.send_result(command, {amf0::Null{}, amf0::Undefined{}});
    if (command.name == "FCPublish") {
        const auto begun = status("status", "NetStream.Publish.Start", "Started publishing");
        link_.send(0, Command{"onFCPublish", 0, {amf0::Null{}, begun}});
    } else if (command.name == "FCSubscribe") {
        const auto begun = status("status", "NetStream.Play.Start", "Started playing");
        link_.send(0, Command{"onFCSubscribe", 0, {amf0::Null{}, begun}});
    } else if (command.name != "releaseStream" && command.name != "_checkbw") {
        ++counters_.commands_ignored;
    }
    return {};
}

}   // namespace millrace::rtmp
