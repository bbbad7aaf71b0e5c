#pragma once

#include "base/result.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::web {

/// A member of a JSON object.
struct JsonWord {
    /// other: true, false, null; nested: an object or a list.
    enum class Kind : std::uint8_t { text, number, other, nested };
    std::string key;
    Kind kind = Kind::other;
    std::string value;   ///< of text without quotes and escapes, else as it was written
};

/// What a page says in one message: `{"t":"open","c":"ch1"}`, members of text, numbers and truths, no more.
class JsonWords {
public:
    static constexpr std::size_t words_max = 16;
    static constexpr std::size_t members_max = 64;   ///< of an object that may hold others
    static constexpr std::size_t depth_max = 16;     ///< of those, itself counted

    /// Strict (RFC 8259): UTF-8 only, a key stands once. Errc::malformed; Errc::exhausted: too many members.
    static Result<JsonWords> parse(std::string_view text);
    /// The same of an object in which objects and lists may stand: each is one word, as it was written.
    static Result<JsonWords> parse_nested(std::string_view text);

    /// The value of a key if it is of that kind.
    std::optional<std::string_view> find(std::string_view key, JsonWord::Kind kind) const;

private:
    static Result<JsonWords> parse(std::string_view text, std::size_t depth, std::size_t count_max);
    bool holds(std::string_view key) const;

    std::vector<JsonWord> words_;
};

/// The objects that stand in a list, as they were written; nothing where it is none.
std::vector<std::string> json_objects(std::string_view list);

}   // namespace millrace::web
