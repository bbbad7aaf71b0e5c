#include "base/bytes.hpp"
#include "base/check.hpp"
#include "base/json_words.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

using namespace millrace;

/// No text breaks the reader, and what is bigger than its bounds is no object.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto words = web::JsonWords::parse(as_text(std::as_bytes(std::span{data, size})));
    if (words) {
        const auto what = words->find("t", web::JsonWord::Kind::text);
        check(!what || what->size() <= size, "a value is no longer than its text");
    }
    return 0;
}
