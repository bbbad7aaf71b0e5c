#include "base/web.hpp"
#include "control/name_pattern.hpp"
#include "hub/name.hpp"

#include <cstdint>
#include <cstdlib>

// An input is a path, a name, a pattern, a percent-encoded text and the text of a problem.
namespace {

using namespace millrace;

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

bool is_safe(std::string_view name) {
    return name.size() <= hub::StreamName::size_max && !name.starts_with('/') && !name.ends_with('/') &&
           name.find("//") == std::string_view::npos &&
           ("/" + std::string{name} + "/").find("/../") == std::string::npos &&
           name.find_first_of(std::string_view{"\0\r\n\\<>\"'%$;& ", 14}) == std::string_view::npos;
}

}   // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    if (const auto name = hub::StreamName::parse(text)) {
        require(name->text() == text && is_safe(text));
        require(control::NamePattern::parse("*")->matches(*name));
        require(control::NamePattern::parse(text)->matches(*name));
        const std::string path = "/" + name->text();
        require(hub::split_media_path(path)->name == *name);
        require(hub::split_media_path(path + ".flv")->name == *name);
    }
    if (const auto split = hub::split_media_path(text)) {
        require("/" + split->name.text() + std::string{split->rest} == text && is_safe(split->name.text()));
    }
    if (const auto pattern = control::NamePattern::parse(text)) {
        (void)pattern->matches(*hub::StreamName::parse("live/cam-1/a"));
    }
    const auto decoded = web::percent_decode(text);
    require(!decoded || decoded->find('\0') == std::string::npos);
    const std::string quoted = web::json_quoted(text);
    require(quoted.size() >= 2 && quoted.find_first_of("\r\n<") == std::string::npos);
    return 0;
}
