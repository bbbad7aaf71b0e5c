#include "base/bytes.hpp"
#include "base/check.hpp"
#include "base/json_words.hpp"
#include "media/timed_message.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

using namespace millrace;

/// No text breaks the reader, and what is bigger than its bounds is no object.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = as_text(std::as_bytes(std::span{data, size}));
    const auto words = web::JsonWords::parse(text);
    if (words) {
        const auto what = words->find("t", web::JsonWord::Kind::text);
        check(!what || what->size() <= size, "a value is no longer than its text");
    }
    const auto nested = web::JsonWords::parse_nested(text);
    check(!words || nested, "what is flat is an object that may hold others");
    if (const auto message = media::read_message(text)) {
        const auto again = media::read_message(as_text(message->body));
        check(again && again->body == message->body, "a result that was read is one line and one again");
    }
    return 0;
}
