#include "control/configuration.hpp"

#include <cstdint>
#include <cstdlib>

// An input is a configuration file, and once more the value of --set streams and of an environment variable.
// It loads, or the error says where.
namespace {

using namespace millrace::control;

void load(const ConfigurationSources& sources, std::string_view place) {
    try {
        (void)load_configuration(sources);
    } catch (const ConfigurationError& error) {
        if (!std::string_view{error.what()}.starts_with(place)) {
            std::abort();
        }
    }
}

}   // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text{reinterpret_cast<const char*>(data), size};
    millrace::log::set_level(millrace::log::Level::error);
    load({.file_name = "m.yaml", .file_text = text}, "m.yaml:");
    load({.file_name = {}, .file_text = {}, .environment = {}, .sets = {"streams=" + text}}, "--set");
    load({.file_name = {}, .file_text = {}, .environment = {"MILLRACE_" + text}}, "environment variable");
    return 0;
}
