#include "apps/millrace/verbs.hpp"

#include <CLI/CLI.hpp>

#include <exception>

#include <unistd.h>

namespace {

constexpr int failed = 1;
constexpr int wrong_usage = 2;

std::vector<std::string> environment() {
    std::vector<std::string> variables;
    for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
        variables.emplace_back(*variable);
    }
    return variables;
}

}   // namespace

int main(int argc, char** argv) {
    using namespace millrace;
    CLI::App app{"Millrace: live video, from the camera to every screen."};
    app.set_version_flag("--version", "millrace " MILLRACE_VERSION);
    app.require_subcommand(1);

    control::ConfigurationSources sources;
    CLI::App* serve = app.add_subcommand("serve", "Run a node: streams in, streams out");
    serve->add_option("CONFIG", sources.file_name,
                      "Configuration file (YAML); without one the defaults hold");
    serve->add_flag("--open", sources.open, "Let anyone publish and play");
    serve->add_option("--set", sources.sets, "Set one key: --set http.listen=127.0.0.1:8080")
        ->take_all()
        ->allow_extra_args(false);
    apps::DemoOptions demo;
    CLI::App* demonstrate = app.add_subcommand("demo", "Show it all here: a node with a synthetic camera");
    demonstrate->add_option("--listen", demo.address, "Address to listen on, for machines without a screen");
    std::string user;
    CLI::App* password = app.add_subcommand("password", "Make a user's line for the configuration");
    password->add_option("NAME", user, "The user's name")->required();
    bool digest = false;
    password->add_flag("--digest", digest, "Let it prove itself by Digest too, as some RTSP clients do");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : wrong_usage;
    }
    try {
        if (demonstrate->parsed()) {
            return apps::demo(demo);
        }
        if (password->parsed()) {
            return apps::password(user, digest);
        }
        if (!sources.file_name.empty()) {
            sources.file_text = control::read_configuration_file(sources.file_name);
        }
        sources.environment = environment();
        return apps::serve(sources);
    } catch (const std::exception& error) {
        fmt::print(stderr, "millrace: {}\n", error.what());
        return failed;
    }
}
