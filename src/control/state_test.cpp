#include "control/state.hpp"

#include "base/virtual_storage.hpp"
#include "control/json.hpp"

#include <gtest/gtest.h>

#include <array>

namespace millrace::control {
namespace {

std::string load_error(std::string_view text) {
    VirtualStorage storage;
    storage.put("state.json", text);
    try {
        (void)load_state(storage, "/data");
    } catch (const ConfigurationError& error) {
        return error.what();
    }
    return "no error";
}

TEST(State, is_nothing_where_nothing_was_kept) {
    VirtualStorage storage;
    EXPECT_FALSE(load_state(storage, "/data"));
}

TEST(State, comes_back_as_it_was_kept) {
    SeededRandom random{7};
    State state = State::make(random);
    state.first_admin = "$argon2id$v=19$x";
    put(state.overlay, "grace", text_node("5s"));
    put(state.overlay, "workers", plain_node("3"));
    VirtualStorage storage;
    ASSERT_TRUE(storage.replace("state.json", as_bytes(state_text(state))));
    const std::optional<State> read = load_state(storage, "/data");
    ASSERT_TRUE(read);
    EXPECT_EQ(read->cookie_key, state.cookie_key);
    EXPECT_NE(read->cookie_key, State::make(random).cookie_key);
    EXPECT_EQ(read->first_admin, state.first_admin);
    EXPECT_EQ(json_text(read->overlay), json_text(state.overlay));
}

TEST(State, a_damaged_file_is_named_with_what_to_do) {
    SeededRandom random{7};
    const std::string whole = state_text(State::make(random));
    EXPECT_EQ(load_error(whole), "no error");
    const std::array<std::string, 7> damaged{"",
                                             whole.substr(0, whole.size() / 2),
                                             "[]",
                                             R"({"format":2})",
                                             R"({"format":1})",
                                             R"({"format":1,"cookie_key":"00","overlay":{}})",
                                             std::string(whole).replace(whole.find("{}"), 2, "[]")};
    for (const auto& text : damaged) {
        const std::string error = load_error(text);
        EXPECT_TRUE(error.starts_with("/data/state.json: it is damaged")) << error;
        EXPECT_NE(error.find("move it away"), std::string::npos);
    }
    EXPECT_NE(load_error(std::string(State::size_max + 1, ' ')).find("larger than it may be"),
              std::string::npos);
}

}   // namespace
}   // namespace millrace::control
