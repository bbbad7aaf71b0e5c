#pragma once

#include "control/report_json.hpp"
#include "hub/playback_report.hpp"

#include <string>

namespace millrace::apps {

/// calm: nothing runs, or it begins. good: it works. trouble: it does not, and is tried again. failed: it
/// needs somebody.
enum class Mood : std::uint8_t { calm, good, trouble, failed };
std::string_view name(Mood mood);
/// "the sender was lost" as the beginning of a sentence.
std::string capital(std::string_view words);

/// What a window says in its one line, and what follows from it.
struct Sentence {
    Mood mood = Mood::calm;
    std::string text;
    bool over = false;    ///< there is no use in going on
    bool again = false;   ///< but there is in beginning anew, a moment later

    bool operator==(const Sentence&) const = default;
};

/// Of a node that sends its stream to one destination.
Sentence sender_sentence(const hub::StreamReport& stream, const control::Audience& audience);
/// Of a node that plays one address.
Sentence receiver_sentence(const hub::StreamReport& stream, const hub::PlaybackReport& playback);

}   // namespace millrace::apps
