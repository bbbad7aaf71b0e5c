#include "base/secret.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace millrace {

namespace {

constexpr std::string_view mask = "***";
constexpr std::array<std::string_view, 14> keys{
    "token",    "pass",   "password",   "passwd",    "pwd",    "psw",      "userpwd",
    "loginpas", "secret", "passphrase", "authbasic", "apikey", "millrace", "authorization"};
/// What stands beside a password in paths that join their parts by '_'.
constexpr std::array<std::string_view, 8> parts{"user",   "username", "channel", "ch",
                                                "stream", "subtype",  "onvif",   "tcp"};
constexpr std::size_t key_size_max = 13;

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_word(char c) {
    return is_letter(c) || (c >= '0' && c <= '9');
}

bool is_space(char c) {
    return static_cast<unsigned char>(c) <= ' ';
}

bool is_one_of(std::span<const std::string_view> words, std::string_view word) {
    return std::ranges::any_of(words, [word](std::string_view one) {
        return std::ranges::equal(word, one, {}, [](char c) {
            return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
        });
    });
}

/// Whether "_channel=" or the like stands at `at`: some cameras join the parts of a path so. Any other "_x="
/// may be of the password.
bool begins_part(std::string_view text, std::size_t at) {
    std::size_t end = at + 1;
    while (end < text.size() && end - at <= key_size_max && is_letter(text[end])) {
        ++end;
    }
    return text[at] == '_' && end < text.size() && text[end] == '=' &&
           is_one_of(parts, text.substr(at + 1, end - at - 1));
}

/// Where the value that begins at `at` ends. In quotes it ends with them.
std::size_t end_of_value(std::string_view text, std::size_t at) {
    const char quote = at < text.size() && (text[at] == '\'' || text[at] == '"') ? text[at] : '\0';
    if (quote != '\0') {
        return std::min(text.find(quote, at + 1), text.size());
    }
    constexpr std::string_view ends = "&;\"'<>";
    while (at < text.size() && !is_space(text[at]) && ends.find(text[at]) == std::string_view::npos &&
           !begins_part(text, at)) {
        ++at;
    }
    return at;
}

/// Copies a text and masks on the way.
class Masking {
public:
    explicit Masking(std::string_view text) : text_{text} {}

    std::string run() {
        while (at_ < text_.size()) {
            if (!value_of_key() && !password_of_address() && !hash()) {
                copied_ += text_[at_++];
            }
        }
        return std::move(copied_);
    }

private:
    void copy_to(std::size_t end) {
        copied_ += text_.substr(at_, end - at_);
        at_ = end;
    }
    void mask_to(std::size_t end) {
        copied_ += mask;
        at_ = end;
    }

    /// "pass=…" behind anything but a letter or digit, and "pass": "…" of JSON.
    bool value_of_key() {
        if (at_ > 0 && is_word(text_[at_ - 1])) {
            return false;
        }
        std::size_t end = at_;
        while (end < text_.size() && end - at_ <= key_size_max && is_letter(text_[end])) {
            ++end;
        }
        if (!is_one_of(keys, text_.substr(at_, end - at_))) {
            return false;
        }
        const std::string_view behind = text_.substr(end);
        const bool header = behind.starts_with(": ") && end - at_ == key_size_max;
        if (behind.starts_with("\":")) {
            end = std::min(text_.find_first_not_of(" \t", end + 2), text_.size());
        } else if (behind.starts_with('=') || header) {
            end += header ? 2 : 1;
        } else {
            return false;
        }
        copy_to(end);
        if (header) {
            mask_to(std::min(text_.find_first_of("\r\n\"'", end), text_.size()));
            return true;
        }
        const std::size_t value_end = end_of_value(text_, end);
        if (end < text_.size() && (text_[end] == '\'' || text_[end] == '"')) {
            copy_to(end + 1);
        }
        mask_to(std::max(value_end, at_));
        return true;
    }

    /// "://user:password@host": RFC 3986 §3.2.1. A password with '/', '?' or '#' in it is broken syntax and
    /// secret all the same: what stands behind the colon is then no port.
    bool password_of_address() {
        constexpr std::string_view sign = "://";
        if (!text_.substr(at_).starts_with(sign)) {
            return false;
        }
        const std::size_t begin = at_ + sign.size();
        // A quote may be of the password (RFC 3986 §2.2): then an '@' follows it.
        std::size_t end = until(begin, "/?#\"<>");
        if (text_.substr(begin, end - begin).find('@') == std::string_view::npos) {
            end = until(begin, "/?#\"'<>");
        }
        end = end_of_authority(begin, end);
        const std::string_view authority = text_.substr(begin, end - begin);
        const std::size_t colon = authority.find(':');
        const std::size_t sign_at = authority.rfind('@');
        if (sign_at == std::string_view::npos || colon > sign_at) {
            return false;
        }
        copy_to(begin + colon + 1);
        mask_to(begin + sign_at);
        return true;
    }

    /// Where the first of these stands behind `at`, or space, or the end.
    std::size_t until(std::size_t at, std::string_view ends) const {
        while (at < text_.size() && !is_space(text_[at]) && ends.find(text_[at]) == std::string_view::npos) {
            ++at;
        }
        return at;
    }

    /// `end`, or the end of all that is not space where the authority cannot end there.
    std::size_t end_of_authority(std::size_t begin, std::size_t end) const {
        const std::string_view authority = text_.substr(begin, end - begin);
        const std::size_t colon = authority.find(':');
        const std::string_view port = authority.substr(std::min(colon, authority.size() - 1) + 1);
        const bool is_port = std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; });
        if (authority.empty() || colon == std::string_view::npos || is_port || authority.starts_with('[') ||
            authority.find('@') != std::string_view::npos) {
            return end;
        }
        const std::size_t space = std::min(text_.find_first_of(" \t\r\n\"'<>", end), text_.size());
        return text_.substr(end, space - end).find('@') == std::string_view::npos ? end : space;
    }

    bool hash() {
        constexpr std::string_view sign = "$argon2id$";
        if (!text_.substr(at_).starts_with(sign)) {
            return false;
        }
        copy_to(at_ + sign.size());
        mask_to(end_of_value(text_, at_));
        return true;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::string copied_;
};

}   // namespace

std::string masked(std::string_view text) {
    return Masking{text}.run();
}

}   // namespace millrace
