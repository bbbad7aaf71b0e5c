#include "protocol/sdp/description.hpp"

#include "base/web.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace millrace::sdp {

namespace {

constexpr std::string_view capture_time_uri = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time";

std::string_view trimmed(std::string_view text) {
    const std::size_t from = text.find_first_not_of(" \t");
    return from == std::string_view::npos ? std::string_view{}
                                          : text.substr(from, text.find_last_not_of(" \t") - from + 1);
}

/// The text up to a separator, which is taken off the front of `rest` with it.
std::string_view cut(std::string_view& rest, std::string_view separators) {
    const std::size_t end = std::min(rest.find_first_of(separators), rest.size());
    const std::string_view front = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return front;
}

std::string_view word(std::string_view& rest) {
    rest = trimmed(rest);
    return cut(rest, " \t");
}

/// The number at the front; whatever follows it is not looked at.
template <class T>
std::optional<T> number(std::string_view text) {
    T value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} ? std::optional{value} : std::nullopt;
}

std::string printable(std::string_view text) {
    std::string out;
    for (const char c : text.substr(0, 80)) {
        out += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c;
    }
    return out;
}

/// Takes lines one by one.
class Reader {
public:
    void take(char type, std::string_view value);
    Description finish();

private:
    void take_media(std::string_view value);
    void take_connection(std::string_view value);
    void take_attribute(std::string_view value);
    void take_format_attribute(std::string_view name, std::string_view value);
    void take_media_attribute(std::string_view name, std::string_view value);
    static void take_map(Format& format, std::string_view value);
    void take_size(std::string_view value, std::string_view separators);
    void take_feedback(std::string_view value);
    void remark(std::string words);
    Media* current() { return in_media_ ? &description_.media.back() : nullptr; }
    bool repeats(const Media& media) const;

    Description description_;
    bool in_media_ = false;
    bool left_out_ = false;   // the media line under way is not used
};

void Reader::remark(std::string words) {
    if (description_.remarks.size() < remarks_max) {
        description_.remarks.push_back(std::move(words));
    }
}

// m= kind port["/" count] protocol format…
void Reader::take_media(std::string_view value) {
    in_media_ = false;
    left_out_ = true;
    const std::string line = printable(value);
    Media media;
    media.kind = printable(word(value));
    media.port = number<std::uint16_t>(word(value)).value_or(0);
    media.protocol = printable(word(value));
    while (!trimmed(value).empty() && media.formats.size() < formats_per_media_max) {
        const std::optional<unsigned> type = number<unsigned>(word(value));
        if (type && *type < 128) {
            media.formats.push_back(
                {.payload_type = static_cast<std::uint8_t>(*type), .encoding = {}, .parameters = {}});
        }
    }
    if (media.formats.empty()) {
        remark(fmt::format("\"m={}\" names no RTP payload", line));
    } else if (description_.media.size() == media_max) {
        remark(fmt::format("\"m={}\" is beyond {} media lines", line, media_max));
    } else {
        description_.media.push_back(std::move(media));
        in_media_ = true;
        left_out_ = false;
    }
}

// c= IN IP4 address[/ttl]
void Reader::take_connection(std::string_view value) {
    word(value);
    word(value);
    std::string_view address = word(value);
    std::string& place = current() != nullptr ? current()->connection : description_.connection;
    place = printable(cut(address, "/"));
}

// a=rtpmap: encoding/clock[/channels]
void Reader::take_map(Format& format, std::string_view value) {
    value = trimmed(value);
    format.encoding = printable(trimmed(cut(value, "/")));
    format.clock_rate = number<std::uint32_t>(trimmed(cut(value, "/"))).value_or(0);
    format.channels = number<std::uint16_t>(trimmed(value)).value_or(1);
}

void Reader::take_format_attribute(std::string_view name, std::string_view value) {
    const std::optional<unsigned> type = number<unsigned>(word(value));
    std::vector<Format>& formats = current()->formats;
    const auto format =
        std::ranges::find_if(formats, [&](const Format& one) { return one.payload_type == type; });
    if (format == formats.end()) {
        return;
    }
    if (web::same_name(name, "rtpmap")) {
        take_map(*format, value);
        return;
    }
    if (web::same_name(name, "framesize")) {
        take_size(value, "-");
        return;
    }
    value = trimmed(value);
    if (format->parameters.size() + value.size() < parameters_size_max) {
        format->parameters += format->parameters.empty() ? "" : ";";
        format->parameters += value;
    } else {
        remark("parameters that are too long were left out");
    }
}

void Reader::take_size(std::string_view value, std::string_view separators) {
    value = trimmed(value);
    current()->width = number<std::uint32_t>(trimmed(cut(value, separators))).value_or(0);
    current()->height = number<std::uint32_t>(trimmed(value)).value_or(0);
}

// RFC 4585 §4.2, RFC 5104 §7.1: payload type or "*", then "nack pli" or "ccm fir"
void Reader::take_feedback(std::string_view value) {
    word(value);
    const std::string_view kind = word(value);
    const std::string_view of = word(value);
    current()->picture_loss = current()->picture_loss || (kind == "nack" && of == "pli");
    current()->full_intra = current()->full_intra || (kind == "ccm" && of == "fir");
}

void Reader::take_media_attribute(std::string_view name, std::string_view value) {
    if (web::same_name(name, "rtpmap") || web::same_name(name, "fmtp") || web::same_name(name, "framesize")) {
        take_format_attribute(name, value);
    } else if (web::same_name(name, "x-dimensions")) {
        take_size(value, ",");
    } else if (web::same_name(name, "sendonly")) {
        current()->back_channel = true;
    } else if (web::same_name(name, "rtcp-fb")) {
        take_feedback(value);
    } else if (web::same_name(name, "extmap")) {
        // RFC 8285 §8: id["/" direction] uri
        const std::optional<unsigned> id = number<unsigned>(word(value));
        if (id && *id > 0 && *id < 256 && trimmed(value) == capture_time_uri) {
            current()->capture_time_id = static_cast<std::uint8_t>(*id);
        }
    }
}

void Reader::take_attribute(std::string_view value) {
    const std::string_view name = trimmed(cut(value, ":"));
    if (left_out_) {
        return;
    }
    if (web::same_name(name, "control")) {
        (current() != nullptr ? current()->control : description_.control) = trimmed(value);
    } else if (web::same_name(name, "range") && current() == nullptr) {
        description_.range = trimmed(value);
    } else if (current() != nullptr) {
        take_media_attribute(name, value);
    }
}

void Reader::take(char type, std::string_view value) {
    switch (type) {
        case 's': description_.title = printable(trimmed(value)); break;
        case 'c': take_connection(value); break;
        case 'm': take_media(value); break;
        case 'a': take_attribute(value); break;
        default: break;   // v, o, t, b and the rest tell us nothing that we use
    }
}

/// Some cameras say the same stream twice.
bool Reader::repeats(const Media& media) const {
    const Media* const first =
        std::to_address(std::ranges::find_if(description_.media, [&](const Media& one) {
            return one.kind == media.kind && one.control == media.control && !one.control.empty();
        }));
    return first != &media;
}

Description Reader::finish() {
    std::vector<Media> kept;
    for (const Media& media : description_.media) {
        const bool named = !media.control.empty();
        if (named && repeats(media)) {
            remark(fmt::format("a second {} line with control \"{}\" was left out", media.kind,
                               printable(media.control)));
        } else {
            kept.push_back(media);
        }
    }
    description_.media = std::move(kept);
    return std::move(description_);
}

/// Text for a line of ours.
std::string line_text(std::string_view text) {
    std::string out;
    std::ranges::copy_if(text, std::back_inserter(out),
                         [](char c) { return static_cast<unsigned char>(c) >= 0x20; });
    return out;
}

/// a=extmap (RFC 8285 §8)
void write_extensions(std::string& out, const Media& media) {
    if (media.capture_time_id != 0) {
        out += fmt::format("a=extmap:{} {}\r\n", media.capture_time_id, capture_time_uri);
    }
}

void write_format(std::string& out, const Format& format) {
    if (!format.encoding.empty()) {
        out += fmt::format("a=rtpmap:{} {}/{}", format.payload_type, line_text(format.encoding),
                           format.clock_rate);
        out += format.channels > 1 ? fmt::format("/{}\r\n", format.channels) : "\r\n";
    }
    if (!format.parameters.empty()) {
        out += fmt::format("a=fmtp:{} {}\r\n", format.payload_type, line_text(format.parameters));
    }
}

}   // namespace

Result<Description> read(std::string_view text) {
    if (text.size() > text_size_max) {
        return fail(Errc::exhausted, "a session description beyond 64 KiB");
    }
    Reader reader;
    while (!text.empty()) {
        const std::string_view line = trimmed(cut(text, std::string_view{"\r\n\0", 3}));
        if (line.size() >= 2 && line[1] == '=') {
            reader.take(line[0], line.substr(2));
        }
    }
    Description description = reader.finish();
    if (description.media.empty()) {
        return fail(Errc::malformed, "a session description without a usable media line");
    }
    return description;
}

// RFC 8866 §5: v, o, s, c, t, then attributes, then media
std::string write(const Description& description) {
    const std::string title = line_text(description.title);
    const std::string address = line_text(description.connection);
    std::string out = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n";
    out += fmt::format("s={}\r\n", title.empty() ? "-" : title);
    out += fmt::format("c=IN {} {}\r\n", address.find(':') == std::string::npos ? "IP4" : "IP6",
                       address.empty() ? "0.0.0.0" : address);
    out += "t=0 0\r\n";
    if (!description.control.empty()) {
        out += fmt::format("a=control:{}\r\n", line_text(description.control));
    }
    if (!description.range.empty()) {
        out += fmt::format("a=range:{}\r\n", line_text(description.range));
    }
    for (const Media& media : description.media) {
        out += fmt::format("m={} {} {}", line_text(media.kind), media.port, line_text(media.protocol));
        for (const Format& format : media.formats) {
            out += fmt::format(" {}", format.payload_type);
        }
        out += "\r\n";
        for (const Format& format : media.formats) {
            write_format(out, format);
        }
        write_extensions(out, media);
        if (!media.control.empty()) {
            out += fmt::format("a=control:{}\r\n", line_text(media.control));
        }
    }
    return out;
}

std::string resolve_control(std::string_view base, std::string_view control) {
    if (control.empty() || control == "*") {
        return std::string{base};
    }
    const auto absolute = [control](std::string_view scheme) {
        return control.size() > scheme.size() && web::same_name(control.substr(0, scheme.size()), scheme);
    };
    if (absolute("rtsp://") || absolute("rtsps://") || absolute("rtspu://")) {
        return std::string{control};
    }
    std::string url{base};
    if (!url.empty() && url.back() == '/') {
        url.pop_back();
    }
    url += control.front() == '/' ? "" : "/";
    url += control;
    return url;
}

}   // namespace millrace::sdp
