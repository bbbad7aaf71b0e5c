#include "base/virtual_storage.hpp"
#include "control/configuration.hpp"
#include "control/configuration_values.hpp"
#include "control/json.hpp"
#include "control/state.hpp"

#include <cstdint>
#include <cstdlib>

// An input is a body of the API: what is read is written and read again as the same; as a patch of itself it
// changes nothing that is not null; as an overlay it loads, or the error says that it is the API's. It is
// also a state file, which loads or is named as damaged.
namespace {

using namespace millrace;
using namespace millrace::control;

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

void load(const YamlNode& overlay) {
    ConfigurationSources sources;
    sources.overlay = overlay;
    try {
        const Configuration configuration = load_configuration(sources);
        for (const ConfigurationKey& key : configuration_keys()) {
            (void)json_text(configuration_value(configuration, key.name));
        }
    } catch (const ConfigurationError& error) {
        require(std::string_view{error.what()}.starts_with("the API's changes"));
    }
}

void load_as_state(std::string_view text) {
    VirtualStorage storage;
    storage.put(std::string{State::file_name}, text);
    try {
        const auto state = load_state(storage, "/data");
        require(state.has_value() && parse_json(state_text(*state)).has_value());
    } catch (const ConfigurationError& error) {
        require(std::string_view{error.what()}.starts_with("/data/state.json: "));
    }
}

}   // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    log::set_level(log::Level::error);
    load_as_state(text);
    const Result<YamlNode> node = parse_json(text);
    if (!node) {
        return 0;
    }
    const std::string written = json_text(*node);
    const Result<YamlNode> again = parse_json(written);
    require(again.has_value() && json_text(*again) == written);
    const YamlNode patched = merge_patch(*node, *node);
    require(json_text(merge_patch(patched, *node)) == json_text(patched));
    load(*node);
    (void)masked_overlay(*node);
    return 0;
}
