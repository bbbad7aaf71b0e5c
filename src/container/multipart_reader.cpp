#include "container/multipart_reader.hpp"

#include "container/multipart_muxer.hpp"

#include <algorithm>
#include <charconv>

namespace millrace::multipart {

namespace {

constexpr double seconds_max = 1e11;   // year 5138: what is later is no Unix time

std::string lower(std::string_view text) {
    std::string made;
    std::ranges::transform(text, std::back_inserter(made), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
    });
    return made;
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blank = " \t\r";
    text.remove_prefix(std::min(text.find_first_not_of(blank), text.size()));
    return text.substr(0, text.find_last_not_of(blank) + 1);
}

template <class Number>
std::optional<Number> number(std::string_view text) {
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size() ? std::optional{value} : std::nullopt;
}

/// Where an empty line ends, and with it a header; npos while there is none.
std::size_t end_of_header(std::string_view text) {
    if (text.starts_with("\r\n") || text.starts_with('\n')) {
        return text.front() == '\n' ? 1 : 2;
    }
    for (std::size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1)) {
        const std::string_view behind = text.substr(at + 1, 2);
        if (behind.starts_with('\n') || behind == "\r\n") {
            return at + 1 + (behind.front() == '\n' ? 1 : 2);
        }
    }
    return std::string_view::npos;
}

}   // namespace

ContentType read_content_type(std::string_view text) {
    const std::size_t semicolon = text.find(';');
    ContentType content{lower(trimmed(text.substr(0, semicolon))), {}};
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(';'), text.size());
        const std::string_view field = trimmed(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        const std::size_t equals = field.find('=');
        if (equals == std::string_view::npos || lower(trimmed(field.substr(0, equals))) != "boundary") {
            continue;
        }
        std::string_view value = trimmed(field.substr(equals + 1));
        if (value.size() >= 2 && value.starts_with('"') && value.ends_with('"')) {
            value = value.substr(1, value.size() - 2);
        }
        content.boundary = value;
    }
    return content;
}

Result<Reader> Reader::make(std::string_view boundary) {
    if (boundary.empty() || boundary.size() > boundary_max ||
        boundary.find_first_of("\r\n") != std::string_view::npos) {
        return fail(Errc::malformed, "the multipart answer names no usable boundary");
    }
    return Reader{"--" + std::string{boundary}};
}

Result<> Reader::receive(ByteSpan bytes) {
    if (state_ == State::ended) {
        return {};
    }
    if (begin_ > 0) {
        buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(begin_));
        begin_ = 0;
    }
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
    while (!error_ && step()) {
    }
    return error_ ? Result<>{std::unexpected(*error_)} : Result<>{};
}

std::optional<Part> Reader::next() {
    if (parts_.empty()) {
        return std::nullopt;
    }
    Part part = std::move(parts_.front());
    parts_.pop_front();
    return part;
}

bool Reader::unpublished() const {
    constexpr std::size_t looked_through_max = 256;   // what says so stands first
    const std::string_view text = state_ == State::header ? rest().substr(0, looked_through_max) : "";
    const std::size_t colon = std::min(text.find(':'), text.size());
    const std::size_t end = text.find('\n');
    return end != std::string_view::npos && colon < end &&
           lower(trimmed(text.substr(0, colon))) == lower(publisher_field) &&
           lower(trimmed(text.substr(colon + 1, end - colon - 1))) == publisher_ended;
}

bool Reader::step() {
    switch (state_) {
        case State::preamble: return seek_first();
        case State::header: return read_header();
        case State::sized: return read_sized();
        case State::unsized: return read_unsized();
        case State::between: return read_between();
        case State::ended: break;
    }
    return false;
}

bool Reader::stop(Errc code, std::string_view what) {
    error_ = Error{code, what};
    return false;
}

bool Reader::seek_first() {
    const std::string_view text = rest().substr(0, preamble_max);
    // Some devices write the boundary's parameter with the two dashes that stand before it on its line.
    const std::string_view bare = std::string_view{delimiter_}.substr(2);
    const std::size_t whole = text.find(delimiter_);
    const std::size_t doubled = bare.starts_with("--") ? text.find(bare) : std::string_view::npos;
    const std::size_t found = std::min(whole, doubled);
    if (found == std::string_view::npos || found + delimiter_.size() + 2 > text.size()) {
        return text.size() < preamble_max ? false
                                          : stop(Errc::exhausted, "no boundary of the multipart answer came");
    }
    if (doubled < whole) {
        delimiter_.erase(0, 2);
    }
    drop(found);
    state_ = State::between;
    return true;
}

bool Reader::read_between() {
    constexpr std::size_t blank_max = 8;
    constexpr std::string_view no_boundary = "a part of the multipart answer is not followed by its boundary";
    const std::size_t blank = std::min(rest().find_first_not_of("\r\n"), rest().size());
    const std::string_view text = rest().substr(blank, delimiter_.size() + header_max);
    const std::string_view front = text.substr(0, delimiter_.size());
    if (blank > blank_max || front != std::string_view{delimiter_}.substr(0, front.size())) {
        return stop(Errc::malformed, no_boundary);
    }
    if (text.substr(front.size()).starts_with("--")) {
        state_ = State::ended;
        return false;
    }
    const std::size_t line = text.find('\n');
    if (line == std::string_view::npos) {
        return text.size() < delimiter_.size() + header_max
                   ? false
                   : stop(Errc::exhausted, "a header of the multipart answer is too long");
    }
    if (!trimmed(text.substr(front.size(), line - front.size())).empty()) {
        return stop(Errc::malformed, no_boundary);
    }
    drop(blank + line + 1);
    state_ = State::header;
    return true;
}

bool Reader::read_header() {
    const std::string_view text = rest();
    const std::size_t end = end_of_header(text.substr(0, header_max));
    if (end == std::string_view::npos) {
        return text.size() >= header_max
                   ? stop(Errc::exhausted, "a header of the multipart answer is too long")
                   : false;
    }
    part_ = Part{};
    std::optional<std::size_t> length;
    std::string_view lines = text.substr(0, end);
    while (!lines.empty()) {
        const std::size_t line_end = std::min(lines.find('\n'), lines.size());
        const std::string_view line = lines.substr(0, line_end);
        lines.remove_prefix(std::min(line_end + 1, lines.size()));
        const std::size_t colon = std::min(line.find(':'), line.size());
        const std::string name = lower(trimmed(line.substr(0, colon)));
        const std::string_view value = trimmed(line.substr(std::min(colon + 1, line.size())));
        if (name == "content-length") {
            length = number<std::size_t>(value);
            if (!length || *length > body_max) {
                return stop(Errc::exhausted, "a part of the multipart answer is larger than 8 MiB");
            }
        } else if (name == "content-type") {
            part_.type = read_content_type(value).type;
        } else if (name == "x-timestamp") {
            part_.timestamp = number<double>(value);
            if (part_.timestamp && !(*part_.timestamp > 0 && *part_.timestamp < seconds_max)) {
                part_.timestamp.reset();
            }
        } else if (name == "x-timestamp-origin") {
            part_.origin = media::capture_label_of(value).value_or(part_.origin);
        }
    }
    drop(end);
    searched_ = 0;
    length_ = length.value_or(0);
    // Some devices say 0 for what they do not know yet.
    state_ = length_ > 0 ? State::sized : State::unsized;
    return true;
}

void Reader::give(std::size_t size) {
    part_.body = Bytes::copy(rest().substr(0, size));
    drop(size);
    parts_.push_back(std::move(part_));
    state_ = State::between;
}

bool Reader::read_sized() {
    if (rest().size() < length_) {
        return false;
    }
    give(length_);
    return true;
}

bool Reader::at_delimiter(std::size_t after) {
    const std::string_view behind = rest().substr(std::min(after, rest().size()));
    return behind.starts_with("--") || behind.starts_with('\n') || behind.starts_with("\r\n");
}

bool Reader::read_unsized() {
    const std::string delimiter = '\n' + delimiter_;
    const std::size_t most = body_max + delimiter.size() + 2;
    const std::string_view text = rest().substr(0, most);
    for (;;) {
        const std::size_t found = text.find(delimiter, searched_);
        if (found == std::string_view::npos || found + delimiter.size() + 2 > text.size()) {
            // The delimiter may have begun.
            searched_ = std::max(searched_, text.size() - std::min(text.size(), delimiter.size() + 1));
            return text.size() < most
                       ? false
                       : stop(Errc::exhausted, "a part of the multipart answer is larger than 8 MiB");
        }
        if (at_delimiter(found + delimiter.size())) {
            give(found > 0 && text[found - 1] == '\r' ? found - 1 : found);
            return true;
        }
        searched_ = found + 1;
    }
}

}   // namespace millrace::multipart
