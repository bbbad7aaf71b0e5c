#include "protocol/http/answer.hpp"

#include "base/byte_writer.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace millrace::http {

namespace {

bool is_control(char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == '\x7F';
}

/// Whether one of the first eight characters may be one: below 0x20, or 0x7F.
bool may_begin_with_control(std::string_view eight_or_more) {
    constexpr std::uint64_t each = 0x0101'0101'0101'0101;
    std::uint64_t text = 0;
    std::memcpy(&text, eight_or_more.substr(0, sizeof text).data(), sizeof text);
    const std::uint64_t apart = text ^ (each * 0x7F);
    return ((((text - each * 0x20) & ~text) | ((apart - each) & ~apart)) & (each * 0x80)) != 0;
}

bool has_control_character(std::string_view text) {
    while (text.size() >= 8 && !may_begin_with_control(text)) {
        text.remove_prefix(8);
    }
    return std::ranges::any_of(text, is_control);
}

bool is_ours(std::string_view name) {
    return web::same_name(name, "Date") || web::same_name(name, "Connection") ||
           web::same_name(name, "Transfer-Encoding");
}

bool is_length(std::string_view name) {
    return web::same_name(name, "Content-Length");
}

/// 1xx, 204 and 304 have neither body nor length (RFC 9110 §6.4.1, §8.6).
bool has_no_body(int status) {
    return status < 200 || status == 204 || status == 304;
}

std::string_view decimal(std::uint64_t value, std::span<char, 20> digits) {
    return {digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr};
}

void write_status(ByteWriter& writer, int status) {
    std::array<char, 20> digits;
    writer.text("HTTP/1.1 ");
    writer.text(decimal(static_cast<std::uint64_t>(status), digits));
    writer.text(" ");
    writer.text(web::reason_phrase(status));
    writer.text("\r\n");
}

void write_header(ByteWriter& writer, std::string_view name, std::string_view value) {
    if (!name.empty() && !value.empty() && !has_control_character(name) && !has_control_character(value)) {
        std::array<char, 256> line;
        const std::size_t size = name.size() + value.size() + 4;
        if (size > line.size()) {
            writer.text(name);
            writer.text(": ");
            writer.text(value);
            writer.text("\r\n");
            return;
        }
        std::memcpy(line.data(), name.data(), name.size());
        std::memcpy(line.data() + name.size(), ": ", 2);
        std::memcpy(line.data() + name.size() + 2, value.data(), value.size());
        std::memcpy(line.data() + size - 2, "\r\n", 2);
        writer.text({line.data(), size});
    }
}

/// Empty where HTTP/1.1's default is meant. RFC 9110 §7.8: who says Upgrade says so here too.
std::string_view connection_text(int status, const Framing& framing) {
    if (status == 426) {
        return framing.keep_alive ? "upgrade" : "upgrade, close";
    }
    if (!framing.keep_alive) {
        return "close";
    }
    return framing.http_1_0 ? "keep-alive" : "";
}

}   // namespace

bool write_head(std::vector<std::byte>& out, const web::Response& response, const Framing& framing) {
    ByteWriter writer{out};
    write_status(writer, response.status);
    write_header(writer, "Date", date_text(framing.utc));
    bool length_said = has_no_body(response.status);
    for (const auto& [name, value] : response.headers) {
        const bool for_head = is_length(name) && framing.head_only && !length_said;
        length_said = length_said || for_head;
        if (for_head || (!is_ours(name) && !is_length(name))) {
            write_header(writer, name, value);
        }
    }
    writer.bytes(response.header_lines);
    // For HEAD an empty body means that GET's length is not known here, not that it is 0.
    if (!length_said && !(framing.head_only && response.body.empty())) {
        std::array<char, 20> digits;
        write_header(writer, "Content-Length", decimal(response.body.size(), digits));
    }
    write_header(writer, "Connection", connection_text(response.status, framing));
    writer.text("\r\n");
    return !framing.head_only && !has_no_body(response.status) && !response.body.empty();
}

Bytes header_lines(const std::vector<web::Header>& headers) {
    std::vector<std::byte> out;
    ByteWriter writer{out};
    for (const auto& [name, value] : headers) {
        if (!is_ours(name) && !is_length(name)) {
            write_header(writer, name, value);
        }
    }
    return Bytes{std::move(out)};
}

std::vector<std::byte> switching_head(const std::vector<web::Header>& headers) {
    std::vector<std::byte> out;
    ByteWriter writer{out};
    write_status(writer, 101);
    for (const auto& [name, value] : headers) {
        write_header(writer, name, value);
    }
    writer.text("\r\n");
    return out;
}

std::vector<std::byte> streaming_head(int status, const std::vector<web::Header>& headers) {
    std::vector<std::byte> out;
    ByteWriter writer{out};
    write_status(writer, status);
    for (const auto& [name, value] : headers) {
        if (!is_length(name) && (!is_ours(name) || web::same_name(name, "Date"))) {
            write_header(writer, name, value);
        }
    }
    write_header(writer, "Connection", "close");
    writer.text("\r\n");
    return out;
}

std::string date_text(WallTime utc) {
    constexpr std::array week{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    constexpr std::array year{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const std::chrono::sys_seconds at{std::chrono::seconds{utc.seconds()}};
    const auto midnight = std::chrono::floor<std::chrono::days>(at);
    const std::chrono::year_month_day date{midnight};
    const std::chrono::hh_mm_ss clock{at - midnight};
    std::string text{"Www, dd Mmm yyyy hh:mm:ss GMT"};
    const auto put = [&](std::size_t at, std::size_t count, std::int64_t number) {
        for (; count > 0; --count, number /= 10) {
            text[at + count - 1] = static_cast<char>('0' + number % 10);
        }
    };
    text.replace(0, 3, week[std::chrono::weekday{midnight}.c_encoding()]);
    put(5, 2, unsigned{date.day()});
    text.replace(8, 3, year[unsigned{date.month()} - 1]);
    put(12, 4, std::clamp(int{date.year()}, 0, 9999));
    put(17, 2, clock.hours().count());
    put(20, 2, clock.minutes().count());
    put(23, 2, clock.seconds().count());
    return text;
}

}   // namespace millrace::http
