#pragma once

#include "base/block_log.hpp"
#include "media/access_unit.hpp"
#include "media/timed_message.hpp"
#include "protocol/ws/frame.hpp"

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace millrace::ws {

/// Whether text messages go with the media. Players of FLV and TS take any text for an error; our page, which
/// plays MP4, needs to be told what comes; pictures need no more than their end.
enum class Words : std::uint8_t { none, json, ends };

/// `{"t":"tracks","type":"video/mp4; codecs=\"…\"","tracks":[…]}`: what follows, and the type to play it
/// with.
std::string tracks_text(std::string_view type, std::span<const media::Track> tracks);
constexpr std::string_view waiting_text = R"({"t":"waiting"})";   ///< the publisher left; another may follow
/// The same of pictures, which have no word for a publisher's end inside.
constexpr std::string_view ended_text = R"({"t":"waiting","publisher":"ended"})";
constexpr std::string_view end_text = R"({"t":"end"})";   ///< nothing follows

/// A whole text frame.
std::vector<std::byte> text_frame(std::string_view text);

/// Muxer M as a server sends it over WebSockets: each of its messages, and what it says first, is a binary
/// message; text messages (JSON) tell of tracks and ends; the last is a close. M writes by BlockLog::message
/// alone, and with all words its resume() begins a period. Owned by a derived feed, on its home worker.
template <class M>
class Framed {
public:
    /// `type` is a literal: "video/mp4".
    Framed(M muxer, std::string_view type, Words words)
        : muxer_{std::move(muxer)}, type_{type}, words_{words} {}

    bool carries(const media::Track& track) const { return muxer_.carries(track); }

    bool configure(std::span<const media::Track> tracks, BlockLog& log, Instant now) {
        log.frame_messages(binary_head);
        if (words_ == Words::json) {
            tracks_text_ = tracks_text(type_, tracks);
            say(tracks_text_, log, now);
        }
        const bool said = muxer_.configure(tracks, log, now);
        if (!said) {
            say_close(CloseCode::service_restart, log, now);
        }
        return said;
    }
    void write(const media::AccessUnit& unit, BlockLog& log, Instant now) { muxer_.write(unit, log, now); }
    /// As text where there are words, else as the format has it.
    void message(const media::TimedMessage& message, BlockLog& log, Instant now) {
        if (words_ == Words::json) {
            say(media::message_text("t", {}, message), log, now);
        } else if constexpr (requires { muxer_.message(message, log, now); }) {
            muxer_.message(message, log, now);
        }
    }
    void expect_messages(media::TimedMessage::Kind kind) {
        if constexpr (requires { muxer_.expect_messages(kind); }) {
            muxer_.expect_messages(kind);
        }
    }
    void unpublished(BlockLog& log, Instant now) {
        muxer_.unpublished(log, now);
        say(words_ == Words::ends ? ended_text : waiting_text, log, now);
    }
    void lost(BlockLog& log, Instant now) { say(waiting_text, log, now); }
    void end(BlockLog& log, Instant now) {
        muxer_.end(log, now);
        say(end_text, log, now);
        say_close(CloseCode::normal, log, now);
    }

    /// With words everything comes by resume(), so that a reader that skipped a change hears of it too.
    Bytes lead(std::span<const media::Track> tracks) const {
        std::vector<std::byte> out;
        if (words_ != Words::json) {
            append_message(out, muxer_.lead(tracks));
        }
        return Bytes{std::move(out)};
    }
    Bytes resume() const {
        std::vector<std::byte> out;
        if (words_ == Words::json) {
            out = text_frame(tracks_text_);
        }
        append_message(out, muxer_.resume());
        return Bytes{std::move(out)};
    }

private:
    void say(std::string_view text, BlockLog& log, Instant now) const {
        if (words_ != Words::none) {
            log.append(text_frame(text));
            log.end_message(now);
        }
    }
    static void say_close(CloseCode code, BlockLog& log, Instant now) {
        std::vector<std::byte> frame;
        append_close(frame, code);
        log.append(frame);
        log.end_message(now);
    }
    static void append_message(std::vector<std::byte>& out, ByteSpan message) {
        if (!message.empty()) {
            append_frame(out, {.opcode = Opcode::binary}, message);
        }
    }

    M muxer_;
    std::string_view type_;
    Words words_;
    std::string tracks_text_;   // of the period
};

}   // namespace millrace::ws
