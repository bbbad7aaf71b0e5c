#include "control/stream_rules.hpp"

#include <gtest/gtest.h>

namespace millrace::control {

namespace {

hub::StreamName name(std::string_view text) {
    return *hub::StreamName::parse(text);
}

TEST(StreamRules, record_is_yes_or_no_or_on_demand_with_what_came_before) {
    const auto configuration = std::make_shared<const Configuration>(load_configuration({
        .file_name = "m.yaml",
        .file_text = R"(
streams:
  "live/*": { record: { on_demand: true, before: 10s } }
  live/now: { record: true }
  live/own: { record: { before: 0s } }
  yard: { record: false }
)",
    }));
    const auto settings = stream_settings(configuration);
    const auto wish = [&](std::string_view stream) { return (*settings)(name(stream)).record; };
    EXPECT_EQ(wish("live/cam"), (hub::RecordingWish{.now = false, .before = 10s}));
    EXPECT_EQ(wish("live/now"), (hub::RecordingWish{.now = true, .before = 10s}));
    EXPECT_EQ(wish("live/own"), (hub::RecordingWish{.now = true, .before = 0s}));
    EXPECT_FALSE(wish("yard").any());
    for (const char* const wrong : {"{ before: 21s }", "{ ahead: 1s }", "{ on_demand: 3 }", "[ true ]"}) {
        const std::string text = fmt::format("streams: {{ a: {{ record: {} }} }}", wrong);
        EXPECT_THROW(load_configuration({.file_name = "m.yaml", .file_text = text}), ConfigurationError)
            << wrong;
    }
}

TEST(StreamRules, every_rule_that_matches_holds_a_later_one_over_an_earlier) {
    const auto configuration = std::make_shared<const Configuration>(load_configuration({
        .file_name = "m.yaml",
        .file_text = R"(
grace: 20s
hls: { window: 6 }
streams:
  "*": { hls: { segment: 4s } }
  "live/*": { grace: 1s, takeover: true, hls: { window: 8, always: true } }
  live/cam: { takeover: false, hls: { segment: 1s } }
)",
    }));
    const auto settings = stream_settings(configuration);
    const hub::Stream::Settings cam = (*settings)(name("live/cam"));
    EXPECT_EQ(cam.grace, 1s);
    EXPECT_EQ(cam.segment, 1s);
    EXPECT_EQ(cam.window, 8U);
    EXPECT_TRUE(cam.always_packaged);
    EXPECT_FALSE(cam.takeover);
    const hub::Stream::Settings door = (*settings)(name("live/door"));
    EXPECT_TRUE(door.takeover);
    EXPECT_EQ(door.segment, 4s);
    const hub::Stream::Settings other = (*settings)(name("yard"));
    EXPECT_EQ(other.grace, 20s);
    EXPECT_EQ(other.segment, 4s);
    EXPECT_EQ(other.window, 6U);
    EXPECT_FALSE(other.takeover || other.always_packaged);
}

std::string refusal(std::string_view source, std::string_view more = "") {
    try {
        load_configuration(
            {.file_name = "m.yaml",
             .file_text = fmt::format("streams: {{ live/cam: {{ source: \"{}\" }} }}\n{}", source, more)});
    } catch (const ConfigurationError& error) {
        return error.what();
    }
    return "";
}

TEST(StreamRules, case_82_sources_that_this_node_has_not_are_refused_in_words) {
    for (const std::string_view source :
         {"gopher://h/", "concat:a|b", "data:,x", "pipe:0", "unix:/x", "ftp://h/", "raw:/dev/sda",
          "/etc/passwd", "http:/h", "HTTP://", "http://2130706433/", "http://0177.0.0.1/", "http://h:99999/",
          "udp://host:5000", "udp://@239.1.1.1", "rtmp://"}) {
        EXPECT_NE(refusal(source).find("streams.live/cam.source"), std::string::npos)
            << source << ": " << refusal(source);
    }
    EXPECT_NE(refusal("mms://u:s3cr3t@h/").find("no sources of the kind 'mms:'"), std::string::npos);
    EXPECT_EQ(refusal("mms://u:s3cr3t@h/").find("s3cr3t"), std::string::npos);
    EXPECT_EQ(refusal("rtsp://u:s3cr3t@0x7f.1/").find("s3cr3t"), std::string::npos);
    for (const std::string_view source :
         {"test:", "file:a.mp4?loop", "images:1.jpg", "http://camera/v", "https://u:p@10.0.0.1:81/v#fps=2",
          "http://[2001:db8::1]/", "rtsp://u:p@10.0.0.1:554//Streaming/Channels/1",
          "rtsps://camera/user=a_password='b'_channel=1_stream=0.sdp", "rtmp://u:p@h/live/cam?x=y",
          "rtmps://h/a/b", "udp://@:5000", "udp://@239.1.1.1:5000", "udp://127.0.0.1:5000"}) {
        EXPECT_EQ(refusal(source), "") << source;
    }
}

/// What the file says a stream's source is, encoded so.
std::string source_of(std::string_view rule) {
    return load_configuration(
               {.file_name = "m.yaml", .file_text = fmt::format("streams: {{ live/cam: {} }}", rule)})
        .streams.at(0)
        .source;
}

TEST(StreamRules, encode_is_the_query_of_what_is_captured_here) {
    EXPECT_EQ(source_of("{ encode: { codec: h265, bitrate: 2M, gop: 1s }, source: 'v4l2:/dev/video0' }"),
              "v4l2:/dev/video0?codec=h265&bitrate=2M&gop=1s");
    EXPECT_EQ(source_of("{ source: 'test:?fps=25', encode: { size: 640x360 } }"),
              "test:?fps=25&size=640x360");
    for (const std::string_view rule :
         {"{ source: 'rtsp://camera/', encode: { codec: h264 } }", "{ encode: { codec: h264 } }",
          "{ source: 'test:', encode: { codec: vp8 } }", "{ source: 'test:', encode: { colour: red } }",
          "{ source: 'test:', encode: { size: '640x360&audio=none' } }"}) {
        EXPECT_THROW(source_of(rule), ConfigurationError) << rule;
    }
}

TEST(StreamRules, case_82_a_program_is_a_source_in_the_file_and_never_by_the_api) {
    EXPECT_EQ(source_of("{ source: 'exec:/opt/camera --fps 30?format=ts' }"),
              "exec:/opt/camera --fps 30?format=ts");
    EXPECT_EQ(source_of("{ source: 'raw:-?size=64x64' }"), "raw:-?size=64x64");
    for (const std::string_view source : {"exec:/bin/true", "raw:-?size=64x64"}) {
        const YamlNode overlay =
            parse_yaml(fmt::format("streams: {{ live/cam: {{ source: '{}' }} }}", source), "m.yaml");
        try {
            load_configuration({.overlay = overlay});
            FAIL();
        } catch (const ConfigurationError& error) {
            EXPECT_NE(std::string{error.what()}.find("in the configuration file alone"), std::string::npos);
        }
    }
}

std::string refusal_of_forward(std::string_view written) {
    try {
        load_configuration({.file_name = "m.yaml",
                            .file_text = fmt::format("streams: {{ live/cam: {{ forward: {} }} }}", written)});
    } catch (const ConfigurationError& error) {
        return error.what();
    }
    return "";
}

TEST(StreamRules, a_stream_is_pushed_to_one_destination_or_to_several) {
    const Configuration one =
        load_configuration({.file_text = "streams: { a: { forward: tcp://10.0.0.9:5 } }"});
    EXPECT_EQ(one.streams.at(0).forward, std::vector<std::string>{"tcp://10.0.0.9:5"});
    const Configuration more = load_configuration(
        {.file_text =
             "streams: { a: { forward: [ \"rtmp://h/live/k?a=b\", \"udp://10.0.0.9:5?ttl=2\" ] } }"});
    EXPECT_EQ(more.streams.at(0).forward,
              (std::vector<std::string>{"rtmp://h/live/k?a=b", "udp://10.0.0.9:5?ttl=2"}));
}

TEST(StreamRules, case_82_destinations_that_this_node_has_not_are_refused_in_words) {
    for (const std::string_view written :
         {"gopher://h:1/", "tcp://h", "tcp:h:1", "RTMP://h/a/b", "\"\"", "[ \"file:/tmp/x\" ]",
          "udp://@:5000", "[ tcp://h:1, tcp://h:1 ]", "{ a: b }"}) {
        EXPECT_NE(refusal_of_forward(written).find("streams.live/cam.forward"), std::string::npos)
            << written << ": " << refusal_of_forward(written);
    }
    EXPECT_NE(refusal_of_forward("http://h/live/cam/upload").find("ends in '/'"), std::string::npos);
    EXPECT_EQ(refusal_of_forward("https://h/live/cam/upload/"), "");
    EXPECT_EQ(refusal_of_forward("file:/srv/cam.mp4"), "");
    EXPECT_NE(refusal_of_forward("file:/srv/cam.avi").find("ends in .ts, .flv or .mp4"), std::string::npos);
    EXPECT_EQ(refusal_of_forward("ftp://u:s3cr3t@h:1/").find("s3cr3t"), std::string::npos);
    for (const std::string_view closed : {"tcp://127.0.0.1:5", "[ \"udp://239.1.1.1:5000\" ]"}) {
        EXPECT_NE(refusal_of_forward(closed).find("pushes nothing to"), std::string::npos) << closed;
    }
    EXPECT_THROW(load_configuration({.file_text = "streams: { \"live/*\": { forward: tcp://h:1 } }"}),
                 ConfigurationError);
}

TEST(StreamRules, an_uplink_is_a_secure_link_of_a_stream_that_is_recorded) {
    const Configuration edge = load_configuration(
        {.file_text =
             "streams: { live/cam: { record: true, uplink: \"kcp://server:8910/live/cam?pass=x\" } }\n"
             "uplink: { order: newest, rate_kbits: 4000 }"});
    EXPECT_EQ(edge.streams.at(0).uplink, "kcp://server:8910/live/cam?pass=x");
    EXPECT_TRUE(edge.uplink.newest_first);
    EXPECT_EQ(edge.uplink.rate_kbits_max, 4000U);
    for (const std::string_view refused :
         {"live/cam: { uplink: \"kcp://server/live/cam\" }",
          "live/cam: { record: false, uplink: \"kcp://server/live/cam\" }",
          "live/cam: { record: true, uplink: \"rtmp://server/live/cam\" }",
          "live/cam: { record: true, uplink: \"kcp://127.0.0.1/live/cam\" }",
          "live/cam: { record: true, uplink: \"kcp://s/live/cam\", forward: \"kcp://s/live/cam\" }",
          "\"live/*\": { record: true, uplink: \"kcp://server/live/cam\" }"}) {
        EXPECT_THROW(load_configuration({.file_text = fmt::format("streams: {{ {} }}", refused)}),
                     ConfigurationError)
            << refused;
    }
}

TEST(StreamRules, case_82_a_numeric_address_is_held_against_the_allowed_ones_at_once) {
    EXPECT_NE(refusal("http://127.0.0.1/").find("outgoing.allow"), std::string::npos);
    EXPECT_NE(refusal("http://u@[::ffff:127.0.0.1]/").find("outgoing.allow"), std::string::npos);
    EXPECT_NE(refusal("http://169.254.169.254/").find("outgoing.allow"), std::string::npos);
    EXPECT_NE(refusal("rtmp://127.0.0.1/live/cam").find("outgoing.allow"), std::string::npos);
    EXPECT_EQ(refusal("http://127.0.0.1/", "outgoing: { allow: [ 127.0.0.0/8 ] }"), "");
    EXPECT_NE(refusal("http://[::1]/", "outgoing: { allow: [ 127.0.0.0/8 ] }"), "");
}

TEST(StreamRules, a_source_runs_on_demand_where_a_rule_says_so) {
    const auto configuration = std::make_shared<const Configuration>(load_configuration({
        .file_name = "m.yaml",
        .file_text = R"(
streams:
  "yard/*": { on_demand: true, idle: 30s }
  yard/gate: { source: "test:", on_demand: false }
  yard/door: { source: "test:", idle: 5s }
)",
    }));
    const auto settings = stream_settings(configuration);
    EXPECT_FALSE((*settings)(name("yard/gate")).on_demand);
    EXPECT_TRUE((*settings)(name("yard/door")).on_demand);
    EXPECT_EQ((*settings)(name("yard/door")).idle, 5s);
    EXPECT_EQ((*settings)(name("yard/gate")).idle, 30s);
    EXPECT_FALSE((*settings)(name("live/cam")).on_demand);
}

TEST(StreamRules, a_transport_is_one_of_four_words) {
    const Configuration configuration = load_configuration(
        {.file_name = "m.yaml",
         .file_text = "streams: { a: { transport: udp }, b: { transport: tcp }, c: { transport: auto }, "
                      "d: { transport: http } }"});
    ASSERT_EQ(configuration.streams.size(), 4U);
    EXPECT_EQ(configuration.streams[0].transport, PullTransport::udp);
    EXPECT_EQ(configuration.streams[1].transport, PullTransport::tcp);
    EXPECT_EQ(configuration.streams[2].transport, PullTransport::automatic);
    EXPECT_EQ(configuration.streams[3].transport, PullTransport::http);
    EXPECT_THROW(
        load_configuration({.file_name = "m.yaml", .file_text = "streams: { a: { transport: multicast } }"}),
        ConfigurationError);
}

TEST(StreamRules, a_list_of_sources_is_taken_in_its_order_and_viewers_wait_for_all_of_them) {
    const auto configuration = std::make_shared<const Configuration>(load_configuration({
        .file_name = "m.yaml",
        .file_text = R"(
grace: 1s
streams:
  yard/gate: { source: [ "http://camera/a", "test:", "file:b.mp4" ] }
  yard/door: { source: [ "test:" ] }
)",
    }));
    const StreamRule& gate = configuration->streams.at(0);
    EXPECT_EQ(gate.source, "http://camera/a");
    EXPECT_EQ(gate.other_sources, (std::vector<std::string>{"test:", "file:b.mp4"}));
    EXPECT_TRUE(configuration->streams.at(1).other_sources.empty());
    const auto settings = stream_settings(configuration);
    EXPECT_EQ((*settings)(name("yard/gate")).grace, 30s);
    EXPECT_EQ((*settings)(name("yard/door")).grace, 1s);
}

TEST(StreamRules, case_82_every_source_of_a_list_is_looked_at) {
    const auto refusal_of = [](std::string_view list) -> std::string {
        try {
            load_configuration({.file_name = "m.yaml",
                                .file_text = fmt::format("streams: {{ live/cam: {{ source: {} }} }}", list)});
        } catch (const ConfigurationError& error) {
            return error.what();
        }
        return "";
    };
    EXPECT_NE(refusal_of(R"([ "test:", "gopher://h/" ])").find("streams.live/cam.source[1]"),
              std::string::npos);
    EXPECT_NE(refusal_of(R"([ "test:", "http://127.0.0.1/" ])").find("outgoing.allow"), std::string::npos);
    EXPECT_NE(refusal_of("[]").find("at least one"), std::string::npos);
    EXPECT_NE(refusal_of("[ t, t, t, t, t, t, t, t, t ]").find("more than 8"), std::string::npos);
    EXPECT_NE(refusal_of("{}"), "");
}

}   // namespace

}   // namespace millrace::control
