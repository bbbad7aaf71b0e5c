#include "base/json_words.hpp"

#include "base/web.hpp"

#include <algorithm>

namespace millrace::web {

namespace {

/// RFC 8259.
class Scan {
public:
    explicit Scan(std::string_view rest) : rest_{rest} {}

    bool ends() {
        space();
        return rest_.empty();
    }
    bool take(std::string_view token) {
        space();
        if (!rest_.starts_with(token)) {
            return false;
        }
        rest_.remove_prefix(token.size());
        return true;
    }
    std::optional<std::string> text() {
        const std::string_view all = rest_;
        if (!take("\"")) {
            return std::nullopt;
        }
        std::string text;
        while (!rest_.empty() && rest_.front() != '"') {
            const bool escaped = rest_.front() == '\\';
            if (escaped ? !unescape(text) : !copy(text)) {
                rest_ = all;   // no other value begins behind it
                return std::nullopt;
            }
        }
        return take("\"") ? std::optional{text} : std::nullopt;
    }
    std::optional<std::string> number() {
        space();
        const std::string_view all = rest_;
        take_one("-");
        const bool whole = take_one("0") || digits();
        const bool part = !take_one(".") || digits();
        bool power = true;
        if (take_one("eE")) {
            take_one("+-");
            power = digits();
        }
        const bool sound = whole && part && power;
        return sound ? std::optional<std::string>{all.substr(0, all.size() - rest_.size())} : std::nullopt;
    }
    std::optional<std::string> truth() {
        for (const std::string_view one : {"true", "false", "null"}) {
            if (take(one)) {
                return std::string{one};
            }
        }
        return std::nullopt;
    }
    /// An object or a list that goes at most so deep, as it is written; what is in it is checked.
    std::optional<std::string> nested(std::size_t depth) {
        space();
        const std::string_view all = rest_;
        const bool object = depth > 0 && take("{");
        if (depth == 0 || (!object && !take("["))) {
            return std::nullopt;
        }
        const std::string_view end = object ? "}" : "]";
        bool done = take(end);
        while (!done) {
            const bool sound = (!object || (text() && take(":"))) && value(depth);
            done = sound && take(end);
            if (!sound || (!done && !take(","))) {
                rest_ = all;   // likewise
                return std::nullopt;
            }
        }
        return std::string{all.substr(0, all.size() - rest_.size())};
    }

private:
    bool value(std::size_t depth) { return text() || truth() || nested(depth - 1) || number(); }
    void space() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size())); }
    /// One of these letters.
    bool take_one(std::string_view letters) {
        if (rest_.empty() || !letters.contains(rest_.front())) {
            return false;
        }
        rest_.remove_prefix(1);
        return true;
    }
    bool digits() {
        const std::size_t count = std::min(rest_.find_first_not_of("0123456789"), rest_.size());
        rest_.remove_prefix(count);
        return count > 0;
    }
    bool copy(std::string& text) {
        const std::size_t length = utf8_length(rest_);
        if (length == 0 || static_cast<unsigned char>(rest_.front()) < 0x20) {
            return false;
        }
        text += rest_.substr(0, length);
        rest_.remove_prefix(length);
        return true;
    }
    bool unescape(std::string& text) {
        constexpr std::string_view letters = R"("\/bfnrtu)";
        constexpr std::string_view meant = "\"\\/\b\f\n\r\t";
        rest_.remove_prefix(1);
        const std::size_t which = rest_.empty() ? letters.npos : letters.find(rest_.front());
        if (which == letters.npos) {
            return false;
        }
        rest_.remove_prefix(1);
        if (which < meant.size()) {
            text += meant[which];
            return true;
        }
        return code_point(text);
    }
    /// What stands behind \u; two halves make one beyond U+FFFF.
    bool code_point(std::string& text) {
        std::optional<unsigned> code = hex();
        if (code && *code >= 0xD800 && *code < 0xDC00 && rest_.starts_with("\\u")) {
            rest_.remove_prefix(2);
            const std::optional<unsigned> low = hex();
            code = low && *low >= 0xDC00 && *low < 0xE000
                       ? std::optional{0x10000U + ((*code - 0xD800U) << 10U) + (*low - 0xDC00U)}
                       : std::nullopt;
        }
        if (!code || (*code >= 0xD800 && *code < 0xE000)) {
            return false;
        }
        append_utf8(text, *code);
        return true;
    }
    std::optional<unsigned> hex() {
        unsigned code = 0;
        for (int i = 0; i < 4; ++i) {
            constexpr std::string_view lower = "0123456789abcdef";
            constexpr std::string_view upper = "0123456789ABCDEF";
            const char c = rest_.empty() ? ' ' : rest_.front();
            const std::size_t digit = std::min(lower.find(c), upper.find(c));
            if (digit == lower.npos) {
                return std::nullopt;
            }
            code = code << 4U | static_cast<unsigned>(digit);
            rest_.remove_prefix(1);
        }
        return code;
    }
    /// RFC 3629 §3.
    static void append_utf8(std::string& text, unsigned code) {
        const auto tail = [&](unsigned shift) { text += static_cast<char>(0x80U | (code >> shift & 0x3FU)); };
        if (code < 0x80) {
            text += static_cast<char>(code);
        } else if (code < 0x800) {
            text += static_cast<char>(0xC0U | code >> 6U);
            tail(0);
        } else if (code < 0x10000) {
            text += static_cast<char>(0xE0U | code >> 12U);
            tail(6);
            tail(0);
        } else {
            text += static_cast<char>(0xF0U | code >> 18U);
            tail(12);
            tail(6);
            tail(0);
        }
    }

    std::string_view rest_;
};

std::optional<JsonWord> word_of(Scan& scan, std::size_t depth) {
    std::optional<std::string> key = scan.text();
    if (!key || !scan.take(":")) {
        return std::nullopt;
    }
    using enum JsonWord::Kind;
    if (std::optional<std::string> value = scan.nested(depth)) {
        return JsonWord{std::move(*key), nested, std::move(*value)};
    }
    if (std::optional<std::string> value = scan.text()) {
        return JsonWord{std::move(*key), text, std::move(*value)};
    }
    if (std::optional<std::string> value = scan.truth()) {
        return JsonWord{std::move(*key), other, std::move(*value)};
    }
    if (std::optional<std::string> value = scan.number()) {
        return JsonWord{std::move(*key), number, std::move(*value)};
    }
    return std::nullopt;
}

}   // namespace

Result<JsonWords> JsonWords::parse(std::string_view text) {
    return parse(text, 0, words_max);
}

Result<JsonWords> JsonWords::parse_nested(std::string_view text) {
    return parse(text, depth_max - 1, members_max);
}

Result<JsonWords> JsonWords::parse(std::string_view text, std::size_t depth, std::size_t count_max) {
    const std::string_view wrong = depth == 0
                                       ? "not one flat JSON object in UTF-8 (RFC 8259)"
                                       : "not one JSON object in UTF-8 (RFC 8259) of at most 16 levels";
    JsonWords words;
    Scan scan{text};
    if (!scan.take("{")) {
        return fail(Errc::malformed, wrong);
    }
    bool done = scan.take("}");
    while (!done) {
        std::optional<JsonWord> word = word_of(scan, depth);
        if (!word || words.holds(word->key)) {
            return fail(Errc::malformed, wrong);
        }
        if (words.words_.size() == count_max) {
            return fail(Errc::exhausted, depth == 0 ? "a JSON object of more than 16 members"
                                                    : "a JSON object of more than 64 members");
        }
        words.words_.push_back(std::move(*word));
        done = scan.take("}");
        if (!done && !scan.take(",")) {
            return fail(Errc::malformed, wrong);
        }
    }
    if (!scan.ends()) {
        return fail(Errc::malformed, wrong);
    }
    return words;
}

std::vector<std::string> json_objects(std::string_view list) {
    std::vector<std::string> objects;
    Scan scan{list};
    if (!scan.take("[")) {
        return {};
    }
    do {
        std::optional<std::string> one = scan.nested(JsonWords::depth_max);
        if (one && one->starts_with('{')) {
            objects.push_back(std::move(*one));
        } else if (!one && !scan.text() && !scan.truth() && !scan.number()) {
            break;
        }
    } while (scan.take(","));
    return objects;
}

bool JsonWords::holds(std::string_view key) const {
    return std::ranges::find(words_, key, &JsonWord::key) != words_.end();
}

std::optional<std::string_view> JsonWords::find(std::string_view key, JsonWord::Kind kind) const {
    const auto found = std::ranges::find(words_, key, &JsonWord::key);
    return found != words_.end() && found->kind == kind ? std::optional<std::string_view>{found->value}
                                                        : std::nullopt;
}

}   // namespace millrace::web
