#include "apps/millrace/verbs.hpp"
#include "base/log.hpp"

#include <CLI/CLI.hpp>

#include <exception>

namespace {

constexpr int failed = 1;
constexpr int wrong_usage = 2;

}   // namespace

int main(int argc, char** argv) {
    CLI::App app{"Millrace: live video, from the camera to every screen."};
    app.set_version_flag("--version", "millrace " MILLRACE_VERSION);
    app.require_subcommand(1);

    millrace::control::ConfigurationSources sources;
    std::string file;
    CLI::App* serve = app.add_subcommand("serve", "Run a node: streams in, streams out");
    serve->add_option("CONFIG", file, "Configuration file (YAML); without one the defaults hold");
    serve->add_flag("--open", sources.open, "Let anyone publish and play");
    serve->add_option("--set", sources.settings, "Set one key: --set http.listen=127.0.0.1:8080")
        ->allow_extra_args(false)
        ->take_all();
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : wrong_usage;
    }
    try {
        if (!file.empty()) {
            sources.file = file;
        }
        return millrace::apps::serve(millrace::control::load_configuration(sources));
    } catch (const std::exception& error) {
        fmt::print(stderr, "millrace: {}\n", error.what());
        return failed;
    }
}
