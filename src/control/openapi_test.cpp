#include "control/openapi.hpp"

#include "base/virtual_storage.hpp"
#include "control/api_changes.hpp"
#include "control/api_for_tests.hpp"
#include "control/sign_in.hpp"

#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <set>

namespace millrace::control {
namespace {

/// Paths that another room's routes answer; tests/interop/api.py asks a running node for them.
const std::set<std::string> elsewhere{"/api/v1/events",
                                      "/{name}/events",
                                      "/api/v1/recordings/{name}",
                                      "/api/v1/recordings/{name}/results",
                                      "/api/v1/pins/{name}",
                                      "/api/v1/streams/{name}/results",
                                      "/api/v1/streams/{name}/messages"};

class Nowhere final : public Background {
public:
    bool run(std::move_only_function<void()> /*work*/) override { return false; }
};

class Nothing final : public Realm {
public:
    void prepare(const Standing& /*next*/, bool /*afresh*/) override {}
    void apply(StandingRef /*next*/) override {}
    void abandon() override {}
};

/// Every route that this room makes, as a node puts them together.
struct Whole {
    Whole() {
        const ApiMeans means{node.admission, steward, background, node.random};
        join_route(routes, "/api/v1/streams/a", stream_rule_route(means));
        for (auto& more :
             {config_routes(means), access_routes(means), enrolment_routes(means), sign_in_routes(gate)}) {
            routes.insert(routes.end(), more.begin(), more.end());
        }
    }

    testing::Node node;
    Nowhere background;
    Nothing realm;
    VirtualStorage storage;
    Steward steward{{.home = node.a, .disk = background, .storage = storage, .realm = realm},
                    {},
                    std::make_shared<const Standing>()};
    Gate gate{node.a, background, node.random, {}};
    std::vector<web::Route> routes = node.routes;
};

/// One path of the document, with its parameters filled in and its methods in upper case.
struct Described {
    std::string path;
    std::string asked;
    std::vector<std::string> methods;
};

std::vector<Described> described() {
    std::vector<Described> paths;
    for (const auto& path : YAML::Load(std::string{openapi_document()})["paths"]) {
        Described one{.path = path.first.as<std::string>()};
        one.asked = one.path;
        for (const auto& [name, value] : {std::pair{"{name}", "live/cam"}, std::pair{"{id}", "0-1"}}) {
            if (const std::size_t at = one.asked.find(name); at != std::string::npos) {
                one.asked.replace(at, std::string_view{name}.size(), value);
            }
        }
        for (const auto& member : path.second) {
            std::string method = member.first.as<std::string>();
            if (method != "parameters") {
                std::ranges::transform(method, method.begin(),
                                       [](char c) { return static_cast<char>(c - 'a' + 'A'); });
                one.methods.push_back(method);
            }
        }
        paths.push_back(std::move(one));
    }
    return paths;
}

TEST(OpenApi, every_path_and_method_that_it_names_has_a_route) {
    const Whole node;
    for (const Described& one : described()) {
        if (elsewhere.contains(one.path)) {
            continue;
        }
        const web::Route* const route = testing::route_of(node.routes, one.asked);
        ASSERT_NE(route, nullptr) << one.path;
        EXPECT_TRUE(std::ranges::is_permutation(route->methods, one.methods)) << one.path;
    }
}

TEST(OpenApi, every_route_is_in_it) {
    const Whole node;
    std::set<const web::Route*> found;
    for (const Described& one : described()) {
        found.insert(testing::route_of(node.routes, one.asked));
    }
    for (std::size_t i = 0; i < node.routes.size(); ++i) {
        EXPECT_TRUE(found.contains(&node.routes[i])) << "route number " << i;
    }
}

/// Whether what stands at "#/components/schemas/X" is there.
bool resolves(const YAML::Node& document, const std::string& reference) {
    YAML::Node at = YAML::Clone(document);
    std::size_t from = reference.find('/') + 1;
    while (from <= reference.size()) {
        const std::size_t to = std::min(reference.find('/', from), reference.size());
        at.reset(at[reference.substr(from, to - from)]);
        if (!at.IsDefined()) {
            return false;
        }
        from = to + 1;
    }
    return true;
}

void collect_references(const YAML::Node& node, std::set<std::string>& references) {
    if (node.IsMap()) {
        for (const auto& member : node) {
            if (member.first.as<std::string>() == "$ref") {
                references.insert(member.second.as<std::string>());
            }
            collect_references(member.second, references);
        }
    } else if (node.IsSequence()) {
        for (const auto& item : node) {
            collect_references(item, references);
        }
    }
}

TEST(OpenApi, what_it_refers_to_is_in_it) {
    const YAML::Node document = YAML::Load(std::string{openapi_document()});
    std::set<std::string> references;
    collect_references(document, references);
    EXPECT_GT(references.size(), 10U);
    for (const std::string& reference : references) {
        EXPECT_TRUE(resolves(document, reference)) << reference;
    }
}

}   // namespace
}   // namespace millrace::control
