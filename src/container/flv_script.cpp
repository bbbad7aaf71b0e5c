#include "container/flv_script.hpp"

#include "container/amf0.hpp"
#include "container/flv_body.hpp"
#include "media/capture_sei.hpp"
#include "media/nal.hpp"

#include <cmath>

namespace millrace::flv {
namespace {

std::uint32_t side(const amf0::Value& said, std::string_view name) {
    const double* number = said.find_number(name);
    // Written so that NaN is no side either.
    const bool believable = number != nullptr && *number >= 1 && *number <= media::picture_side_max;
    return believable ? static_cast<std::uint32_t>(*number) : 0;
}

/// Whether a kind of track is announced: by the flag that says so, else by its codec (0 and "" mean none),
/// else by a property that only such a track has.
bool announced(const amf0::Value& said, std::string_view flag, std::string_view codec,
               std::string_view property) {
    if (const amf0::Value* value = said.find(flag); value != nullptr && value->boolean() != nullptr) {
        return *value->boolean();
    }
    if (const double* number = said.find_number(codec)) {
        return *number != 0;
    }
    if (const std::string* text = said.find_text(codec)) {
        return !text->empty();
    }
    return said.find(property) != nullptr;
}

Metadata interpret(Bytes body, const amf0::Value& said) {
    Metadata metadata;
    metadata.body = std::move(body);
    metadata.video = announced(said, "hasVideo", "videocodecid", "width");
    metadata.audio = announced(said, "hasAudio", "audiocodecid", "audiosamplerate");
    metadata.width = side(said, "width");
    metadata.height = side(said, "height");
    const double* rate = said.find_number("framerate");
    if (rate != nullptr && *rate > 0 && *rate <= media::frame_rate_max) {
        metadata.frame_rate = *rate;
    }
    if (const std::string* encoder = said.find_text("encoder")) {
        metadata.encoder = encoder->substr(0, encoder_name_max);
    }
    return metadata;
}

std::vector<std::byte> script(std::string_view name, amf0::Members members) {
    std::vector<std::byte> body;
    ByteWriter writer{body};
    amf0::write(writer, name);
    amf0::write(writer, amf0::ecma_array(std::move(members)));
    return body;
}

std::optional<media::CaptureTime::Label> label_of(std::string_view written) {
    using Label = media::CaptureTime::Label;
    for (const Label label : {Label::arrival, Label::sender, Label::capture}) {
        if (written == name(label)) {
            return label;
        }
    }
    return std::nullopt;
}

}   // namespace

std::optional<CaptureCue> read_capture_cue(const Bytes& body) {
    if (body.size() > script_bytes_max) {
        return std::nullopt;
    }
    ByteReader reader{body};
    const Result<amf0::Value> title = amf0::read(reader);
    if (!title || title->text() == nullptr || *title->text() != "onCuePoint") {
        return std::nullopt;
    }
    const Result<amf0::Value> said = amf0::read(reader);
    const std::string* const kind = said ? said->find_text("name") : nullptr;
    const amf0::Value* const parameters = said ? said->find("parameters") : nullptr;
    if (kind == nullptr || *kind != "capture-time" || parameters == nullptr) {
        return std::nullopt;
    }
    const double* const utc = parameters->find_number("utc");
    const double* const dts = parameters->find_number("dts");
    const std::string* const word = parameters->find_text("label");
    const auto label = word != nullptr ? label_of(*word) : std::nullopt;
    constexpr double dts_max = 1e15;
    // Written so that NaN is no time either.
    const bool believable = utc != nullptr && dts != nullptr && label &&
                            *utc * 1000 >= static_cast<double>(media::capture_utc_min.microseconds) &&
                            *utc * 1000 <= static_cast<double>(media::capture_utc_max.microseconds) &&
                            *dts >= 0 && *dts <= dts_max;
    if (!believable) {
        return std::nullopt;
    }
    return CaptureCue{static_cast<std::int64_t>(*dts), {{std::llround(*utc * 1000)}, *label}};
}

Result<std::optional<Metadata>> read_script(const Bytes& body) {
    if (body.size() > script_bytes_max) {
        return fail(Errc::exhausted, "a script tag is larger than 64 KiB");
    }
    ByteReader reader{body};
    std::size_t begin = 0;
    Result<amf0::Value> name = amf0::read(reader);
    if (name && name->text() != nullptr && *name->text() == "@setDataFrame") {
        begin = body.size() - reader.remaining();
        name = amf0::read(reader);
    }
    if (!name) {
        return std::unexpected(name.error());
    }
    if (name->text() == nullptr || *name->text() != "onMetaData") {
        return std::nullopt;
    }
    const Result<amf0::Value> said = amf0::read(reader);
    if (!said) {
        return std::unexpected(said.error());
    }
    return interpret(body.slice(begin, body.size() - begin), *said);
}

std::vector<std::byte> metadata_body(const media::Track* video, const media::Track* audio) {
    amf0::Members members{{"hasVideo", video != nullptr}, {"hasAudio", audio != nullptr}};
    if (video != nullptr && video->config != nullptr) {
        const media::TrackConfig& config = *video->config;
        members.emplace_back("videocodecid", codec_id(config.codec));
        if (config.width != 0 && config.height != 0) {
            members.emplace_back("width", config.width);
            members.emplace_back("height", config.height);
        }
        if (config.frame_rate > 0) {
            members.emplace_back("framerate", config.frame_rate);
        }
    }
    if (audio != nullptr && audio->config != nullptr) {
        const media::TrackConfig& config = *audio->config;
        members.emplace_back("audiocodecid", codec_id(config.codec));
        members.emplace_back("audiosamplerate", config.sample_rate);
        members.emplace_back("audiosamplesize", 16);
        members.emplace_back("audiochannels", config.channels);
        members.emplace_back("stereo", config.channels > 1);
    }
    members.emplace_back("encoder", "Millrace");
    return script("onMetaData", std::move(members));
}

std::vector<std::byte> time_body(const media::AccessUnit& unit) {
    const double utc_ms = static_cast<double>(unit.capture.utc.microseconds) / 1000;
    const double seconds = static_cast<double>(unit.dts_ms()) / 1000;
    return script(
        "onCuePoint",
        {{"name", "capture-time"},
         {"type", "event"},
         {"time", seconds},
         {"parameters",
          amf0::ecma_array({{"utc", utc_ms}, {"dts", unit.dts_ms()}, {"label", name(unit.capture.label)}})}});
}

}   // namespace millrace::flv
