#include "apps/desktop/sentences.hpp"

#include <gtest/gtest.h>

namespace millrace::apps {
namespace {

using hub::ForwardState;
using hub::SourceEnd;
using hub::SourceState;

hub::StreamReport of(hub::SourceStatus source) {
    hub::StreamReport stream{.name = "cam"};
    stream.sources.push_back(std::move(source));
    return stream;
}

control::Audience to(hub::ForwardReport forward) {
    control::Audience audience;
    audience.forwards.push_back(std::move(forward));
    return audience;
}

const hub::SourceStatus works{.source = "test:", .state = SourceState::live, .reason = {}};

TEST(Sentences, of_a_sender_name_what_works_and_what_does_not) {
    struct Case {
        hub::SourceStatus source;
        hub::ForwardReport forward;
        Sentence said;
    };
    const hub::ForwardReport waits{.to = "rtsp://h/cam"};
    const std::vector<Case> cases{
        {{.source = "test:", .reason = "connecting"}, waits, {.text = "Opening test:"}},
        {works, waits, {.text = "Connecting to rtsp://h/cam"}},
        {works,
         {.to = "rtsp://h/cam", .state = ForwardState::live},
         {.mood = Mood::good, .text = "Sending to rtsp://h/cam"}},
        {works,
         {.to = "rtsp://h/cam", .state = ForwardState::broken, .reason = "nobody listens there"},
         {.mood = Mood::trouble, .text = "rtsp://h/cam: nobody listens there. It is tried again."}},
        {works,
         {.to = "rtsp://h/cam", .state = ForwardState::broken, .reason = "wrong password", .given_up = true},
         {.mood = Mood::failed, .text = "rtsp://h/cam: wrong password", .over = true}},
        {{.source = "v4l2:/dev/video9", .reason = "/dev/video9 is not there"},
         waits,
         {.mood = Mood::trouble, .text = "v4l2:/dev/video9: /dev/video9 is not there. It is tried again."}},
        {{.source = "test:?x=1", .reason = "no option 'x'", .end = SourceEnd::useless},
         waits,
         {.mood = Mood::failed, .text = "test:?x=1: no option 'x'", .over = true}},
        {{.source = "file:a.mp4", .reason = "it is finished", .end = SourceEnd::finished},
         {.to = "file:b.ts", .state = ForwardState::waiting},
         {.text = "The source has come to its end.", .over = true}},
    };
    for (const Case& one : cases) {
        const Sentence said = sender_sentence(of(one.source), to(one.forward));
        EXPECT_EQ(said.text, one.said.text);
        EXPECT_EQ(name(said.mood), name(one.said.mood)) << said.text;
        EXPECT_EQ(said.over, one.said.over) << said.text;
    }
}

TEST(Sentences, row_4_13_of_a_receiver_say_why_it_is_black_and_that_it_waits) {
    hub::PlaybackReport dark{.received = 30, .dark = "the sender ended the stream"};
    EXPECT_EQ(receiver_sentence(of(works), dark),
              (Sentence{.mood = Mood::trouble, .text = "The sender ended the stream."}));
    const hub::SourceStatus gone{
        .source = "rtsp://h/cam", .state = SourceState::stale, .reason = "nobody listens there"};
    dark.dark = "the sender was lost";
    EXPECT_EQ(receiver_sentence(of(gone), dark).text,
              "The sender was lost. rtsp://h/cam: nobody listens there. It is tried again.");
    EXPECT_EQ(receiver_sentence(of(gone), {}).text, "rtsp://h/cam: nobody listens there. It is tried again.");
    const hub::PlaybackReport plays{.dark = {}};
    EXPECT_EQ(receiver_sentence(of(works), plays), (Sentence{.mood = Mood::good, .text = "Playing test:"}));
    hub::PlaybackReport unheard = plays;
    unheard.silent = "the sound card default is not there";
    EXPECT_EQ(receiver_sentence(of(works), unheard).text,
              "Playing test:. There is no sound: the sound card default is not there.");
}

TEST(Sentences, what_comes_from_elsewhere_is_called_again_and_a_file_is_not) {
    for (const auto& [source, again] :
         std::vector<std::pair<std::string, bool>>{{"http://h/cam.flv", true}, {"file:a.mp4", false}}) {
        const Sentence said =
            receiver_sentence(of({.source = source, .reason = "it is finished", .end = SourceEnd::finished}),
                              {.received = 3, .dark = "the stream is over"});
        EXPECT_TRUE(said.over);
        EXPECT_EQ(said.again, again);
    }
}

}   // namespace
}   // namespace millrace::apps
