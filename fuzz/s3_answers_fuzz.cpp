#include "outside/s3_answers.hpp"

#include "base/check.hpp"

#include <cstdint>

using namespace millrace;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = as_text(std::as_bytes(std::span{data, size}));
    const auto objects = outside::read_list(text, "p/");
    check(!objects || objects->size() <= archive::ObjectStore::page_max, "no more objects than a page has");
    std::size_t names = 0;
    for (const archive::ObjectStore::Object& object :
         objects.value_or(std::vector<archive::ObjectStore::Object>{})) {
        names += object.name.size();
    }
    check(names <= text.size(), "what is read is no longer than what was said");
    check(outside::element(text, "UploadId").size() <= text.size(), "nor is an element");
    check(!outside::read_error(400, text).what.empty(), "every error has words");
    check(outside::percent_encoded(text, true).size() <= 3 * text.size(), "an encoded name is bounded");
    return 0;
}
