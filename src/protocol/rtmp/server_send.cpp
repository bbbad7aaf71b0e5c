#include "protocol/rtmp/server.hpp"

#include <array>
#include <utility>

namespace millrace::rtmp {

namespace {

constexpr std::array<std::string_view, 3> video_kinds{"avc1", "hvc1", "av01"};
constexpr std::array<std::string_view, 3> audio_kinds{"mp4a", "Opus", ".mp3"};

/// What we can do with each (Enhanced RTMP v2, FourCcInfoMask): forward it.
template <std::size_t Count>
amf0::Value four_cc_map(const std::array<std::string_view, Count>& kinds) {
    constexpr int can_forward = 4;
    amf0::Members members;
    for (const std::string_view kind : kinds) {
        members.emplace_back(kind, can_forward);
    }
    return amf0::object(std::move(members));
}

/// Answers the questions of an enhanced client; others are told nothing they do not know.
void add_enhanced(const amf0::Value& object, amf0::Members& answer) {
    const bool maps = object.find("videoFourCcInfoMap") != nullptr ||
                      object.find("audioFourCcInfoMap") != nullptr || object.find("capsEx") != nullptr;
    if (object.find("fourCcList") != nullptr) {
        amf0::StrictArray list;
        list.values.insert(list.values.end(), video_kinds.begin(), video_kinds.end());
        list.values.insert(list.values.end(), audio_kinds.begin(), audio_kinds.end());
        answer.emplace_back("fourCcList", std::move(list));
    }
    if (maps) {
        answer.emplace_back("videoFourCcInfoMap", four_cc_map(video_kinds));
        answer.emplace_back("audioFourCcInfoMap", four_cc_map(audio_kinds));
        answer.emplace_back("capsEx", 0);   // no reconnect, multitrack, ModEx or nanoseconds
    }
}

struct Words {
    std::string_view publish;
    std::string_view play;
};

Words refusal_codes(Server::Refusal reason) {
    switch (reason) {
        case Server::Refusal::not_found:
            return {"NetStream.Publish.BadName", "NetStream.Play.StreamNotFound"};
        case Server::Refusal::exists: return {"NetStream.Publish.BadName", "NetStream.Play.Failed"};
        case Server::Refusal::denied: return {"NetStream.Publish.Denied", "NetStream.Play.Failed"};
        case Server::Refusal::unsupported:
            return {"NetStream.Publish.Denied", "NetStream.Play.NoSupportedTrackFound"};
    }
    return {"NetStream.Failed", "NetStream.Failed"};
}

}   // namespace

void Server::send_connected(const Command& command) {
    const amf0::Value& object = command.arguments.front();
    const double* encoding = object.find_number("objectEncoding");
    link_.send_window_acknowledgement_size(window_size);
    link_.send_set_peer_bandwidth(window_size);
    amf0::Members answer{{"level", "status"},
                         {"code", "NetConnection.Connect.Success"},
                         {"description", "Connection succeeded."},
                         {"objectEncoding", encoding != nullptr && *encoding == 3 ? 3 : 0}};
    add_enhanced(object, answer);
    // Clients look at the version only to tell Flash servers' ages apart.
    const auto properties = amf0::object({{"fmsVer", "FMS/3,5,1,516"}, {"capabilities", 31}, {"mode", 1}});
    link_.send(0, Command{"_result", command.transaction, {properties, amf0::object(std::move(answer))}});
}

void Server::accept_publish() {
    if (state_ != State::publish_asked) {
        return;
    }
    link_.send_user_control(UserControl::stream_begin, the_stream_id);
    link_.send_status("status", "NetStream.Publish.Start", "Started publishing");
    state_ = State::publishing;
    deadline_ = now_ + publisher_silence_max;
}

void Server::accept_play(const Hops& hops) {
    if (state_ != State::play_asked) {
        return;
    }
    link_.send_set_chunk_size(chunk_size_to_players);
    link_.send_user_control(UserControl::stream_begin, the_stream_id);
    link_.send_status("status", "NetStream.Play.Reset", "Playing and resetting stream.");
    amf0::Members started{
        {"level", "status"}, {"code", "NetStream.Play.Start"}, {"description", "Started playing."}};
    if (!hops.empty()) {
        started.emplace_back(Hops::header, hops.text());
    }
    link_.send(the_stream_id, Command{"onStatus", 0, {amf0::Null{}, amf0::object(std::move(started))}});
    link_.send_data({"|RtmpSampleAccess", true, true});
    state_ = State::playing;
    deadline_ = now_ + player_ping_interval;
}

void Server::refuse(Refusal reason, std::string_view text) {
    const Words codes = refusal_codes(reason);
    if (state_ == State::publish_asked || state_ == State::play_asked) {
        const std::string_view code = state_ == State::publish_asked ? codes.publish : codes.play;
        link_.send_status("error", code, text);
        if (reason == Refusal::unsupported) {
            link_.send_error(Command{"", request_, {}}, code, text);
        }
    }
    state_ = State::closed;
    deadline_ = Instant::never();
}

void Server::kick(std::string_view text) {
    if (state_ == State::publishing || state_ == State::playing) {
        link_.send_status("error", "NetConnection.Connect.Closed", text);
    }
    state_ = State::closed;
    deadline_ = Instant::never();
}

}   // namespace millrace::rtmp
