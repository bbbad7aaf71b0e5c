#pragma once

#include "control/report_json.hpp"
#include "hub/playback_report.hpp"

#include <string>

namespace millrace::control {

/// What a child that decodes is to do.
struct DecodeWishes {
    std::string sound;   ///< the card that plays the sound, by its ALSA name; "off" or empty: nobody hears it
    bool hardware = false;   ///< a video decoder of this machine's, if there is one
    bool at_once = false;    ///< nothing waits for what comes later, unless somebody hears it
};
/// "decode:?sound=default&hardware", as the child has it. Throws ConfigurationError for what is no name of a
/// card.
std::string decode_start(const DecodeWishes& wishes);

/// A stream that is received and what became of its pictures, as one object on one line: the stream's
/// document with `playback` added.
std::string playback_json(std::string_view stream_document, const hub::PlaybackReport& playback);

/// The same for a terminal: "30.0 fps shown  2.01 Mbit/s  latency 84 ms (capture)  late 0  lost 0". Where
/// there is no picture, it says why.
std::string playback_line(const hub::StreamReport& stream, const hub::PlaybackReport& playback);

/// Of a stream whose source came to its end: whether the last picture was shown, and its time is over. True
/// where there was none to show.
bool is_played_out(const hub::StreamReport& stream, const hub::PlaybackReport& playback);

}   // namespace millrace::control
