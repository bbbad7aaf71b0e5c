#include "control/object_rule.hpp"

#include "control/configuration_values.hpp"
#include "control/json.hpp"

#include <gtest/gtest.h>

namespace millrace::control {
namespace {

constexpr std::string_view whole =
    "storage: { objects: { endpoint: \"https://S3.example.org:9000\", bucket: video, region: eu-central-1,"
    " prefix: site-7, access_key: AKEXAMPLE, secret_key: \"se/cr+et\", ca_file: ca.pem,"
    " keep: { days: 400 } } }";

TEST(ObjectRule, is_read_and_shown_without_its_keys) {
    const Configuration read = load_configuration({.file_name = "m.yaml", .file_text = std::string{whole}});
    EXPECT_TRUE(read.objects.is_on());
    EXPECT_EQ(read.objects.endpoint, "https://s3.example.org:9000");
    EXPECT_EQ(read.objects.prefix, "site-7/");
    EXPECT_EQ(read.objects.secret_key, "se/cr+et");
    EXPECT_EQ(read.objects.ca_file, "ca.pem");
    EXPECT_EQ(read.objects.keep.days, 400U);
    const std::string shown = json_text(configuration_value(read, "storage.objects"));
    EXPECT_EQ(shown.find("se/cr"), std::string::npos) << shown;
    EXPECT_EQ(shown.find("AKEXAMPLE"), std::string::npos) << shown;
    EXPECT_NE(shown.find("site-7/"), std::string::npos) << shown;
    EXPECT_NE(shown.find("ca.pem"), std::string::npos) << shown;
    EXPECT_FALSE(load_configuration({}).objects.is_on());
}

TEST(ObjectRule, says_what_is_wrong_and_where) {
    struct Row {
        std::string_view text;
        std::string_view error;
    };
    const std::vector<Row> rows = {
        {"storage: { objects: { bucket: b } }", "m.yaml:1:12: storage.objects: needed are endpoint, bucket"},
        {"storage: { objects: { endpoint: \"https://h\", bucket: b, access_key: a } }",
         "m.yaml:1:12: storage.objects: needed is one of secret_key and secret_key_file"},
        {"storage: { objects: { endpoint: \"https://u:p@h\" } }",
         "m.yaml:1:23: storage.objects.endpoint: wanted is an address without a path"},
        {"storage: { objects: { endpoint: \"https://h/path\" } }",
         "m.yaml:1:23: storage.objects.endpoint: wanted is an address without a path"},
        {"storage: { objects: { bucket: a/b } }",
         "m.yaml:1:23: storage.objects.bucket: 'a/b' is not a bucket"},
        {"storage: { objects: { secret_key: \"a b\" } }",
         "m.yaml:1:23: storage.objects.secret_key: a key has no spaces"},
        {"storage: { objects: { key: k } }", "m.yaml:1:23: storage.objects.key: unknown key; objects has"},
    };
    for (const Row& row : rows) {
        try {
            (void)load_configuration({.file_name = "m.yaml", .file_text = std::string{row.text}});
            ADD_FAILURE() << row.text;
        } catch (const std::exception& error) {
            EXPECT_EQ(std::string_view{error.what()}.substr(0, row.error.size()), row.error) << row.text;
        }
    }
}

TEST(ObjectRule, takes_no_secret_from_a_command_line) {
    const std::string option =
        "storage.objects={ endpoint: 'https://h', bucket: b, access_key: a, secret_key: hidden }";
    try {
        (void)load_configuration({.sets = {option}});
        FAIL() << "it was taken";
    } catch (const std::exception& error) {
        const std::string said = error.what();
        EXPECT_NE(said.find("lists of processes show options"), std::string::npos) << said;
        EXPECT_EQ(said.find("hidden"), std::string::npos) << said;
    }
}

}   // namespace
}   // namespace millrace::control
