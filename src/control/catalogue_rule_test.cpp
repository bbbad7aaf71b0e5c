#include "control/catalogue_rule.hpp"

#include "control/configuration_values.hpp"
#include "control/json.hpp"

#include <gtest/gtest.h>

namespace millrace::control {
namespace {

TEST(CatalogueRule, is_read_and_shown_without_its_password) {
    const Configuration read = load_configuration(
        {.file_name = "m.yaml",
         .file_text = "storage: { catalogue: { url: \"postgres://video:se%40cret@DB.example.org/records\","
                      " node: north, address: \"https://north.example.org\", ca_file: ca.pem } }"});
    EXPECT_TRUE(read.catalogue.is_on());
    EXPECT_EQ(read.catalogue.host, "db.example.org");
    EXPECT_EQ(read.catalogue.port, 5432);
    EXPECT_EQ(read.catalogue.user, "video");
    EXPECT_EQ(read.catalogue.password, "se@cret");
    EXPECT_EQ(read.catalogue.database, "records");
    EXPECT_EQ(read.catalogue.node, "north");
    EXPECT_EQ(read.catalogue.address, "https://north.example.org");
    const std::string shown = json_text(configuration_value(read, "storage.catalogue"));
    EXPECT_EQ(shown.find("cret"), std::string::npos) << shown;
    EXPECT_NE(shown.find("postgres://video:***@db.example.org:5432/records"), std::string::npos) << shown;
    EXPECT_FALSE(load_configuration({}).catalogue.is_on());
}

TEST(CatalogueRule, says_what_is_wrong_and_where_and_never_a_password) {
    struct Row {
        std::string_view text;
        std::string_view error;
    };
    const std::vector<Row> rows = {
        {"storage: { catalogue: { node: a } }", "m.yaml:1:12: storage.catalogue: needed are url, and node"},
        {"storage: { catalogue: { url: \"postgres://u@h/d\" } }",
         "m.yaml:1:12: storage.catalogue: needed are url, and node"},
        {"storage: { catalogue: { url: \"mysql://u:hidden@h/d\", node: a } }",
         "m.yaml:1:25: storage.catalogue.url: wanted is postgres://USER@HOST/DATABASE"},
        {"storage: { catalogue: { url: \"postgres://u:hidden@h/d/e\", node: a } }",
         "m.yaml:1:25: storage.catalogue.url: wanted is postgres://USER@HOST/DATABASE"},
        {"storage: { catalogue: { url: \"postgres://h/d\", node: a } }",
         "m.yaml:1:25: storage.catalogue.url: wanted is postgres://USER@HOST/DATABASE"},
        {"storage: { catalogue: { node: \"a b\" } }", "m.yaml:1:25: storage.catalogue.node: 'a b' is not"},
        {"storage: { catalogue: { address: \"ftp://h\" } }",
         "m.yaml:1:25: storage.catalogue.address: wanted is where people find this node"},
        {"storage: { catalogue: { url: \"postgres://u:hidden@h/d\", node: a, password_file: f } }",
         "m.yaml:1:12: storage.catalogue: the password stands in url or in password_file"},
        {"storage: { catalogue: { host: h } }", "m.yaml:1:25: storage.catalogue.host: unknown key"},
    };
    for (const Row& row : rows) {
        try {
            (void)load_configuration({.file_name = "m.yaml", .file_text = std::string{row.text}});
            ADD_FAILURE() << row.text;
        } catch (const std::exception& error) {
            const std::string_view said{error.what()};
            EXPECT_EQ(said.substr(0, row.error.size()), row.error) << row.text;
            EXPECT_EQ(said.find("hidden"), std::string_view::npos) << said;
        }
    }
}

TEST(CatalogueRule, takes_no_password_from_a_command_line) {
    try {
        (void)load_configuration(
            {.sets = {std::string{"storage.catalogue={ url: 'postgres://u:hidden@h/d', node: a }"}}});
        FAIL() << "it was taken";
    } catch (const std::exception& error) {
        const std::string said = error.what();
        EXPECT_NE(said.find("lists of processes show options"), std::string::npos) << said;
        EXPECT_EQ(said.find("hidden"), std::string::npos) << said;
    }
}

}   // namespace
}   // namespace millrace::control
