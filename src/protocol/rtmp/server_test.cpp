#include "protocol/rtmp/server.hpp"
#include "protocol/rtmp/raw_client.hpp"

#include <gtest/gtest.h>

namespace millrace::rtmp {
namespace {

using Codes = std::vector<std::string>;

TEST(Server, answers_connect_with_window_bandwidth_and_success) {
    RawClient client;
    client.shake_hands();
    client.connect();
    EXPECT_EQ(client.codes("_result"), Codes{"NetConnection.Connect.Success"});
    const auto results = client.commands("_result");
    EXPECT_EQ(results[0].transaction, 1);
    EXPECT_EQ(*results[0].arguments[1].find_number("objectEncoding"), 0);
    EXPECT_EQ(results[0].arguments[1].find("fourCcList"), nullptr);
    EXPECT_EQ(client.count(MessageType::window_acknowledgement_size), 1U);
    EXPECT_EQ(client.count(MessageType::set_peer_bandwidth), 1U);
}

TEST(Server, answers_what_an_enhanced_client_asks) {
    RawClient client;
    client.shake_hands();
    client.connect({{"app", "live"},
                    {"objectEncoding", 3},
                    {"fourCcList", amf0::StrictArray{{"hvc1", "av01"}}},
                    {"capsEx", 15}});
    const auto results = client.commands("_result");
    ASSERT_EQ(results.size(), 1U);
    const amf0::Value& answer = results[0].arguments[1];
    EXPECT_EQ(*answer.find_number("objectEncoding"), 3);
    ASSERT_NE(answer.find("fourCcList"), nullptr);
    EXPECT_EQ(*answer.find("fourCcList")->values()->at(1).text(), "hvc1");
    EXPECT_EQ(*answer.find("videoFourCcInfoMap")->find_number("av01"), 4);
    EXPECT_EQ(*answer.find_number("capsEx"), 0);
}

TEST(Server, takes_a_publisher_as_encoders_come) {
    RawClient client;
    client.shake_hands();
    client.connect();
    client.say(Command{"releaseStream", 2, {amf0::Null{}, "cam"}});
    client.say(Command{"FCPublish", 3, {amf0::Null{}, "cam"}});
    client.say(Command{"createStream", 4, {amf0::Null{}}});
    client.say(Command{"publish", 5, {amf0::Null{}, "cam?token=x", "live"}}, 1);
    const auto asked = client.events_of<Server::PublishRequested>();
    ASSERT_EQ(asked.size(), 1U);
    EXPECT_EQ(asked[0].name, "live/cam");
    EXPECT_EQ(asked[0].query, "token=x");
    EXPECT_EQ(asked[0].app, "live");
    const auto results = client.commands("_result");
    ASSERT_EQ(results.size(), 4U);
    EXPECT_EQ(*results[3].number(1), 1);
    EXPECT_EQ(client.commands("onFCPublish").size(), 1U);
    EXPECT_EQ(client.codes(), Codes{});

    client.server.accept_publish();
    EXPECT_EQ(client.codes(), Codes{"NetStream.Publish.Start"});
    client.say_media(MessageType::video, 40, "picture");
    client.say_media(MessageType::audio, 41, "sound");
    const auto media = client.events_of<Media>();
    ASSERT_EQ(media.size(), 2U);
    EXPECT_EQ(media[0].type, MediaType::video);
    EXPECT_EQ(media[0].timestamp_ms, 40U);
    EXPECT_EQ(as_text(media[0].body), "picture");
    EXPECT_EQ(media[1].type, MediaType::audio);

    client.say(Command{"FCUnpublish", 6, {amf0::Null{}, "cam"}});
    client.say(Command{"deleteStream", 7, {amf0::Null{}, 1}});
    EXPECT_EQ(client.commands("onFCUnpublish").size(), 1U);
    EXPECT_EQ(client.codes(), (Codes{"NetStream.Publish.Start", "NetStream.Unpublish.Success"}));
    EXPECT_EQ(client.events_of<Server::PublishEnded>().size(), 1U);
    client.say_media(MessageType::video, 50, "late");
    EXPECT_EQ(client.events_of<Media>().size(), 2U);
    EXPECT_TRUE(client.last);
}

TEST(Server, takes_a_player_and_makes_way_for_the_shared_bytes) {
    RawClient client;
    client.reach_stream();
    client.say(Command{"getStreamLength", 3, {amf0::Null{}, "cam"}});
    client.play();
    ASSERT_EQ(client.events_of<Server::PlayRequested>().size(), 1U);
    EXPECT_EQ(client.events_of<Server::PlayRequested>()[0].name, "live/cam");
    client.server.accept_play();
    EXPECT_EQ(client.codes(), (Codes{"NetStream.Play.Reset", "NetStream.Play.Start"}));
    EXPECT_EQ(client.reader.chunk_size(), chunk_size_to_players);
    ASSERT_EQ(client.heard.back().type, MessageType::data);
    auto access = amf0::read_all(client.heard.back().body);
    ASSERT_TRUE(access);
    EXPECT_EQ(*access->at(0).text(), "|RtmpSampleAccess");
    for (const Message& message : client.heard) {
        if (message.type == MessageType::command && read_command(message)->name == "onStatus") {
            EXPECT_EQ(message.stream_id, 1U);
        }
    }
    client.say(Command{"pause", 0, {amf0::Null{}, true, 100}}, 1);
    client.say(Command{"pause", 0, {amf0::Null{}, false, 100}}, 1);
    EXPECT_EQ(client.events_of<Server::Paused>().size(), 2U);
    EXPECT_EQ(client.codes().back(), "NetStream.Unpause.Notify");
    client.say(Command{"closeStream", 0, {amf0::Null{}}}, 1);
    EXPECT_EQ(client.events_of<Server::PlayEnded>().size(), 1U);
}

TEST(Server, takes_the_wrappers_of_data_off) {
    std::vector<std::byte> plain;
    ByteWriter writer{plain};
    amf0::write(writer, "onMetaData");
    amf0::write(writer, amf0::ecma_array({{"width", 320}}));
    std::vector<std::byte> wrapped;
    ByteWriter wrapper{wrapped};
    amf0::write(wrapper, "@setDataFrame");
    wrapper.bytes(plain);
    std::vector<std::byte> amf3{std::byte{0}};
    amf3.insert(amf3.end(), wrapped.begin(), wrapped.end());
    RawClient client;
    client.reach_publishing();
    client.say({.type = MessageType::data, .stream_id = 1, .body = plain});
    client.say({.type = MessageType::data, .stream_id = 1, .body = wrapped});
    client.say({.type = MessageType::data_amf3, .stream_id = 1, .body = amf3});
    client.say({.type = MessageType::data, .stream_id = 1, .body = {}});
    const auto media = client.events_of<Media>();
    ASSERT_EQ(media.size(), 3U);
    for (const Media& data : media) {
        EXPECT_EQ(data.type, MediaType::data);
        EXPECT_EQ(data.body, Bytes{plain});
    }
}

TEST(Server, takes_commands_in_the_amf3_wrapper) {
    RawClient client;
    client.shake_hands();
    auto body = encode(Command{"connect", 1, {amf0::object({{"app", "live"}, {"objectEncoding", 3}})}});
    body.insert(body.begin(), std::byte{0});
    client.say({.type = MessageType::command_amf3, .body = body});
    EXPECT_EQ(client.codes("_result"), Codes{"NetConnection.Connect.Success"});
}

TEST(Server, opens_aggregate_messages) {
    std::vector<std::byte> body;
    ByteWriter writer{body};
    for (const std::uint32_t time : {100U, 133U}) {
        writer.u8(time == 100 ? 9 : 8);
        writer.u24(2);
        writer.u24(time);
        writer.u8(0);
        writer.u24(0);
        writer.text("ab");
        writer.u32(13);
    }
    RawClient client;
    client.reach_publishing();
    client.say({.type = MessageType::aggregate, .stream_id = 1, .timestamp_ms = 5000, .body = body});
    const auto media = client.events_of<Media>();
    ASSERT_EQ(media.size(), 2U);
    EXPECT_EQ(media[0].timestamp_ms, 5000U);
    EXPECT_EQ(media[1].timestamp_ms, 5033U);
    EXPECT_EQ(media[1].type, MediaType::audio);
    body.pop_back();
    client.say({.type = MessageType::aggregate, .stream_id = 1, .body = body});
    EXPECT_FALSE(client.last);
}

TEST(Server, refuses_in_the_words_each_side_expects) {
    struct Row {
        bool publish;
        Server::Refusal reason;
        std::string code;
    };
    using enum Server::Refusal;
    const Row rows[] = {{true, exists, "NetStream.Publish.BadName"},
                        {true, not_found, "NetStream.Publish.BadName"},
                        {true, denied, "NetStream.Publish.Denied"},
                        {true, unsupported, "NetStream.Publish.Denied"},
                        {false, not_found, "NetStream.Play.StreamNotFound"},
                        {false, denied, "NetStream.Play.Failed"},
                        {false, unsupported, "NetStream.Play.NoSupportedTrackFound"}};
    for (const Row& row : rows) {
        RawClient client;
        client.reach_stream();
        row.publish ? client.publish() : client.play();
        client.server.refuse(row.reason, "because");
        EXPECT_EQ(client.codes(), Codes{row.code});
        EXPECT_EQ(client.commands("_error").size(), row.reason == unsupported ? 1U : 0U);
        EXPECT_EQ(*client.commands("onStatus")[0].arguments[1].find_text("description"), "because");
        client.play();
        EXPECT_EQ(client.last.error().code, Errc::closed);
        EXPECT_EQ(client.server.deadline(), Instant::never());
    }
}

TEST(Server, kicks_with_words) {
    RawClient client;
    client.reach_publishing();
    client.server.kick("kicked by the operator");
    EXPECT_EQ(client.codes().back(), "NetConnection.Connect.Closed");
    client.say_media(MessageType::video, 1, "x");
    EXPECT_FALSE(client.last);
}

TEST(Server, forgets_a_request_that_was_taken_back_before_the_answer) {
    RawClient publisher;
    publisher.reach_stream();
    publisher.publish();
    publisher.say(Command{"deleteStream", 0, {amf0::Null{}, 1}});
    publisher.server.accept_publish();
    EXPECT_FALSE(publisher.server.publishing());
    EXPECT_EQ(publisher.events_of<Server::PublishEnded>().size(), 1U);
    RawClient player;
    player.reach_stream();
    player.play();
    player.say(Command{"closeStream", 0, {amf0::Null{}}}, 1);
    player.server.accept_play();
    EXPECT_FALSE(player.server.playing());
    EXPECT_EQ(player.events_of<Server::PlayEnded>().size(), 1U);
}

TEST(Server, drops_and_counts_media_before_it_was_accepted) {
    RawClient client;
    client.reach_stream();
    client.publish();
    client.say_media(MessageType::video, 0, "early");
    client.server.accept_publish();
    client.say_media(MessageType::video, 1, "in time");
    EXPECT_EQ(client.events_of<Media>().size(), 1U);
    EXPECT_EQ(client.server.counters().media_dropped, 1U);
}

TEST(Server, acknowledges_each_window_and_needs_no_acknowledgement) {
    RawClient client;
    client.reach_publishing();
    client.say_control(MessageType::window_acknowledgement_size, 5'000);
    const std::string picture(1'000, 'x');
    for (std::uint32_t i = 0; i < 100; ++i) {
        client.say_media(MessageType::video, i, picture);
    }
    const auto acknowledgements = client.count(MessageType::acknowledgement);
    EXPECT_GE(acknowledgements, 16U);
    EXPECT_LE(acknowledgements, 21U);
    EXPECT_EQ(client.events_of<Media>().size(), 100U);
}

TEST(Server, gives_up_a_publisher_that_is_silent_for_30_s) {
    RawClient client;
    client.reach_publishing();
    client.now = client.now + 20s;
    client.say_media(MessageType::video, 0, "x");
    EXPECT_EQ(client.server.deadline(), client.now + publisher_silence_max);
    const auto late = client.server.advance(client.now + 30s);
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, Errc::timed_out);
}

TEST(Server, pings_a_quiet_player_and_never_gives_it_up) {
    RawClient client;
    client.reach_playing();
    for (int i = 0; i < 10; ++i) {
        const Instant due = client.server.deadline();
        ASSERT_TRUE(client.server.advance(due));
        EXPECT_EQ(client.server.deadline(), due + player_ping_interval);
    }
    EXPECT_EQ(client.count(MessageType::user_control), 1U + 10U);   // and StreamBegin
}

TEST(Server, answers_pings) {
    RawClient client;
    client.reach_playing();
    std::vector<std::byte> ping;
    ByteWriter writer{ping};
    writer.u16(6);
    writer.u32(0xABCD);
    client.say({.chunk_stream = 2, .type = MessageType::user_control, .body = ping});
    client.listen();
    ByteReader reader{client.heard.back().body};
    EXPECT_EQ(reader.u16(), 7);
    EXPECT_EQ(reader.u32(), 0xABCDU);
}

TEST(StreamAddress, joins_app_and_key_and_sets_the_query_apart) {
    struct Row {
        std::string_view app, tc_url, key, name, query;
    };
    const Row rows[] = {
        {"live", "rtmp://h/live", "cam", "live/cam", ""},
        {"live", "rtmp://h/live", "", "live", ""},
        {"live", "rtmp://h/live", "?token=x", "live", "token=x"},
        {"live", "rtmp://h/live", "cam?token=x", "live/cam", "token=x"},
        {"live?token=x", "rtmp://h/live?token=x", "cam", "live/cam", "token=x"},
        {"live", "rtmp://h/live?token=x", "cam", "live/cam", "token=x"},
        {"live?a=1", "rtmp://h/live?a=1", "cam?b=2", "live/cam", "b=2&a=1"},
        {"a/b", "rtmp://h/a/b", "c/d", "a/b/c/d", ""},
        {"live/", "rtmp://h/live/", "/cam", "live/cam", ""},
        {"", "", "cam", "cam", ""},
        {"", "", "", "", ""},
        {"live", "", "cam?x=%2F?y", "live/cam", "x=%2F?y"},
    };
    for (const Row& row : rows) {
        const StreamAddress address = stream_address(row.app, row.tc_url, row.key);
        EXPECT_EQ(address.name, row.name);
        EXPECT_EQ(address.query, row.query);
    }
}

}   // namespace
}   // namespace millrace::rtmp
