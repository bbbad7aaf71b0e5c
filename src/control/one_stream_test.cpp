#include "control/one_stream.hpp"

#include <gtest/gtest.h>

namespace millrace::control {
namespace {

std::string refusal(const OneStream& stream) {
    try {
        sources_of(stream);
        return {};
    } catch (const ConfigurationError& error) {
        return error.what();
    }
}

TEST(OneStream, makes_a_configuration_that_listens_nowhere_and_reaches_this_machine) {
    const Configuration c = load_configuration(sources_of(
        {.source = "test:?size=640x360", .to = {"rtsp://127.0.0.1:8554/live/a%20b"}, .listen = {}}));
    EXPECT_FALSE(c.http.on || c.https.on || c.rtmp.on || c.rtmps.on || c.rtsp.on || c.rtsps.on ||
                 c.rtsp_udp.on);
    ASSERT_EQ(c.streams.size(), 1U);
    EXPECT_EQ(c.streams[0].pattern.text(), "cam");
    EXPECT_EQ(c.streams[0].source, "test:?size=640x360");
}

TEST(OneStream, carries_any_text_unharmed) {
    const std::string odd = R"(file:/tmp/a "quoted" \ 'name' { : } # <b>.mp4)";
    const Configuration c = load_configuration(sources_of({.source = odd, .listen = {}}));
    EXPECT_EQ(c.streams.at(0).source, odd);
}

TEST(OneStream, lets_anyone_play_it_where_it_listens) {
    OneStream stream{.source = "test:", .listen = {}};
    read_listen_address(stream, "rtsp://:0/live/cam");
    EXPECT_EQ(stream.name, "live/cam");
    const Configuration c = load_configuration(sources_of(stream));
    EXPECT_EQ(c.rtsp.endpoint.text(), "[::]:0");
    EXPECT_FALSE(c.rtmp.on || c.http.on || c.open);
    ASSERT_EQ(c.users.size(), 1U);
    EXPECT_EQ(c.users[0].name, "anyone");
    EXPECT_EQ(c.users[0].allow.size(), 1U);
}

TEST(OneStream, reads_where_it_listens) {
    struct Case {
        std::string text;
        std::string endpoint;
    };
    for (const Case& one : {Case{"rtsp://:8554/cam", "[::]:8554"}, Case{"rtsp://:9000/cam", "[::]:9000"},
                            Case{"rtsp:///cam", "[::]:8554"}, Case{"rtsp://127.0.0.1/cam", "127.0.0.1:8554"},
                            Case{"rtsp://127.0.0.1:554/cam", "127.0.0.1:554"},
                            Case{"rtmp://[::1]:7/cam", "[::1]:7"}, Case{"http://:0/cam", "[::]:0"}}) {
        OneStream stream{.source = "test:", .listen = {}};
        read_listen_address(stream, one.text);
        EXPECT_EQ(stream.listen.text(), one.endpoint) << one.text;
        EXPECT_EQ(stream.name, "cam");
    }
    for (const char* wrong :
         {"udp://:1/cam", "cam", "rtsp://:8554/", "rtsp://:99999/cam", "rtsp://:8554/a b"}) {
        OneStream stream{.source = "test:", .listen = {}};
        EXPECT_THROW(read_listen_address(stream, wrong), ConfigurationError) << wrong;
    }
}

TEST(OneStream, says_what_is_wrong_without_places_in_files) {
    EXPECT_TRUE(refusal({.source = "ftp://h/", .listen = {}})
                    .starts_with("the source: this node has no sources of the kind 'ftp:'"))
        << refusal({.source = "ftp://h/", .listen = {}});
    EXPECT_TRUE(
        refusal({.source = "test:", .to = {"ftp://h/"}, .listen = {}}).starts_with("the destination: "))
        << refusal({.source = "test:", .to = {"ftp://h/"}, .listen = {}});
}

TEST(OneStream, puts_options_into_the_query_of_sources_that_are_encoded_here) {
    EXPECT_EQ(encoded("test:", {}), "test:");
    EXPECT_EQ(
        encoded("test:", {.codec = "h265", .size = "", .fps = "", .bitrate = "2M", .gop = "", .audio = ""}),
        "test:?codec=h265&bitrate=2M");
    EXPECT_EQ(
        encoded("test:?fps=5",
                {.codec = "copy", .size = "640x360", .fps = "", .bitrate = "", .gop = "", .audio = "none"}),
        "test:?fps=5&size=640x360&audio=none");
    EXPECT_EQ(encoded("rtsp://h/cam",
                      {.codec = "copy", .size = "", .fps = "", .bitrate = "", .gop = "", .audio = ""}),
              "rtsp://h/cam");
    EXPECT_THROW(encoded("rtsp://h/cam",
                         {.codec = "h265", .size = "", .fps = "", .bitrate = "", .gop = "", .audio = ""}),
                 ConfigurationError);
}

}   // namespace
}   // namespace millrace::control
