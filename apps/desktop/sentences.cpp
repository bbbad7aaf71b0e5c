#include "apps/desktop/sentences.hpp"

#include "control/playback_words.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace millrace::apps {

namespace {

constexpr std::string_view connecting = "connecting";

/// "rtsp://h/cam: nobody listens at that address and port"; reasons often name the place themselves.
std::string about(std::string_view place, std::string_view reason) {
    return reason.empty() || reason.find(place) != std::string_view::npos
               ? capital(reason)
               : fmt::format("{}: {}", place, reason);
}

std::optional<Sentence> of_source(const hub::StreamReport& stream) {
    if (stream.sources.empty()) {
        return std::nullopt;
    }
    const hub::SourceStatus& source = stream.sources.front();
    if (source.end == hub::SourceEnd::useless) {
        return Sentence{.mood = Mood::failed, .text = about(source.source, source.reason), .over = true};
    }
    if (source.state == hub::SourceState::live || source.end == hub::SourceEnd::finished) {
        return std::nullopt;
    }
    if (source.reason.empty() || source.reason == connecting) {
        return Sentence{.text = fmt::format("Opening {}", source.source)};
    }
    return Sentence{.mood = Mood::trouble,
                    .text = fmt::format("{}. It is tried again.", about(source.source, source.reason))};
}

bool finished(const hub::StreamReport& stream) {
    return !stream.sources.empty() && stream.sources.front().end == hub::SourceEnd::finished;
}

}   // namespace

std::string capital(std::string_view words) {
    std::string text{words};
    if (!text.empty() && text.front() >= 'a' && text.front() <= 'z') {
        text.front() = static_cast<char>(text.front() - 'a' + 'A');
    }
    return text;
}

std::string_view name(Mood mood) {
    constexpr std::array<std::string_view, 4> names{"calm", "good", "trouble", "failed"};
    return names[static_cast<std::size_t>(mood)];
}

Sentence sender_sentence(const hub::StreamReport& stream, const control::Audience& audience) {
    using State = hub::ForwardState;
    const auto& forwards = audience.forwards;
    if (const auto lost = std::ranges::find(forwards, true, &hub::ForwardReport::given_up);
        lost != forwards.end()) {
        return {.mood = Mood::failed, .text = about(lost->to, lost->reason), .over = true};
    }
    if (finished(stream)) {
        const bool sends = std::ranges::any_of(forwards, [](const hub::ForwardReport& one) {
            return one.state == State::live || one.state == State::connecting;
        });
        return {.text = "The source has come to its end.", .over = !sends};
    }
    if (const std::optional<Sentence> source = of_source(stream)) {
        return *source;
    }
    if (forwards.empty()) {
        return {.text = "Starting"};
    }
    const hub::ForwardReport& forward = forwards.front();
    if (forward.state == State::live) {
        return {.mood = Mood::good, .text = fmt::format("Sending to {}", forward.to)};
    }
    if (forward.state == State::broken) {
        return {.mood = Mood::trouble,
                .text = fmt::format("{}. It is tried again.", about(forward.to, forward.reason))};
    }
    return {.text = fmt::format("Connecting to {}", forward.to)};
}

Sentence receiver_sentence(const hub::StreamReport& stream, const hub::PlaybackReport& playback) {
    const std::string place = stream.sources.empty() ? std::string{} : stream.sources.front().source;
    if (finished(stream) && control::is_played_out(stream, playback)) {
        const bool from_here = place.starts_with("file:");
        return {
            .text = from_here ? "The file has come to its end." : "The stream is over. It is called again.",
            .over = true,
            .again = !from_here};
    }
    if (!playback.failed.empty()) {
        return {.mood = Mood::failed, .text = fmt::format("There is no picture: {}.", playback.failed)};
    }
    if (playback.dark.empty()) {
        const std::string silent = playback.silent.empty()
                                       ? std::string{}
                                       : fmt::format(". There is no sound: {}.", playback.silent);
        return {.mood = Mood::good, .text = fmt::format("Playing {}{}", place, silent)};
    }
    const std::optional<Sentence> source = of_source(stream);
    if (playback.received == 0) {
        return source.value_or(Sentence{.text = fmt::format("Opening {}", place)});
    }
    const bool why_too = source && source->mood != Mood::calm;
    return {.mood = Mood::trouble,
            .text = fmt::format("{}.{}{}", capital(playback.dark), why_too ? " " : "",
                                why_too ? source->text : std::string{}),
            .over = source && source->over};
}

}   // namespace millrace::apps
